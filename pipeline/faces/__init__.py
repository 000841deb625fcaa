"""Finds faces, cuts them out and follows them."""
