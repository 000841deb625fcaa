"""Where the real movies lie, beside the checkout."""

from pathlib import Path

MOVIES = Path(__file__).resolve().parents[3] / "shared" / "data" / "movies"
