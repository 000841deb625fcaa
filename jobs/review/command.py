"""What ``moodreel review`` does."""

from pathlib import Path

from jobs.errors import UsageError
from jobs.review.app import make_review
from jobs.web.address import Address
from jobs.web.server import serve

_THREADS = 12


def review(out: Path, address: Address, browser: bool, editor: str | None = None) -> None:
    """Serve the pages of an output folder until the user stops it.

    Args:
        out: the folder.
        address: to serve them at.
        browser: whether to open one.
        editor: who may label faces; None: nothing is written.

    Raises:
        UsageError: there is no such folder, or the address is not available.
    """
    if not out.is_dir():
        raise UsageError(f"{out}: no such folder; expected the --out of a run")
    serve(make_review(out, address, editor), address, f"Review of {out}", browser, threads=_THREADS)
