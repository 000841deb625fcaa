"""Many movies: what to do, where, and what is done. The only place where ``pipeline`` and ``models`` meet."""
