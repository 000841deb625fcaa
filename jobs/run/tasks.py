"""The units of work, as plain functions that any worker on any machine can run: everything comes as arguments.

Invariant: a unit is done when its file stands under its final name; what it returns is only news for the run.
"""

import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from jobs.executors.heartbeat import count_frame, show_life
from jobs.executors.libraries import LIBRARIES, versions_of
from jobs.run.worker import READER, classifier_of, detector_of, embedder_of, make_room, take_notes
from jobs.settings import Settings
from jobs.store.atomic import commit, temporary_beside
from jobs.store.job_file import MovieSummary
from jobs.store.movie_result import AssembledMovie
from jobs.store.provenance import Equipment, Provenance, fingerprint_movie
from jobs.store.table_files import commit_tables
from jobs.store.workspace import MovieFolder
from pipeline.errors import InputError, OverlayError
from pipeline.media.movie import Movie, open_movie
from pipeline.media.segments import Packets, Segment, read_packets
from pipeline.tables.observations import Observations
from pipeline.video import copies
from pipeline.video.copies import Copies
from pipeline.video.encoders import choose_encoder
from pipeline.video.join import join
from pipeline.video.mux import mux
from pipeline.video.overlay import overlay
from pipeline.video.render import render

if TYPE_CHECKING:
    from jobs.report.movie_report import Prepared


@dataclass(frozen=True)
class Probe:
    """What a movie's header and first frame say, and its fingerprint."""

    movie: Movie
    fingerprint: str


def equip(settings: Settings) -> Equipment:
    """Load detector and network in this worker, and say what they are.

    Raises:
        ModelError, DetectorError, EncoderError: one of them is not available, or the encoder of the video.
    """
    classifier = classifier_of(settings.model, settings.prior, settings.device, settings.threads, settings.runtime)
    detector_of(settings.detector, settings.detector_model, classifier.device)
    encoder = choose_encoder(settings.encoder) if settings.video == "h264" else "x264"
    versions = versions_of(LIBRARIES) | {"python": platform.python_version()}
    people = embedder_of(settings.threads).digest if settings.people else ""
    model = classifier.model
    return Equipment(classifier.device, model.digest, versions, model.prior, people, classifier.runtime, encoder)


