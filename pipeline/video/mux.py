"""Add the sound, subtitles, chapters and title of the source to the joined video.

The result counts time on the player's clock of the source, as the video does: see :mod:`pipeline.video.join`.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av.audio.codeccontext
import av.stream
import ffmpeg

from pipeline.errors import NOTE, FfmpegError, InputError
from pipeline.limits import PROTOCOLS
from pipeline.media.ffmpeg import ffmpeg_exe, run, url
from pipeline.media.manifests.parts import is_several_files
from pipeline.media.movie import Movie, opened
from pipeline.video.join import exact_time_base, open_part
from pipeline.video.moved_source import LEAD_S, write_moved_source

COPIED_AUDIO: Final = frozenset({"aac", "mp3", "mp2", "ac3", "eac3", "dts", "opus", "flac", "alac"})
"""Sound that mp4 holds and players know; anything else is encoded as AAC."""

TEXT_SUBTITLES: Final = frozenset({"subrip", "ass", "ssa", "webvtt", "mov_text", "text"})

_NO_STREAM: Final = "9999?"
"""Selects nothing. ffmpeg-python opens only inputs of which a stream is used, but chapters and title count too."""

_MICRO: Final = 1_000_000

_ENDS_EARLY_S: Final = 1.0
"""s before the picture's end at which sound must end for the user to be told."""


@dataclass(frozen=True)
class SourceStream:
    """A stream of the source: its index, kind, FFmpeg's name of its codec ("" if unknown), its language and title.

    ``unplaced`` is the number of channels of sound that does not say which is which; 0 where it does.
    """

    index: int
    kind: str
    codec: str
    language: str | None
    is_cover: bool
    title: str = ""
    unplaced: int = 0

    def named(self, place: str) -> list[str]:
        """Return ffmpeg's options for what tells people one stream from another, at ``place`` in the output."""
        known = {"language": self.language, "title": self.title}
        return [word for key, value in known.items() if value for word in (f"-metadata:s:{place}", f"{key}={value}")]

    @property
    def label(self) -> str:
        """Return what to call it to the user."""
        return f"{self.kind} stream {self.index} ({self.codec or 'unknown'})"


@dataclass(frozen=True)
class _Source:
    """Where sound, subtitles, chapters and title are read from.

    Attributes:
        path: the movie's file, or what was written of it on the movie's clock.
        late_s: s by which its time stamps are later than the player's clock.
        places: index in it by index in the movie's file.
        has_chapters: whether its chapters are on that clock, too.
    """

    path: Path
    late_s: Fraction
    places: dict[int, int]
    has_chapters: bool = True


@dataclass(frozen=True)
class _Attempt:
    """One way to make the file.

    Attributes:
        audio: streams to take, each with whether it is copied rather than encoded as AAC.
        subtitles: text subtitles to take.
        with_source: whether to read the source at all.
        remarks: what the user should know about it.
    """

    audio: tuple[tuple[SourceStream, bool], ...]
    subtitles: tuple[SourceStream, ...]
    with_source: bool
    remarks: tuple[str, ...]


def mux(
    video: Path, movie: Movie, out: Path, comment: str, on_progress: Callable[[], None] = lambda: None
) -> list[str]:
    """Write ``video`` with the sound, text subtitles, chapters and title of its source.

    Video is copied; so is sound that mp4 can hold. What cannot be kept is left out, rather than giving up the whole.

    Args:
        video: mp4 with one video stream on the player's clock of ``movie``.
        movie: the source.
        out: mp4 to write.
        comment: its metadata of that name.
        on_progress: called while ffmpeg is seen to write.

    Returns:
        Remarks for the user: what is missing or was encoded again.

    Raises:
        FfmpegError: not even the bare video can be written.
    """
    with open_part(video) as (_, stream):
        time_options = exact_time_base(Fraction(stream.time_base or 0))
    streams = source_streams(movie)
    extra = time_options | {"metadata": f"comment={comment}"}
    shown = [word for stream in streams if stream.index == movie.stream for word in stream.named("v:0")]
    with _source(movie, streams, out, on_progress) as (source, kept, said):
        failure: FfmpegError | None = None
        for attempt in _attempts(kept, movie.stream):
            remarks = [*said, *attempt.remarks]
            if failure is not None:
                remarks.append(f"the first try failed: {reason_of(failure)}")
            try:
                run(_command(attempt, video, source, out, extra, shown), out, on_progress=on_progress)
                return [*remarks, *_sound_that_ends(out, [stream for stream, _ in attempt.audio])]
            except FfmpegError as error:
                failure = failure or error
    assert failure is not None
    raise failure


