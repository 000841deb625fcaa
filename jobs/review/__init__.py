"""Review of results in a browser: a page for the folder, a page for each movie. Reads only; nothing is written."""
