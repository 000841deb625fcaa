"""A movie and its timeline -> ``annotated.mkv``: the movie copied untouched, its labels a subtitle track beside it.

Whoever watches can switch the labels off. The file counts time on the player's clock of the source. Matroska counts ms:
frames and events are rounded alike, and afterwards it is checked that each frame is where its events expect it.
"""

import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
import av.container
import av.error
import av.packet
import av.stream
import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipeline.errors import FfmpegError, InputError, OverlayError
from pipeline.media.ffmpeg import ffmpeg_exe, run, url
from pipeline.media.manifests.parts import is_several_files
from pipeline.media.movie import Movie, open_movie, opened
from pipeline.video.mux import COPIED_AUDIO, TEXT_SUBTITLES, SourceStream, reason_of, source_streams
from pipeline.video.plan import LABEL_COLUMNS, LabelledFace, labelled_face, plan_marks
from pipeline.video.subtitles import Event, Thinner, header, nothing

TITLE: Final = "Labels (moodreel)"
"""Of the subtitle track."""

_OFFER: Final = "--video h264 makes an annotated video"

_MS: Final = Fraction(1, 1000)

_AUDIO: Final = COPIED_AUDIO | {
    *("vorbis", "truehd", "mlp", "tta", "wavpack", "wmav1", "wmav2", "adpcm_ms", "adpcm_ima_wav", "mp1"),
    *("pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_s16be", "pcm_s24be"),
}
"""Sound that Matroska holds; anything else is encoded as AAC."""

_SUBTITLES: Final = frozenset(
    {"subrip", "ass", "ssa", "webvtt", "hdmv_pgs_subtitle", "dvd_subtitle", "dvb_subtitle", "hdmv_text_subtitle"}
)
"""Subtitles that Matroska holds; other texts become SubRip."""


@dataclass(frozen=True)
class _Attempt:
    """One way to make the file: the streams to take, each with the codec to write, and remarks for the user."""

    streams: tuple[tuple[SourceStream, str], ...]
    remarks: tuple[str, ...]


def overlay(
    movie: Movie,
    timeline: Path,
    out: Path,
    comment: str,
    on_progress: Callable[[], None] = lambda: None,
) -> list[str]:
    """Copy a movie with its labels as a subtitle track.

    Args:
        movie: with its one picture, and time stamps that are the file's own.
        timeline: table of the whole movie.
        out: Matroska file to write.
        comment: its metadata of that name.
        on_progress: called while there is progress.

    Returns:
        Remarks for the user: what is missing or was encoded again.

    Raises:
        InputError: the movie cannot be read.
        OverlayError: Matroska does not hold its video, or not with its times and geometry.
        FfmpegError: the subtitle track cannot be written.
    """
    if movie.clock.pieces:
        raise OverlayError(f"{movie.path}: its clock steps, and a copy would step too; {_OFFER}")
    if is_several_files(movie.path):
        raise OverlayError(f"{movie.path}: it is several files, not one that can be copied; {_OFFER}")
    if _shape_changes(timeline):
        raise OverlayError(f"{movie.path}: the shape of its picture changes, and subtitles would not follow; {_OFFER}")
    times = _FrameTimes(movie, timeline)
    labels = out.with_name(f"{out.name}.labels")
    try:
        _write_labels(movie, timeline, times, labels, on_progress)
        remarks = _copy(movie, labels, out, comment, on_progress)
    finally:
        labels.unlink(missing_ok=True)
    _confirm(movie, times, out)
    return remarks


def _shape_changes(timeline: Path) -> int:
    """Return how often the shape of the movie's frames changes."""
    about = json.loads((pq.read_schema(timeline).metadata or {}).get(b"moodreel", b"{}"))
    return int(about.get("shape_changes", 0))


class _FrameTimes:
    """When frames are shown, in ms, as FFmpeg rounds it when it copies their packets."""

    def __init__(self, movie: Movie, timeline: Path) -> None:
        """Read them.

        Raises:
            OverlayError: two frames come in the same ms.
        """
        pts = np.unique(pq.read_table(timeline, columns=["pts"])["pts"].to_numpy())
        tick = movie.time_base
        # As av_rescale_q: to the nearest, halves away from zero; first the source's start, then the packet.
        late = _nearest(np.array([-round(movie.clock_start * av.time_base)]), Fraction(1, av.time_base), tick)
        self.pts = pts
        self.ms = _nearest(pts + late, tick, _MS)
        if (np.diff(self.ms) <= 0).any():
            raise OverlayError(f"{movie.path}: frames come closer than Matroska's 1 ms; {_OFFER}")
        usual = round(1 / (movie.rate * _MS)) or 1
        self.end = int(self.ms[-1]) + usual