@contextmanager
def _source(
    movie: Movie, streams: Sequence[SourceStream], out: Path, on_progress: Callable[[], None]
) -> Iterator[tuple[_Source, Sequence[SourceStream], list[str]]]:
    """Yield what to read, the streams that it has, and remarks.

    Where the movie's clock is the file's, and ffmpeg sees the same streams in it, that is the file. Else it is one that
    is written beside ``out`` and removed.
    """
    if not movie.clock.pieces and not is_several_files(movie.path):
        yield _Source(movie.path, movie.clock_start, {s.index: s.index for s in streams}), streams, []
        return
    text = {s.index for s in streams if s.kind == "subtitle" and s.codec in TEXT_SUBTITLES}
    sound = {s.index for s in streams if s.kind == "audio"}
    if not text | sound:
        yield _Source(movie.path, movie.clock_start, {}, has_chapters=False), streams, []
        return
    path = out.with_name(f"{out.name}.moved")
    try:
        moved = write_moved_source(movie, text | sound, path, on_progress)
        kept = [s for s in streams if s.index not in text | sound or s.index in moved.places]
        kept = [replace(s, codec="pcm_s16le") if s.index in moved.decoded else s for s in kept]
        lost = (text | sound) - moved.places.keys()
        remarks = [f"{s.label} left out: its time stamps cannot be moved" for s in streams if s.index in lost]
        yield _Source(path, Fraction(LEAD_S), moved.places), kept, [*moved.remarks(), *remarks]
    finally:
        path.unlink(missing_ok=True)


def _sound_that_ends(out: Path, audio: Sequence[SourceStream]) -> Iterator[str]:
    """Yield remarks on sound that ends before the picture does: perhaps it goes on in a stream that begins later."""
    with open_part(out) as (container, picture):
        pictures = _end_s(picture)
        for stream, written in zip(audio, container.streams.audio, strict=False):
            if pictures - (end := _end_s(written)) > _ENDS_EARLY_S:
                yield f"{NOTE}{stream.label} ends at {end:.1f} s, the picture at {pictures:.1f} s"


def _end_s(stream: av.stream.Stream) -> float:
    return float(((stream.start_time or 0) + (stream.duration or 0)) * (stream.time_base or 0))


def reason_of(failure: FfmpegError) -> str:
    """Return the most telling line of ffmpeg's last words, the first, without the address of its source."""
    lines = str(failure).splitlines()
    return re.sub(r"^(\[[^]]*] )+", "", lines[1] if len(lines) > 1 else lines[0])


def source_streams(movie: Movie) -> list[SourceStream]:
    """List the source's streams; none if it can no longer be read."""
    try:
        with opened(movie.path) as container:
            return [_described(stream) for stream in container.streams]
    except InputError:
        return []


def _described(stream: av.stream.Stream) -> SourceStream:
    context = stream.codec_context
    codec = context.codec.canonical_name if context is not None else ""
    covers = av.stream.Disposition.attached_pic
    # Matroska has titles, MP4 names.
    title = stream.metadata.get("title") or stream.metadata.get("name") or ""
    unplaced = 0
    if isinstance(context, av.audio.codeccontext.AudioCodecContext) and context.layout.name.endswith(" channels"):
        unplaced = context.layout.nb_channels
    is_cover = bool(stream.disposition & covers)
    return SourceStream(stream.index, stream.type, codec, stream.language, is_cover, title, unplaced)


