"""What lies in folders of movies, as cameras, discs, streams and people leave it there."""
