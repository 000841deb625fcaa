"""Review of results in a browser: a page for the folder, a page for each movie.

Results are only read. With --edit, labels that users give to faces are kept beside them.
"""
