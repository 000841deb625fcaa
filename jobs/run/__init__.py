"""A run: inputs to movies, movies to units of work, units to workers, and what the user sees of it."""
