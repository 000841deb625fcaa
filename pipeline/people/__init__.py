"""Which tracks of one movie show the same person."""
