"""Put the annotated movie together: join the encoded parts, then add the source's sound and subtitles.

The clock of everything written here is the player's clock of the source: 0 is the container's start,
``Movie.clock_start``. Time stamps stay integers throughout.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import av
import av.container
import av.error
import av.packet
import av.stream
import av.video.stream
import ffmpeg

from pipeline.errors import FfmpegError, InputError
from pipeline.media.ffmpeg import ffmpeg_exe, run, url
from pipeline.media.movie import Movie, opened

_COPIED_AUDIO: Final = frozenset({"aac", "mp3", "mp2", "ac3", "eac3", "dts", "opus", "flac", "alac"})
"""Sound that mp4 holds and players know; anything else is encoded as AAC."""

_TEXT_SUBTITLES: Final = frozenset({"subrip", "ass", "ssa", "webvtt", "mov_text", "text"})

_NO_STREAM: Final = "9999?"
"""Selects nothing. ffmpeg-python opens only inputs of which a stream is used, but chapters and title count too."""

_MICRO: Final = 1_000_000
_FINE_TIMESCALE: Final = 90_000


@dataclass(frozen=True)
class _JoinedTimes:
    """Time stamps of the whole movie, in the parts' time base.

    Attributes:
        time_base: in s.
        pts: in presentation order.
        delay: how many frames decoding must be ahead of presentation.
        last_duration: how long the last frame is shown; 0 if unknown.
    """

    time_base: Fraction
    pts: tuple[int, ...]
    delay: int
    last_duration: int

    def dts(self, index: int) -> int:
        """Return the decoding time of the packet with this decode index; rises strictly, never above its pts."""
        place = index - self.delay
        if place >= 0:
            return self.pts[place]
        return self.pts[0] + place * self._first_step

    def durations(self) -> dict[int, int]:
        """Return how long the frame with a given pts is shown, until the next one comes."""
        until_next = {a: b - a for a, b in pairwise(self.pts)}
        return until_next | {self.pts[-1]: self.last_duration}

    @property
    def _first_step(self) -> int:
        return self.pts[1] - self.pts[0] if len(self.pts) > 1 else 1


def join(parts: Sequence[Path], out: Path, final_comment: str | None = None) -> None:
    """Concatenate video-only mp4 files without encoding anew; every pts stays exactly what it is.

    The dts are made anew over the whole movie: with a variable frame rate those of neighbouring parts overlap.
    Reads the parts twice, and holds some integers per frame but never more than one picture.

    Args:
        parts: in the order of time, all by the same encoder with the same settings.
        out: mp4 to write.
        final_comment: its metadata of that name, if ``out`` is for users: then it begins with its index, so that a
            browser can play it from the first bytes on.

    Raises:
        FfmpegError: there is no frame, the parts do not fit together, or one cannot be read.
    """
    if not parts:
        raise FfmpegError(f"{out}: expected parts to join, found none")
    try:
        timeline = _survey(parts)
        _write_joined(parts, timeline, out, final_comment)
    except av.error.FFmpegError as error:
        raise FfmpegError(f"{out}: the parts cannot be joined: {error}") from error


def _survey(parts: Sequence[Path]) -> _JoinedTimes:
    """First pass: read all time stamps and check that the parts fit together."""
    pts: list[int] = []  # in decode order
    first: tuple[Fraction, bytes | None] | None = None
    last_duration = 0
    for part in parts:
        with _part(part) as (container, stream):
            kind = Fraction(stream.time_base or 0), stream.codec_context.extradata
            first = first or kind
            if kind[0] != first[0]:
                raise FfmpegError(f"{part}: expected the time base of {parts[0].name}, {first[0]}, found {kind[0]}")
            if kind[1] != first[1]:
                raise FfmpegError(f"{part}: its encoder settings (extradata) differ from those of {parts[0].name}")
            for packet in _packets(container, stream):
                assert packet.pts is not None
                pts.append(packet.pts)
                last_duration = packet.duration or 0
    if first is None or not pts:
        raise FfmpegError(f"{parts[0]}: expected video in the parts to join, found not one frame")
    shown = sorted(pts)
    for a, b in pairwise(shown):
        if a == b:
            raise FfmpegError(f"the parts {parts[0]} to {parts[-1].name} hold two frames with pts {a}; check the cuts")
    place = {p: k for k, p in enumerate(shown)}
    delay = max(index - place[p] for index, p in enumerate(pts))
    return _JoinedTimes(first[0], tuple(shown), delay, last_duration)


def _write_joined(parts: Sequence[Path], timeline: _JoinedTimes, out: Path, final_comment: str | None) -> None:
    """Second pass: copy the packets with new dts."""
    durations = timeline.durations()
    options = exact_time_base(timeline.time_base) | ({} if final_comment is None else {"movflags": "+faststart"})
    with av.open(str(out), "w", format="mp4", options=options) as sink:
        if final_comment is not None:
            sink.metadata["comment"] = final_comment
        with _part(parts[0]) as (_, template):
            target = sink.add_stream_from_template(template)
        target.time_base = timeline.time_base
        index = 0
        for part in parts:
            with _part(part) as (container, stream):
                for packet in _packets(container, stream):
                    assert packet.pts is not None
                    packet.dts = timeline.dts(index)
                    packet.duration = durations[packet.pts]
                    packet.stream = target
                    sink.mux(packet)
                    index += 1


def exact_time_base(time_base: Fraction) -> dict[str, str]:
    """Return the mp4 writer's options that keep a video's time stamps exact; whoever writes a part needs them too.

    Edit lists, which say when a track begins, count in the movie's timescale: 1 ms by default, rounding down, so
    that a part that begins at 0.8440 s might come back as 0.8437 s later or earlier than its neighbours. Any
    multiple of the video's timescale is exact; one of at least 90 kHz is so for sound to within 0.01 ms.

    Args:
        time_base: unit of the video's time stamps in s.
    """
    timescale = time_base.denominator
    return {
        "video_track_timescale": str(timescale),
        "movie_timescale": str(timescale * -(-_FINE_TIMESCALE // timescale)),
    }


@contextmanager
def _part(path: Path) -> Iterator[tuple[av.container.InputContainer, av.video.stream.VideoStream]]:
    """Open one of our own files at its only video stream."""
    try:
        # Its packets are copied. FFmpeg would decode some frames to learn what its header says.
        options: Any = [{"skip_frame": "all"}]  # PyAV's types say that these were texts
        container = av.open(str(path.absolute()), stream_options=options)
    except (av.error.FFmpegError, OSError) as error:
        raise FfmpegError(f"{path}: the encoded video cannot be read: {error}") from error
    with container:
        if len(container.streams.video) != 1:
            raise FfmpegError(f"{path}: expected one video stream, found {len(container.streams.video)}")
        yield container, container.streams.video[0]


def _packets(
    container: av.container.InputContainer, stream: av.video.stream.VideoStream
) -> "Iterator[av.packet.Packet[av.video.stream.VideoStream]]":
    """Yield the packets that hold a picture; the empty one at the end does not."""
    return (packet for packet in container.demux(stream) if packet.pts is not None and packet.size > 0)


@dataclass(frozen=True)
class _SourceStream:
    """A stream of the source: its index, kind, FFmpeg's name of its codec ("" if unknown), its language."""

    index: int
    kind: str
    codec: str
    language: str | None
    is_cover: bool

    @property
    def label(self) -> str:
        """Return what to call it to the user."""
        return f"{self.kind} stream {self.index} ({self.codec or 'unknown'})"


