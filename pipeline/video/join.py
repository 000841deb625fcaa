"""Join the encoded parts of the annotated video without encoding again; every pts stays what it is.

Parts count time on the player's clock of the source: 0 is the container's start, ``Movie.clock_start``. Time stamps
stay integers throughout.
"""

from collections.abc import Iterator, Sequence
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
import av.video.stream

from pipeline.errors import FfmpegError
from pipeline.video.h264 import ENCODER_SETS, Record

_FINE_TIMESCALE: Final = 90_000


@dataclass(frozen=True)
class _Joined:
    """What the whole movie has: its time stamps, in the parts' time base, and its header.

    Attributes:
        time_base: in s.
        pts: in presentation order.
        delay: how many frames decoding must be ahead of presentation.
        last_duration: how long the last frame is shown; 0 if unknown.
        header: what decoders must know first: the parts' extradata in one.
        template: the part that says all else: one that was encoded, if any was. What the source's container says of its
            picture, copied parts may repeat.
    """

    time_base: Fraction
    pts: tuple[int, ...]
    delay: int
    last_duration: int
    header: bytes | None
    template: Path

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
    """Concatenate video-only mp4 files; only their dts change.

    Those are computed over the whole movie: with a variable frame rate those of neighbouring parts overlap. Reads the
    parts twice and holds some integers per frame, but never more than one packet.

    Args:
        parts: in the order of time, all by the same encoder with the same settings, but for those that were copied
            (:mod:`pipeline.video.copies`).
        out: mp4 to write.
        final_comment: its metadata of that name, if ``out`` is for users: then it begins with its index, so that a
            browser can play it from the first bytes.

    Raises:
        FfmpegError: there is no frame, the parts do not fit together, or one cannot be read.
    """
    if not parts:
        raise FfmpegError(f"{out}: expected parts to join, found none")
    try:
        times = _read_times(parts)
        _write_joined(parts, times, out, final_comment)
    except av.error.FFmpegError as error:
        raise FfmpegError(f"{out}: the parts cannot be joined: {error}") from error


def _read_times(parts: Sequence[Path]) -> _Joined:
    """First pass: read all time stamps and check that the parts fit together."""
    pts: list[int] = []  # in decode order
    first: Fraction | None = None
    header: bytes | None = None
    template: Path | None = None
    last_duration = 0
    for part in parts:
        with open_part(part) as (container, stream):
            time_base, own = Fraction(stream.time_base or 0), stream.codec_context.extradata
            if first is None:
                first, header = time_base, own
            if time_base != first:
                raise FfmpegError(f"{part}: expected the time base of {parts[0].name}, {first}, found {time_base}")
            if template is None and _is_encoded(own):
                template = part
            if own != header:
                header = _joined_headers(header, own)
                if header is None:
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
    return _Joined(first, tuple(shown), delay, last_duration, header, template or parts[0])


def _is_encoded(header: bytes | None) -> bool:
    """Whether a part was encoded to stand beside others, as far as its parameter sets can be read."""
    record = Record.parse(header)
    try:
        return record is not None and record.has_number(ENCODER_SETS)
    except ValueError:
        return False


def _joined_headers(one: bytes | None, other: bytes | None) -> bytes | None:
    """Return a header with the parameter sets of both; None where those do not go beside each other."""
    records = Record.parse(one), Record.parse(other)
    if records[0] is None or records[1] is None:
        return None
    try:
        joined = records[0].joined(records[1])
    except ValueError:
        return None
    return None if joined is None else joined.to_bytes()


def _write_joined(parts: Sequence[Path], times: _Joined, out: Path, final_comment: str | None) -> None:
    """Second pass: copy the packets with new dts."""
    durations = times.durations()
    options = exact_time_base(times.time_base) | ({} if final_comment is None else {"movflags": "+faststart"})
    with av.open(str(out), "w", format="mp4", options=options) as sink:
        if final_comment is not None:
            sink.metadata["comment"] = final_comment
        with open_part(times.template) as (_, template):
            target = sink.add_stream_from_template(template)
        target.codec_context.extradata = times.header
        target.time_base = times.time_base
        index = 0
        for part in parts:
            with open_part(part) as (container, stream):
                for packet in _packets(container, stream):
                    assert packet.pts is not None
                    packet.dts = times.dts(index)
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
def open_part(path: Path) -> Iterator[tuple[av.container.InputContainer, av.video.stream.VideoStream]]:
    """Open a part, or parts joined, at its only video stream.

    Raises:
        FfmpegError: it cannot be read, or is none of ours.
    """
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
