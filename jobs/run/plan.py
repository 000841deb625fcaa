"""What is to be done for a movie, decided from what stands in its folder: pure, without a disk, a clock or a worker.

Invariants:

- Only the driver decides (:mod:`jobs.run.movie_job`). It holds the output folder: only its orders change what is there.
- A unit is done when its file stands under its final name, in the folder of its key.
- Units are named by their span, and by whether the file's time stamps are trusted; by nothing else. So a later run
  finds them however it cuts the rest of the movie.
- What stands under another key, or under none, is never used.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jobs.store.job_file import JobFile
from jobs.store.provenance import Keys
from jobs.store.run_files import Plan
from jobs.store.workspace import WORK, MovieFolder
from pipeline.media.segments import Segment

TABLES: Final = frozenset(path.name for path in MovieFolder(Path()).tables)
VIDEO: Final = MovieFolder(Path()).video.name
OVERLAY: Final = MovieFolder(Path()).overlay.name


@dataclass(frozen=True)
class Earlier:
    """What earlier runs left of a movie.

    Attributes:
        job: its ``job.json``.
        plan: its ``plan.json``; there is one only where a run did not come to its end.
        files: what :meth:`jobs.store.workspace.MovieFolder.listing` returns.
    """

    job: JobFile | None = None
    plan: Plan | None = None
    files: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Todo:
    """What is to be made.

    Attributes:
        tables: the tables.
        relabels: whether they are made of the timeline that stands, which differs in labels alone.
        video: the annotated video.
        overlay: the movie with its labels as subtitles.
        replaces: whether tables that stand will be replaced by others, so that videos beside them are outdated.
        video_key, overlay_key: what ``job.json`` is to say of them afterwards.
        no_overlay: why an overlay that is not to be made again could not be made, or "".
        why: why earlier work is not used, as sentences for the user.
    """

    tables: bool
    relabels: bool
    video: bool
    overlay: bool
    replaces: bool
    video_key: str
    overlay_key: str
    no_overlay: str = ""
    why: tuple[str, ...] = ()

    @property
    def nothing(self) -> bool:
        """Whether all that is wanted stands."""
        return not (self.tables or self.video or self.overlay)


def what_is_left(earlier: Earlier, keys: Keys, fingerprint: str, force: bool) -> Todo:
    """Decide what is to be made.

    Args:
        earlier: what stands.
        keys: of what is wanted; ``keys.video`` and ``keys.overlay`` are "" where those are not.
        fingerprint: the movie's.
        force: make everything again.

    Returns:
        What is left. A video that is not wanted stays if it shows the tables that are. An overlay that could not be
        made is not tried again.
    """
    job = earlier.job
    same_tables = not force and job is not None and job.has_results and job.keys.tables == keys.tables
    tables_stand = same_tables and earlier.files >= TABLES
    known_video = job.keys.video if job is not None and same_tables else ""
    video_stands = tables_stand and known_video == keys.video and VIDEO in earlier.files
    video = bool(keys.video) and not video_stands
    known_overlay = job.keys.overlay if job is not None and same_tables else ""
    refused = job.no_overlay if job is not None and known_overlay else ""
    if refused and not keys.overlay:
        known_overlay = refused = ""  # that there is none is no fault of a run that wants none
    overlay_stands = tables_stand and known_overlay == keys.overlay and (OVERLAY in earlier.files or bool(refused))
    overlay = bool(keys.overlay) and not overlay_stands
    return Todo(
        tables=not tables_stand,
        relabels=not force and not tables_stand and earlier.files >= TABLES and _same_analysis(job, keys),
        video=video,
        overlay=overlay,
        replaces=not same_tables,
        video_key=keys.video if video else known_video,
        overlay_key=keys.overlay if overlay else known_overlay,
        no_overlay="" if overlay else refused,
        why=() if force else tuple(_why(earlier, keys, fingerprint, same_tables, tables_stand)),
    )


def _same_analysis(job: JobFile | None, keys: Keys) -> bool:
    return job is not None and job.has_results and job.keys.analysis == keys.analysis


def _why(earlier: Earlier, keys: Keys, fingerprint: str, same_tables: bool, tables_stand: bool) -> list[str]:
    job, plan, why = earlier.job, earlier.plan, []
    if job is not None and job.has_results and not tables_stand:
        if job.format is None:
            cause = "they were made by an earlier version"
        elif job.fingerprint != fingerprint:
            cause = "the movie has changed since"
        elif same_tables:
            cause = "some of their files are missing"
        elif _same_analysis(job, keys):
            cause = "the settings of labels or scenes have changed; nothing is analyzed again"
        else:
            cause = "they were made with other settings, another model or device, or by another version"
        why.append(f"the results of {job.finished or 'an earlier run'} are replaced: {cause}")
    if plan is not None and plan.keys.analysis != keys.analysis:
        maker = "an earlier version" if plan.format is None else "a run with other settings, or another version"
        why.append(f"units of work left by {maker} are not used")
    return why


def other_movie(earlier: Earlier, source: str) -> str | None:
    """Return the source whose results stand in the folder, if it is not ``source``."""
    job = earlier.job
    return job.source if job is not None and job.has_results and job.source != source else None


@dataclass(frozen=True)
class Unit:
    """A segment's share of a pass over the movie, and its file, as a name below the movie's folder."""

    segment: Segment
    file: str


def units_of(segments: Sequence[Segment], key: str, ending: str) -> list[Unit]:
    """Return the units of a pass over a movie, in the order of time.

    Args:
        segments: that together are the movie.
        key: of the pass.
        ending: of the files' names.
    """
    return [Unit(segment, f"{WORK}/{key}/{segment.name}{ending}") for segment in segments]


def units_left(units: Sequence[Unit], files: Collection[str]) -> list[Unit]:
    """Return the units whose file is not among ``files``, the largest first: so all workers are busy to the end."""
    return sorted((unit for unit in units if unit.file not in files), key=lambda unit: -unit.segment.frames)
