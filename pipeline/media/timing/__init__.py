"""From the time stamps of a file to those of its movie: the file's clock may step, and stamps may be wrong."""
