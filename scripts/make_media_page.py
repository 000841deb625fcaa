"""Write docs/media.md, the table of films that are read, from the tests that read them. ``make media-page`` runs it."""

import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]

if __name__ == "__main__":
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]  # the first goes before: tests/pipeline is not the package
    from media_matrix import page

    (ROOT / "docs" / "media.md").write_text(page(), encoding="utf-8")