@dataclass(frozen=True)
class _Plan:
    """One way to make the file, and what the user has to be told about it.

    Attributes:
        audio: tracks to take, each with whether it is copied rather than encoded as AAC.
        subtitles: text subtitles to take.
        with_source: whether to read the source at all.
        remarks: for the user.
    """

    audio: tuple[tuple[_SourceStream, bool], ...]
    subtitles: tuple[_SourceStream, ...]
    with_source: bool
    remarks: tuple[str, ...]


def mux(
    video: Path, movie: Movie, out: Path, comment: str, on_progress: Callable[[], None] = lambda: None
) -> list[str]:
    """Write ``video`` with the sound, text subtitles, chapters and title of its source.

    Video is copied; so is sound that mp4 can hold. What cannot be had is left out rather than the whole given up.

    Args:
        video: mp4 with one video stream on the player's clock of ``movie``; see ``join``.
        movie: the source.
        out: mp4 to write.
        comment: its metadata of that name.
        on_progress: called while ffmpeg is seen to write.

    Returns:
        Remarks for the user: what is missing or was encoded anew.

    Raises:
        FfmpegError: not even the bare video can be written.
    """
    with _part(video) as (_, stream):
        clock = exact_time_base(Fraction(stream.time_base or 0))
    tracks = _tracks(movie)
    extra = clock | {"metadata": f"comment={comment}"}
    language = next((t.language for t in tracks if t.index == movie.stream), None)
    if language:
        extra["metadata:s:v:0"] = f"language={language}"
    failure: FfmpegError | None = None
    for plan in _plans(tracks, movie.stream):
        remarks = list(plan.remarks)
        if failure is not None:
            remarks.append(f"the first try failed: {_reason(failure)}")
        try:
            run(_command(plan, video, movie, out, extra), out, on_progress=on_progress)
            return remarks
        except FfmpegError as error:
            failure = failure or error
    assert failure is not None
    raise failure


