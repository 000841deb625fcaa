"""The folder in rows: a movie each, with what is known of it so far."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jobs.errors import UsageError
from jobs.status import MovieStatus, RunStatus, read_status
from jobs.workspace import MovieFolder
from pipeline.schema import EMOTIONS


@dataclass(frozen=True)
class Row:
    """A movie in the library.

    Attributes:
        movie: how far it is.
        ready: there are results to look at.
        pictured: there is something to take a picture of it from.
        duration: s; None while unknown.
        coverage: part of the time with at least one face, 0..1.
        tracks: how many faces were followed.
        shares: of face-time, in the order of EMOTIONS; None without a face.
        model: the network that labelled it.
    """

    movie: MovieStatus
    ready: bool
    pictured: bool = False
    duration: float | None = None
    coverage: float | None = None
    tracks: int | None = None
    shares: tuple[float, ...] | None = None
    model: str = ""


@dataclass(frozen=True)
class Library:
    """All movies of a folder, or why there are none (``empty``)."""

    rows: tuple[Row, ...]
    status: RunStatus | None
    empty: str = ""

    @property
    def busy(self) -> bool:
        """Whether a run goes on."""
        return bool(self.status and self.status.run and self.status.run.alive)


def read_library(out: Path) -> Library:
    """Read the folder; one without results is a library without rows."""
    try:
        status = read_status(out)
    except UsageError as error:
        return Library((), None, str(error))
    return Library(tuple(_row(out, movie) for movie in status.movies), status)


def _row(out: Path, movie: MovieStatus) -> Row:
    if movie.state not in ("done", "partial"):
        return Row(movie, ready=False)
    folder = MovieFolder(out / movie.name)
    job = folder.read_job() or {}
    found = job.get("summary")
    summary: dict[str, Any] = found if isinstance(found, dict) else {}
    tracks = summary.get("tracks")
    return Row(
        movie,
        ready=True,
        pictured=any(path.is_file() for path in (folder.poster, folder.video, Path(str(job.get("source", ""))))),
        duration=number(summary.get("duration")),
        coverage=number(summary.get("coverage")),
        tracks=tracks if isinstance(tracks, int) else None,
        shares=shares_of(summary),
        model=str(job.get("model") or ""),
    )


def shares_of(columns: dict[str, Any]) -> tuple[float, ...] | None:
    """Return the columns ``share_<emotion>`` of a row; None where there is no face."""
    shares = [number(columns.get(f"share_{emotion}")) for emotion in EMOTIONS]
    return None if any(share is None for share in shares) else tuple(share or 0.0 for share in shares)


def number(value: Any) -> float | None:
    """Return what JSON or a table holds if it is a finite number."""
    fits = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if fits else None


def clock(seconds: float | None, tenths: bool = False) -> str:
    """Return seconds as people read them: ``0:14``, ``1:02:03``; a hyphen for None."""
    if seconds is None:
        return "-"
    whole = int(seconds) if tenths else round(seconds)
    text = (
        f"{whole // 60}:{whole % 60:02}" if whole < 3600 else f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"
    )
    return text + (f".{int(seconds * 10) % 10}" if tenths else "")


@dataclass(frozen=True)
class Piece:
    """A part of a bar of shares: its emotion, where it begins and how wide it is, in thousandths of the bar."""

    emotion: str
    x: float
    width: float
    share: float


def pieces(shares: Sequence[float]) -> list[Piece]:
    """Return the parts of a bar of ``shares``, which add up to 1; those of nothing are left out."""
    found, x = [], 0.0
    for emotion, share in zip(EMOTIONS, shares, strict=True):
        if share > 0:
            found.append(Piece(emotion, round(1000 * x, 1), round(1000 * share, 1), share))
        x += share
    return found


def told(shares: Sequence[float] | None) -> str:
    """Return shares in words, the largest first, for those who do not see the bar."""
    if shares is None:
        return "no face"
    order = sorted(zip(shares, EMOTIONS, strict=True), reverse=True)
    return ", ".join(f"{emotion} {share:.0%}" for share, emotion in order if share >= 0.005) or "no face"
