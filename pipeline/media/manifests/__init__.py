"""Movies that a file describes rather than holds."""
