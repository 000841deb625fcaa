"""The sound and the subtitles of a movie whose clock steps, as a file on the movie's clock: what mux then reads.

Packets are copied, with new time stamps; sound that the file cannot hold is decoded.
"""

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import av.audio.resampler
import av.audio.stream
import av.container
import av.error
import av.packet
import av.stream

from pipeline.errors import FfmpegError
from pipeline.media.library_gaps import demuxed
from pipeline.media.movie import Movie, opened
from pipeline.media.timing.clock import StampMover

LEAD_S: Final = 10
"""s that all time stamps in the file are late: it cannot hold negative ones, and an encoder's first sound has some."""

_CUT_S: Final = Fraction(1, 10)
"""s of sound from which on the user is told that it was left out."""

_LONGEST_S: Final = Fraction(1)
"""s that a packet of sound may last; what says more has a gap behind it."""


@dataclass
class MovedSource:
    """What was written.

    Attributes:
        places: index in the file by index in the source, of the streams that were kept.
        decoded: indices in the source of sound that was decoded.
        cut_s: s of sound left out where pieces overlap, of the stream that lost most.
    """

    places: dict[int, int] = field(default_factory=dict)
    decoded: set[int] = field(default_factory=set)
    cut_s: Fraction = Fraction(0)

    def remarks(self) -> list[str]:
        """Say what was left out."""
        lost = float(self.cut_s)
        return [f"{lost:.1f} s of sound left out where the pieces overlap"] if self.cut_s >= _CUT_S else []


def write_moved_source(
    movie: Movie, wanted: Iterable[int], out: Path, on_progress: Callable[[], None] = lambda: None
) -> MovedSource:
    """Write streams of a movie with its title and chapters, :data:`LEAD_S` after the player's clock.

    Args:
        movie: with the clock of its file.
        wanted: indices of sound and subtitles.
        out: file to write: NUT, which holds all time stamps exactly, or Matroska, which holds subtitles.
        on_progress: called for every packet.

    Raises:
        InputError: the source cannot be opened.
        FfmpegError: the file cannot be written.
    """
    moved = MovedSource()
    try:
        with ExitStack() as stack:
            source = stack.enter_context(opened(movie.path))
            chosen = set(wanted)
            streams = [s for s in source.streams if s.index in chosen]
            kind = "matroska" if any(s.type == "subtitle" for s in streams) else "nut"
            sink = stack.enter_context(av.open(str(out), "w", format=kind))
            sink.metadata.update(source.metadata)
            sink.set_chapters([_moved_chapter(chapter, movie) for chapter in source.chapters()])
            copies = {s.index: copy for s in streams if (copy := _begun(s, movie, sink, moved)) is not None}
            _copy(source, copies, on_progress)
            moved.cut_s = max((copy.cut_s for copy in copies.values()), default=Fraction(0))
    except av.error.FFmpegError as error:
        raise FfmpegError(f"{out}: the sound of {movie.path} cannot be moved: {error}") from error
    return moved


def _moved_chapter(chapter: "av.container.core.Chapter", movie: Movie) -> "av.container.core.Chapter":
    tick = Fraction(chapter["time_base"] or 1)
    mover = StampMover(movie.clock, movie.stream, movie.time_base)
    start, end = (
        # Where the file's clock restarts, its first piece counts.
        round(
            (time + mover.by_pts(round(time / movie.time_base)) * movie.time_base - movie.clock_start + LEAD_S) / tick
        )
        for time in (chapter["start"] * tick, chapter["end"] * tick)
    )
    return {**chapter, "start": start, "end": end}


def _begun(
    stream: av.stream.Stream, movie: Movie, sink: av.container.OutputContainer, moved: MovedSource
) -> "_Copy | None":
    try:
        target = sink.add_stream_from_template(stream)
        copy = _Copy(stream, sink, target, movie)
    except (ValueError, av.error.FFmpegError):
        if not isinstance(stream, av.audio.stream.AudioStream) or stream.codec_context is None:
            return None
        target = sound = sink.add_stream(
            "pcm_s16le", rate=stream.codec_context.rate, layout=stream.codec_context.layout
        )
        copy = _Decoding(stream, sink, sound, movie)
        moved.decoded.add(stream.index)
    target.metadata.update(stream.metadata)
    target.disposition = stream.disposition
    moved.places[stream.index] = target.index
    return copy


def _copy(source: av.container.InputContainer, copies: "dict[int, _Copy]", on_progress: Callable[[], None]) -> None:
    if not copies:
        return
    try:
        for packet in demuxed(source, *(source.streams[index] for index in copies)):
            copies[packet.stream.index].add(packet)
            on_progress()
    except av.error.FFmpegError:
        pass  # a damaged file is heard as far as it goes
    for copy in copies.values():
        copy.finish()


class _Copy:
    """Copies one stream; drops what the next piece replaces.

    Attributes:
        cut_s: s that were dropped.
    """

    def __init__(
        self, stream: av.stream.Stream, sink: av.container.OutputContainer, target: av.stream.Stream, movie: Movie
    ) -> None:
        self.cut_s = Fraction(0)
        self._sink = sink
        self._target = target
        self._tick = Fraction(stream.time_base or 1)
        self._mover = StampMover(movie.clock, stream.index, self._tick)
        self._is_moved = bool(movie.clock.of_stream(stream.index))
        self._drops = stream.type == "audio"
        self._start = round((LEAD_S - movie.clock_start) / self._tick)
        self._number = -1
        self._last: int | None = None

    def add(self, packet: "av.packet.Packet[av.stream.Stream]") -> None:
        """Take the next packet."""
        moment = packet.pts if packet.dts is None else packet.dts
        self._number += packet.size > 0 or moment is not None  # as a Scan counts
        if not packet.size or moment is None:
            return
        shift = self._mover.by_number(self._number)
        ends = self._mover.piece_of(self._number).ends if self._is_moved else None
        overlaps = ends is not None and (moment + shift) * self._tick >= ends
        if self._drops and (overlaps or (self._last is not None and moment + shift <= self._last)):
            self.cut_s += min((packet.duration or 0) * self._tick, _LONGEST_S)
            return
        self._last = moment + shift
        packet.dts = moment + shift + self._start
        packet.pts = packet.dts if packet.pts is None else packet.pts + shift + self._start
        self._write(packet)

    def finish(self) -> None:
        """Write what is left."""

    def _write(self, packet: "av.packet.Packet[av.stream.Stream]") -> None:
        packet.stream = self._target
        self._sink.mux(packet)


class _Decoding(_Copy):
    """Decodes one stream of sound."""

    def __init__(
        self,
        stream: av.audio.stream.AudioStream,
        sink: av.container.OutputContainer,
        target: av.audio.stream.AudioStream,
        movie: Movie,
    ) -> None:
        super().__init__(stream, sink, target, movie)
        self._decoder = stream.codec_context
        self._encoder = target
        self._resampler = av.audio.resampler.AudioResampler("s16", target.codec_context.layout, target.rate)

    def _write(self, packet: "av.packet.Packet[av.stream.Stream]") -> None:
        self._decode(packet)

    def finish(self) -> None:
        """Write what is left."""
        self._decode(None)
        self._sink.mux(self._encoder.encode(None))

    def _decode(self, packet: "av.packet.Packet[av.stream.Stream] | None") -> None:
        try:
            frames = self._decoder.decode(packet)
        except av.error.FFmpegError:
            return
        for frame in frames:
            for piece in self._resampler.resample(frame):
                self._sink.mux(self._encoder.encode(piece))