def probe(path: Path) -> Probe:
    """Look at a movie's header and first frame.

    Raises:
        InputError: it is no movie, or cannot be read.
    """
    movie = open_movie(path)
    try:
        fingerprint = fingerprint_movie(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    return Probe(movie, fingerprint)


def confirm_unchanged(path: Path, fingerprint: str) -> None:
    """Make sure that a movie is still the one that was probed.

    Raises:
        InputError: it was replaced, changed or removed.
    """
    try:
        found = fingerprint_movie(path)
    except OSError as error:
        raise InputError(f"{path}: can no longer be read: {error.strerror}") from error
    if found != fingerprint:
        raise InputError(f"{path}: changed while being processed; run again")


def scan(movie: Movie) -> Packets:
    """Read all packets of a movie; see :func:`pipeline.media.segments.read_packets`."""
    return read_packets(movie, show_life)


def analyze_segment(movie: Movie, segment: Segment, settings: Settings, out: Path) -> list[str]:
    """Analyze a segment and commit its observations.

    Args:
        movie: that the segment is of.
        segment: its span.
        settings: of the run; device and runtime are those that were found.
        out: the unit's file.

    Returns:
        What the user should know of the work.

    Raises:
        InputError: the movie cannot be read.
    """
    from pipeline.analyze import Analysis, analyze  # with PySceneDetect, which the runner need not load

    classifier = classifier_of(settings.model, settings.prior, settings.device, settings.threads, settings.runtime)
    detector = detector_of(settings.detector, settings.detector_model, classifier.device)
    beside = classifier.device != "cpu"
    embedder = embedder_of(settings.threads) if settings.people else None
    options = settings.track_options()
    analysis = Analysis(detector, classifier, settings.detect_every, options, embedder, overlapped=beside)
    observations = analyze(movie, segment, analysis, settings.threads, count_frame, READER)
    commit(out, lambda temporary: temporary.write_bytes(observations.to_bytes()), _movie_folder(out))
    return take_notes(detector, classifier)


@dataclass(frozen=True)
class About:
    """What the tables say of the movie: its name, whether its time stamps could be trusted, and the provenance."""

    name: str
    trusted: bool
    provenance: Provenance


def assemble_movie(
    movie: Movie, parts: Sequence[Path], folder: MovieFolder, settings: Settings, about: About
) -> AssembledMovie:
    """Make the movie's tables from its observations and commit them.

    Args:
        movie: that was observed.
        parts: its observations, of all segments in the order of time.
        folder: where the tables go.
        settings: of the run.
        about: what the tables say of the movie.

    Returns:
        What was found out.
    """
    from pipeline.tables.concatenate import concatenated  # as in analyze_segment
    from pipeline.tables.timeline import assemble

    observations = [Observations.load(part) for part in parts]
    make_room(sum(len(o.pts) for o in observations))
    whole = concatenated(observations)
    del observations  # of a long movie, its parts would be a tenth of the memory that is needed
    about_json = about.provenance.to_json()
    options = settings.track_options()
    wanted = settings.sure, settings.people, settings.wanted_scenes
    tables = assemble(about.name, movie, [whole], options, about_json, *wanted)
    refused, damaged, missing = whole.refused, whole.damaged, whole.missing
    del whole
    commit_tables(tables, folder)
    return AssembledMovie(MovieSummary.parse(tables.summary), refused, damaged, about.trusted, missing)


def relabel_movie(movie: Movie, folder: MovieFolder, settings: Settings, about: About) -> MovieSummary:
    """Make the movie's tables from its timeline, with the labels that ``settings.sure`` shows, and commit them.

    Args:
        movie: that was observed.
        folder: where the tables are.
        settings: of the run.
        about: what the tables say of the movie.

    Returns:
        The content in figures.
    """
    from pipeline.tables.relabel import relabel

    timeline, shots = pq.read_table(folder.timeline), pq.read_table(folder.shots)
    make_room(len(timeline))
    origin = about.provenance.to_json()
    options = settings.track_options()
    wanted = settings.sure, settings.people, settings.wanted_scenes
    tables = relabel(about.name, movie, timeline, shots, options, origin, *wanted)
    commit_tables(tables, folder)
    return MovieSummary.parse(tables.summary)


def plan_copies(movie: Movie, timeline: Path) -> Copies:
    """Find what of a movie is copied into its annotated video; see :func:`pipeline.video.copies.plan_copies`."""
    return copies.plan_copies(movie, timeline, show_life)


def render_segment(
    movie: Movie, segment: Segment, timeline: Path, settings: Settings, out: Path, copied: Copies
) -> None:
    """Encode a segment of the annotated video and commit it.

    Args:
        movie: that the segment is of.
        segment: its span.
        timeline: the movie's table of faces.
        settings: of the run.
        out: the unit's file; it is empty where the segment has no frames.
        copied: what of the movie is copied instead.

    Raises:
        InputError: the movie cannot be read.
    """

    def write(temporary: Path) -> None:
        options = settings.encoder_options()
        if render(movie, segment, timeline, temporary, options, count_frame, READER, copied) == 0:
            temporary.touch()

    commit(out, write, _movie_folder(out))


def _movie_folder(unit: Path) -> Path:
    return unit.parents[2]  # .work/KEY/UNIT


def join_movie(movie: Movie, parts: Sequence[Path], folder: MovieFolder, comment: str) -> list[str]:
    """Join the parts, add the source's sound, and commit the annotated video.

    Args:
        movie: whose sound, subtitles and chapters are added.
        parts: the video's, in the order of time.
        folder: where the video goes.
        comment: that goes into its metadata.

    Returns:
        Remarks for the user.
    """
    make_room(pq.read_metadata(folder.timeline).num_rows)
    remarks: list[str] = []
    with temporary_beside(folder.video.with_stem("picture"), folder.root) as picture:
        join([part for part in parts if part.stat().st_size], picture)
        commit(folder.video, lambda temporary: remarks.extend(mux(picture, movie, temporary, comment, show_life)))
    return remarks


def overlay_movie(movie: Movie, folder: MovieFolder, comment: str) -> tuple[list[str], str]:
    """Copy the movie with its labels as subtitles, and commit that.

    Args:
        movie: with the picture that its tables are in.
        folder: where its tables are, and where the copy goes.
        comment: that goes into its metadata.

    Returns:
        Remarks for the user; and why there is no copy, or "".
    """
    remarks: list[str] = []

    def write(temporary: Path) -> None:
        remarks.extend(overlay(movie, folder.timeline, temporary, comment, show_life))

    make_room(pq.read_metadata(folder.timeline).num_rows)
    try:
        commit(folder.overlay, write)
    except OverlayError as error:
        return [], str(error).removeprefix(f"{movie.path}: ")
    return remarks, ""


def prepare_report(folder: MovieFolder, movie: Movie) -> "Prepared":
    """Make what takes longest of the movie's report; see :func:`jobs.report.movie_report.prepare`."""
    from jobs.report.movie_report import prepare  # needed once a movie

    make_room(pq.read_metadata(folder.timeline).num_rows)
    return prepare(folder, movie)


def report_movie(folder: MovieFolder, prepared: "Prepared | None" = None) -> None:
    """Write the movie's ``report.html``; see :func:`jobs.report.movie_report.write_movie_report`."""
    from jobs.report.movie_report import write_movie_report  # needed once a movie

    job = folder.read_job_file()
    make_room(job.summary.frames or 0 if job else 0)
    write_movie_report(folder, prepared)


def timed(task: Callable[..., Any], *arguments: Any) -> tuple[Any, float]:
    """Run a unit; return its result and the seconds it took."""
    begun = time.perf_counter()
    result = task(*arguments)
    return result, time.perf_counter() - begun
