"""Keeps a live session as a movie of a run."""
