"""Stills of a movie as JPEGs, and the file that they are taken from."""
