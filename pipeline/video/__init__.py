"""Draws labelled faces, encodes the annotated video and joins it with the source's sound."""