def _attempts(streams: Sequence[SourceStream], shown: int) -> list[_Attempt]:
    """Return what to try, best first, each way once.

    Args:
        streams: of the source.
        shown: index of the video stream that was annotated.
    """
    left_out = tuple(_left_out(streams, shown))
    audio = [s for s in streams if s.kind == "audio"]
    text = tuple(s for s in streams if s.kind == "subtitle" and s.codec in TEXT_SUBTITLES)
    copied = tuple((s, s.codec in COPIED_AUDIO) for s in audio)
    encoded = tuple((s, False) for s in audio)
    unlike = [f"{NOTE}{s.label} encoded as AAC: mp4 does not hold it" for s, copy in copied if not copy]
    encoded_again = [f"{NOTE}{s.label} encoded as AAC: it could not be copied" for s in audio]
    no_text = [f"{s.label} left out: it could not be converted" for s in text]
    no_sound = [f"{s.label} left out: it could be neither copied nor encoded" for s in audio]
    attempts = [
        _Attempt(copied, text, True, left_out + tuple(unlike)),
        _Attempt(encoded, text, True, left_out + tuple(encoded_again)),
        _Attempt(encoded, (), True, left_out + tuple(encoded_again + no_text)),
        _Attempt(
            (), (), False, (*left_out, *no_sound, *no_text, "all but the picture left out, chapters and title too")
        ),
    ]
    ways = {(a.audio, a.subtitles, a.with_source): a for a in reversed(attempts)}  # of equal ones the first is kept
    return [a for a in attempts if ways[a.audio, a.subtitles, a.with_source] is a]


def _left_out(streams: Iterable[SourceStream], shown: int) -> Iterator[str]:
    """Yield remarks on the streams that have no place in the result and that somebody may miss."""
    for stream in streams:
        if stream.kind == "subtitle" and stream.codec not in TEXT_SUBTITLES:
            yield f"{stream.label} left out: mp4 holds text subtitles only"
        elif stream.kind == "video" and stream.index != shown and not stream.is_cover:
            yield f"{stream.label} left out: only video stream {shown} was looked at"


def _command(
    attempt: _Attempt, video: Path, source: _Source, out: Path, extra: dict[str, str], named: Sequence[str]
) -> list[str]:
    """Return ffmpeg's command line.

    ``copyts`` keeps ffmpeg from moving each input to its own start; ``itsoffset`` moves the source to the
    player's clock, so that sound, subtitles and chapters meet the video there.
    """
    # ffmpeg-python takes only names that are UTF-8: the files' own take the place of these once it is done.
    names = {"VIDEO": url(video), "SOURCE": url(source.path), "OUT": url(out)}
    inputs = [ffmpeg.input("VIDEO", protocol_whitelist=PROTOCOLS)["v:0"]]
    options: dict[str, Any] = {"c": "copy", "write_tmcd": 0, "map_metadata": -1, "map_chapters": -1}
    if attempt.with_source:
        read = ffmpeg.input("SOURCE", protocol_whitelist=PROTOCOLS, itsoffset=f"{-round(source.late_s * _MICRO)}us")
        chosen = [stream.index for stream, _ in attempt.audio] + [stream.index for stream in attempt.subtitles]
        inputs += [read[str(source.places[index])] for index in chosen] or [read[_NO_STREAM]]
        chapters = 1 if source.has_chapters else -1
        options |= {"map_metadata": 1, "map_chapters": chapters, "c:s": "mov_text"} | _audio_options(attempt)
    node = ffmpeg.output(
        *inputs, "OUT", f="mp4", movflags="+faststart", max_error_rate=1, **options, **extra
    )  # fmt: skip
    node = node.global_args("-hide_banner", "-nostdin", "-nostats", "-loglevel", "error", "-copyts")
    words = node.overwrite_output().compile(cmd=ffmpeg_exe())
    for kind, streams in (("a", [stream for stream, _ in attempt.audio]), ("s", attempt.subtitles)):
        named = [*named, *(word for k, stream in enumerate(streams) for word in stream.named(f"{kind}:{k}"))]
    place = words.index("OUT")  # ffmpeg-python takes an option but once
    return [names.get(word, str(word)) for word in (*words[:place], *named, *words[place:])]


def _audio_options(attempt: _Attempt) -> dict[str, Any]:
    """Return how to write each audio stream.

    An encoder ignores time stamps: gaps must be filled and overlaps cut first, or what follows them drifts away from
    the picture. A gap before the first sound is one of them.
    """
    options: dict[str, Any] = {}
    for k, (stream, copy) in enumerate(attempt.audio):
        if stream.unplaced and not copy:
            options[f"ac:a:{k}"] = stream.unplaced  # the usual places
        if copy:
            options[f"c:a:{k}"] = "copy"
        else:
            options |= {
                f"c:a:{k}": "aac",
                f"b:a:{k}": "192k",
                f"filter:a:{k}": "aresample=async=1:min_hard_comp=0.05:first_pts=0",
            }
    return options