def _nearest(ticks: NDArray[np.int64], unit: Fraction, other: Fraction) -> NDArray[np.int64]:
    """Convert ticks from one unit to the other, halves away from zero."""
    ratio = unit / other
    found = [_round(int(tick) * ratio) for tick in ticks] if ratio.denominator > 1 else ticks * ratio.numerator
    return np.array(found, np.int64)


def _round(value: Fraction) -> int:
    whole = (2 * abs(value.numerator) + value.denominator) // (2 * value.denominator)
    return whole if value >= 0 else -whole


def _write_labels(movie: Movie, timeline: Path, times: _FrameTimes, out: Path, on_progress: Callable[[], None]) -> None:
    """Write the subtitle track alone."""
    width, height = movie.size
    thinner = Thinner(min(width, height))

    def events() -> Iterator[Event]:
        for ms, faces in _faces_by_frame(timeline, times):
            yield from thinner.add(ms, plan_marks(faces, height, width))
            on_progress()
        yield from thinner.finish(times.end)

    try:
        with av.open(str(out.absolute()), "w", format="matroska") as sink, _track(width, height) as template:
            track = sink.add_stream_from_template(template)
            number = -1
            for number, event in enumerate(events()):
                sink.mux(_packet(event, number, track))
            if number < 0:  # ffmpeg reads no Matroska file without a packet
                sink.mux(_packet(nothing(int(times.ms[0]), times.end), 0, track))
    except av.error.FFmpegError as error:
        raise FfmpegError(f"{out}: the labels cannot be written: {error}") from error


@contextmanager
def _track(width: int, height: int) -> Iterator[av.stream.Stream]:
    """Yield an empty track of subtitles, from which others are made."""
    with av.open(io.BytesIO(header(width, height).encode()), format="ass") as container:
        yield container.streams[0]


def _packet(event: Event, number: int, track: av.stream.Stream) -> "av.packet.Packet[Any]":
    packet: av.packet.Packet[Any] = av.Packet(event.data(number))
    packet.stream = track
    packet.time_base = _MS
    packet.pts = packet.dts = event.start
    packet.duration = event.end - event.start
    return packet


def _faces_by_frame(timeline: Path, times: _FrameTimes) -> Iterator[tuple[int, list[LabelledFace]]]:
    """Yield ms and faces of every frame, by way of some thousand rows at a time."""
    place = 0
    faces: list[LabelledFace] = []
    file = pq.ParquetFile(timeline)
    for batch in file.iter_batches(columns=list(LABEL_COLUMNS)):
        for row in batch.to_pylist():
            if row["pts"] != times.pts[place]:
                yield int(times.ms[place]), faces
                faces, place = [], place + 1
            if row["track"] is not None:
                faces.append(labelled_face(row))
    yield int(times.ms[place]), faces


def _copy(movie: Movie, labels: Path, out: Path, comment: str, on_progress: Callable[[], None]) -> list[str]:
    failure: FfmpegError | None = None
    for attempt in _attempts(source_streams(movie), movie.stream):
        try:
            run(_command(attempt, movie, labels, out, comment), out, on_progress=on_progress)
        except FfmpegError as error:
            failure = failure or error
            continue
        said = [] if failure is None else [f"the first try failed: {reason_of(failure)}"]
        return [*attempt.remarks, *said]
    if failure is None:
        raise InputError(f"{movie.path}: can no longer be read")
    raise OverlayError(f"{movie.path}: Matroska does not take its {movie.codec} video: {reason_of(failure)}; {_OFFER}")


