"""Stills of the scenes of a movie, each of a frame that is quick to decode."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final, TypeAlias

import av.error
import av.packet
import av.video.frame
import av.video.stream

from jobs.results.errors import NotFoundError
from jobs.results.stills.frames import (
    Shown,
    from_key_frame,
    jpeg,
    opened_video,
    pts_at,
    pts_from,
    still_errors,
    upright,
    video_of,
)
from pipeline.errors import PipelineError
from pipeline.media.movie import Fits, Movie

_FAST: Final = {"skip_frame": "noref", "skip_loop_filter": "all"}
"""Decoders then skip the frames that no other one refers to, and the deblocking filter. That takes half the time, and
nobody sees it in a small still."""


_Packet: TypeAlias = "av.packet.Packet[av.video.stream.VideoStream]"


class SceneStills:
    """A movie that is kept open while stills are taken from it; fastest in the order of time."""

    def __init__(self, movie: Movie) -> None:
        """Open it.

        Raises:
            NotFoundError: it cannot be read.
        """
        self._movie = movie
        self._stack = ExitStack()
        self._forward: _ForwardDecoder | None = None
        try:
            self._container = self._stack.enter_context(opened_video(movie))
        except (PipelineError, av.error.FFmpegError, OSError) as error:
            raise NotFoundError(f"{movie.path.name}: {error}") from error

    def __enter__(self) -> "SceneStills":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def still_between(self, start: float, end: float, width: int) -> bytes:
        """Return a still of a span: of a key frame if there is any, else of the first frame.

        Args:
            start: of the span, s.
            end: of the span, s.
            width: of the still, in pixels.

        Returns:
            A JPEG.

        Raises:
            NotFoundError: no frame can be decoded.
        """
        middle = (start + end) / 2
        # A shot mostly starts with a key frame, which must not fall out of the span by rounding.
        first, behind = (pts_from(self._movie, time) for time in (start, end))
        span = _Span(first, pts_at(self._movie, middle), behind)
        with still_errors(self._movie, middle):
            frame = self._frame(span)
            if frame is None:
                raise NotFoundError(f"{self._movie.path.name}: no frame between {start:.2f} and {end:.2f} s")
            return jpeg(upright(self._movie, frame, width))

    def _frame(self, span: "_Span") -> Shown | None:
        before = self._key_packet(span.middle, backward=True)
        frame = self._decoded(before, span)
        if frame is None:
            frame = self._decoded(self._key_packet(span.middle, backward=False), span)
        if frame is None:
            if self._forward is None:
                self._forward = _ForwardDecoder(self._movie, self._stack)
            frame = self._forward.first(span.start, None if before is None else before.pts)
        return frame

    def _key_packet(self, pts: int, backward: bool) -> "_Packet | None":
        """Return the packet of the key frame before or after ``pts``; None if there is none."""
        stream = video_of(self._container, self._movie)
        try:
            self._container.seek(pts, backward=backward, stream=stream)
        except av.error.FFmpegError:  # none follows
            return None
        return next((packet for packet in self._container.demux(stream) if packet.is_keyframe), None)

    def _decoded(self, packet: "_Packet | None", span: "_Span") -> Shown | None:
        """Return the key frame in a packet if it is in the span and can be decoded on its own."""
        if packet is None or packet.pts is None or not span.start <= packet.pts < span.end:
            return None
        context = packet.stream.codec_context
        try:
            # Flush the decoder: else it would wait for frames that may have to be shown first.
            frames = [*context.decode(packet), *context.decode(None)]
        except av.error.FFmpegError:
            return None
        return Shown(frames[0], Fits(self._movie).of(frames[0])) if frames else None


@dataclass(frozen=True)
class _Span:
    """A span of time in pts; ``end`` is exclusive."""

    start: int
    middle: int
    end: int


class _ForwardDecoder:
    """Decodes onward from a key frame, for spans without one; a later span continues from there if it can."""

    def __init__(self, movie: Movie, stack: ExitStack) -> None:
        self._movie = movie
        self._container = stack.enter_context(opened_video(movie, _FAST))
        self._key: int | None = None
        self._frames: Iterator[Shown] = iter(())
        self._last: Shown | None = None

    def first(self, pts: int, key: int | None) -> Shown | None:
        """Return the first frame from ``pts`` on, or else the last one; ``key`` is the pts of the key frame before."""
        if not self._can_continue(pts, key):
            self._frames = from_key_frame(self._container, self._movie, pts, _FAST)
            self._key, self._last = key, None
        for shown in self._frames:
            self._last = shown
            if shown.frame.pts is not None and shown.frame.pts >= pts:
                break
        return self._last

    def _can_continue(self, pts: int, key: int | None) -> bool:
        last = self._last.frame.pts if self._last is not None else None
        return key is not None and key == self._key and last is not None and last < pts