def _reason(failure: FfmpegError) -> str:
    """Return the line of ffmpeg's last words that tells most, the first, without the address of the speaker."""
    lines = str(failure).splitlines()
    return re.sub(r"^(\[[^]]*] )+", "", lines[1] if len(lines) > 1 else lines[0])


def _tracks(movie: Movie) -> list[_SourceStream]:
    """List the source's streams; none if it can no longer be read."""
    try:
        with opened(movie.path) as container:
            return [_track(stream) for stream in container.streams]
    except InputError:
        return []


def _track(stream: av.stream.Stream) -> _SourceStream:
    context = stream.codec_context
    codec = context.codec.canonical_name if context is not None else ""
    covers = av.stream.Disposition.attached_pic
    return _SourceStream(stream.index, stream.type, codec, stream.language, bool(stream.disposition & covers))


def _plans(tracks: Sequence[_SourceStream], shown: int) -> list[_Plan]:
    """Return what to try, best first, each way once.

    Args:
        tracks: of the source.
        shown: index of the video stream that was annotated.
    """
    left_out = tuple(_left_out(tracks, shown))
    audio = [t for t in tracks if t.kind == "audio"]
    text = tuple(t for t in tracks if t.kind == "subtitle" and t.codec in _TEXT_SUBTITLES)
    copied = tuple((t, t.codec in _COPIED_AUDIO) for t in audio)
    encoded = tuple((t, False) for t in audio)
    unlike = [f"{t.label} encoded as AAC: mp4 does not hold it" for t, copy in copied if not copy]
    anew = [f"{t.label} encoded as AAC: it could not be copied" for t in audio]
    no_text = [f"{t.label} left out: it could not be converted" for t in text]
    no_sound = [f"{t.label} left out: it could be neither copied nor encoded" for t in audio]
    plans = [
        _Plan(copied, text, True, left_out + tuple(unlike)),
        _Plan(encoded, text, True, left_out + tuple(anew)),
        _Plan(encoded, (), True, left_out + tuple(anew + no_text)),
        _Plan((), (), False, (*left_out, *no_sound, *no_text, "all but the picture left out, chapters and title too")),
    ]
    ways = {(p.audio, p.subtitles, p.with_source): p for p in reversed(plans)}  # of equal ones the first is kept
    return [p for p in plans if ways[p.audio, p.subtitles, p.with_source] is p]


def _left_out(tracks: Iterable[_SourceStream], shown: int) -> Iterator[str]:
    """Yield remarks on the streams that have no place in the result and that somebody may miss."""
    for track in tracks:
        if track.kind == "subtitle" and track.codec not in _TEXT_SUBTITLES:
            yield f"{track.label} left out: mp4 holds text subtitles only"
        elif track.kind == "video" and track.index != shown and not track.is_cover:
            yield f"{track.label} left out: only video stream {shown} was looked at"


def _command(plan: _Plan, video: Path, movie: Movie, out: Path, extra: dict[str, str]) -> list[str]:
    """Compose the command line.

    ``copyts`` keeps ffmpeg from moving each input to its own start; ``itsoffset`` moves the source to the
    player's clock, so that sound, subtitles and chapters meet the video there.
    """
    streams = [ffmpeg.input(url(video))["v:0"]]
    options: dict[str, Any] = {"c": "copy", "write_tmcd": 0, "map_metadata": -1, "map_chapters": -1}
    if plan.with_source:
        source = ffmpeg.input(url(movie.path), itsoffset=f"{-round(movie.clock_start * _MICRO)}us")
        chosen = [track.index for track, _ in plan.audio] + [track.index for track in plan.subtitles]
        streams += [source[str(index)] for index in chosen] or [source[_NO_STREAM]]
        options |= {"map_metadata": 1, "map_chapters": 1, "c:s": "mov_text"} | _audio_options(plan)
    node = ffmpeg.output(
        *streams, url(out), f="mp4", movflags="+faststart", max_error_rate=1, **options, **extra
    )  # fmt: skip
    node = node.global_args("-hide_banner", "-nostdin", "-nostats", "-loglevel", "error", "-copyts")
    return [str(word) for word in node.overwrite_output().compile(cmd=ffmpeg_exe())]


def _audio_options(plan: _Plan) -> dict[str, Any]:
    """Return how to write each audio stream.

    An encoder is fed without regard to time stamps: gaps and overlaps have to be filled and cut before, or
    what follows them drifts away from the picture. A gap before the first sound is one of them.
    """
    options: dict[str, Any] = {}
    for k, (_, copy) in enumerate(plan.audio):
        if copy:
            options[f"c:a:{k}"] = "copy"
        else:
            options |= {
                f"c:a:{k}": "aac",
                f"b:a:{k}": "192k",
                f"filter:a:{k}": "aresample=async=1:min_hard_comp=0.05:first_pts=0",
            }
    return options