def _attempts(streams: Sequence[SourceStream], shown: int) -> list[_Attempt]:
    """Return what to try, best first: everything; what is sure to be taken; the video alone.

    Args:
        streams: of the source.
        shown: index of the video stream that was analyzed.
    """
    video = [s for s in streams if s.index == shown]
    if not video:
        return []
    others = [s for s in streams if s.kind == "video" and s.index != shown and not s.is_cover]
    audio = [(s, "copy" if s.codec in _AUDIO else "aac") for s in streams if s.kind == "audio"]
    texts = [(s, code) for s in streams if s.kind == "subtitle" and (code := _subtitle_codec(s))]
    rest = [s for s in streams if s.kind == "attachment" or (s.kind == "video" and s.is_cover and s.index != shown)]
    encoded = [f"{s.label} encoded as AAC: Matroska does not hold it" for s, code in audio if code == "aac"]
    no_text = [
        f"{s.label} left out: Matroska does not hold it"
        for s in streams
        if s.kind == "subtitle" and not _subtitle_codec(s)
    ]
    picture = [(s, "copy") for s in video]
    everything = [*picture, *((s, "copy") for s in others), *audio, *texts, *((s, "copy") for s in rest)]
    sure = [*picture, *((s, "aac") for s, _ in audio), *((s, c) for s, c in texts if s.codec in TEXT_SUBTITLES)]
    return [
        _Attempt(tuple(everything), (*encoded, *no_text)),
        _Attempt(tuple(sure), ("sound encoded as AAC, and all but sound and texts left out",)),
        _Attempt(tuple(picture), ("all but the picture left out",)),
    ]


def _subtitle_codec(stream: SourceStream) -> str:
    if stream.codec in _SUBTITLES:
        return "copy"
    return "subrip" if stream.codec in TEXT_SUBTITLES else ""


def _command(attempt: _Attempt, movie: Movie, labels: Path, out: Path, comment: str) -> list[str]:
    """Return ffmpeg's command line; see :func:`pipeline.video.mux._command` for the clock.

    The labels come before other subtitles, and are the ones that players show by themselves.
    """
    late = -round(movie.clock_start * av.time_base)
    words = [ffmpeg_exe(), "-hide_banner", "-nostdin", "-nostats", "-loglevel", "error", "-y", "-copyts"]
    words += ["-itsoffset", f"{late}us", "-i", url(movie.path), "-i", url(labels)]
    before = [(s, code) for s, code in attempt.streams if s.kind in ("video", "audio") and not s.is_cover]
    behind = [one for one in attempt.streams if one not in before]
    maps = [(f"0:{s.index}", code, s) for s, code in before]
    maps += [("1:0", "copy", None), *((f"0:{s.index}", code, s) for s, code in behind)]  # type: ignore[list-item]
    for number, (place, code, stream) in enumerate(maps):
        words += ["-map", place, f"-c:{number}", code]
        if stream is None:
            words += [f"-disposition:{number}", "default", f"-metadata:s:{number}", f"title={TITLE}"]
        elif stream.kind == "subtitle":
            words += [f"-disposition:{number}", "-default"]
        elif code == "aac":
            words += [f"-b:{number}", "192k", f"-filter:{number}", "aresample=async=1:min_hard_comp=0.05:first_pts=0"]
    words += ["-map_metadata", "0", "-map_chapters", "0", "-metadata", f"comment={comment}"]
    words += ["-copyinkf:v", "-avoid_negative_ts", "disabled", "-max_error_rate", "1", "-f", "matroska", url(out)]
    return words


def _confirm(movie: Movie, times: _FrameTimes, out: Path) -> None:
    """Read the copy once, without decoding, and make sure that each frame is there, at its ms, as large and upright.

    Raises:
        OverlayError: it is not.
    """
    try:
        made = open_movie(out)
        found = np.array(list(_packet_ms(out)), np.int64)
    except (InputError, av.error.FFmpegError) as error:
        raise OverlayError(f"{movie.path}: its copy cannot be read again ({error}); {_OFFER}") from error
    if (made.size, made.orientation) != (movie.size, movie.orientation):
        raise OverlayError(
            f"{movie.path}: expected {movie.width}x{movie.height} in Matroska, found {made.width}x{made.height} "
            f"or turned otherwise; {_OFFER}"
        )
    lost = int((~np.isin(times.ms, found)).sum())
    if lost:
        raise OverlayError(f"{movie.path}: in Matroska {lost} of {len(times.ms)} frames are at other times; {_OFFER}")


def _packet_ms(out: Path) -> Iterable[int]:
    with opened(out) as container:
        tick = Fraction(container.streams[0].time_base or _MS)
        for packet in container.demux(container.streams[0]):
            if packet.pts is not None and packet.size:
                yield _round(packet.pts * tick / _MS)
