"""Observations of a movie, and the tables made from them."""
