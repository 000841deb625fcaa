"""Where the real movies and data sets lie, beside the checkout; tests that want them skip where they are absent."""

from pathlib import Path

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
MOVIES = SHARED / "movies"
