"""Where live pictures come from: a camera, a file at its own pace, or a stream. All are read with PyAV.

PyAV rather than OpenCV, also for cameras: its pictures keep the planes that crops are cut from and labels are drawn on,
and the time at which the camera took them, and one loop serves every kind of source.
"""

import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

import av
import av.container
import av.error
import av.video.frame
import av.video.stream

from jobs.errors import SourceError, UsageError
from jobs.live.cameras import cameras, describe_cameras
from pipeline.errors import InputError
from pipeline.limits import decoder_options
from pipeline.media.decode import Frame
from pipeline.media.deinterlace import deinterlaced
from pipeline.media.manifests.opening import open_container
from pipeline.media.movie import Movie, data_packets, describe, open_movie, video_stream

OPEN_S: Final = 10.0
"""Seconds that a stream may take to answer; an RTSP camera sends its first key frame after up to 5."""
READ_S: Final = 5.0
"""Seconds without a packet after which a stream counts as dropped. A stop may take as long."""

_STREAM_OPTIONS: Final = {
    "rtsp_transport": "tcp",  # over UDP a lost packet is a torn picture
    "fflags": "nobuffer",
    "analyzeduration": "2000000",
}
_NETWORK: Final = ("http", "https", "httpproxy", "tls", "tcp", "udp", "rtp", "srtp", "rtmp", "rtmps", "crypto", "data")
_END_TOLERANCE: Final = Fraction(1)


@dataclass(frozen=True)
class LiveSource:
    """A source as the user named it.

    Attributes:
        kind: camera, file or stream.
        where: what FFmpeg opens.
        label: its name for people, without passwords.
    """

    kind: Literal["camera", "file", "stream"]
    where: str
    label: str


def choose_live_source(text: str) -> LiveSource:
    """Return the source that the user means: the index of a camera or its device, a URL, or a file.

    Raises:
        UsageError: there is no such file.
    """
    if text.isdecimal():
        return LiveSource(
            "camera", f"/dev/video{int(text)}" if sys.platform == "linux" else str(int(text)), f"camera {text}"
        )
    if text.startswith("/dev/video"):
        return LiveSource("camera", text, f"camera {text}")
    if "://" in text:
        return LiveSource("stream", text, _without_password(text))
    path = Path(text)
    if not path.is_file():
        found = "a folder" if path.is_dir() else "something else" if path.exists() else "nothing"
        raise UsageError(f"{text}: expected the index of a camera, a URL or a file, found {found} of that name")
    return LiveSource("file", str(path.absolute()), path.name)


def _without_password(url: str) -> str:
    """Return ``url`` without user and password, and without its query, which may hold keys."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


@dataclass(frozen=True)
class Picture:
    """A decoded picture, and the source's own time for it in s, or None."""

    source_time: Fraction | None
    frame: av.video.frame.VideoFrame


class Connection:
    """An open source.

    Attributes:
        movie: its geometry and colours, from the first picture.
        paced: whether pictures come faster than they are shown, so that the reader has to wait.
    """

    def __init__(self, source: LiveSource, container: av.container.InputContainer) -> None:
        self._source = source
        self._container = container
        self._stream = video_stream(container, Path(source.label))
        if self._stream.codec_context is None:
            raise SourceError(f"{source.label}: this FFmpeg has no decoder for its video")
        # Slices, not frames: a decoder that works on several frames at once holds pictures back.
        self._stream.codec_context.thread_type = "SLICE"
        self._stream.codec_context.options = decoder_options()
        self._duration = Fraction(container.duration or 0, av.time_base)
        self.paced = source.kind == "file" or self._duration > 0
        self._pictures = _deinterlaced(self._decode())
        self._first = next(self._pictures, None)
        if self._first is None:
            raise SourceError(f"{source.label}: expected video, found no picture that can be decoded")
        self.movie: Movie = describe(Path(source.label), container, self._stream, self._first.frame)

    def pictures(self) -> Iterator[Picture]:
        """Yield all pictures, up to the end of a file.

        Raises:
            SourceError: the source dropped.
        """
        assert self._first is not None
        yield self._first
        begin = last = self._first.source_time
        for picture in self._pictures:
            last = last if picture.source_time is None else picture.source_time
            yield picture
        if self._source.kind == "file":
            return
        shown = (last or 0) - (begin or 0)
        if not self._duration or self._duration - shown > _END_TOLERANCE:
            raise SourceError(f"{self._source.label}: the stream ended")

    def _decode(self) -> Iterator[Picture]:
        """Yield all pictures; packets that cannot be decoded are skipped."""
        base = Fraction(self._stream.time_base or Fraction(1, 1000))
        try:
            for packet in data_packets(self._container, self._stream):
                try:
                    frames = self._stream.codec_context.decode(packet)
                except av.error.FFmpegError:
                    continue
                for frame in frames:
                    yield Picture(None if frame.pts is None else frame.pts * base, frame)
        except (av.error.FFmpegError, OSError) as error:
            if self._source.kind == "file":
                return  # a damaged file plays as far as it goes, as in a run
            raise SourceError(f"{self._source.label}: the source dropped: {error.strerror or error}") from error


def _deinterlaced(pictures: Iterator[Picture]) -> Iterator[Picture]:
    """Yield the pictures as a run sees them; those of an interlaced source come one picture late."""
    times: deque[Fraction | None] = deque()

    def frames() -> Iterator[Frame]:
        for number, picture in enumerate(pictures):
            times.append(picture.source_time)
            yield Frame(number, picture.frame)

    for frame in deinterlaced(frames(), look_ahead=False):
        yield Picture(times.popleft(), frame.picture)


@contextmanager
def connect(source: LiveSource) -> Iterator[Connection]:
    """Open a source and wait for its first picture.

    Raises:
        SourceError: it gives none; the message says what was expected and what was found.
    """
    try:
        if source.kind == "file":
            open_movie(Path(source.where))  # has a message for pictures, texts and sounds
        container = _opened(source)
    except InputError as error:
        raise SourceError(str(error)) from error
    with container:
        try:
            connection = Connection(source, container)
        except InputError as error:
            raise SourceError(str(error)) from error
        yield connection


def _opened(source: LiveSource) -> av.container.InputContainer:
    try:
        if source.kind == "camera":
            _require_camera(source)
            return av.open(source.where, format="v4l2" if sys.platform == "linux" else "avfoundation")
        if source.kind == "file":
            return open_container(Path(source.where))
        options = _STREAM_OPTIONS | {"protocol_whitelist": _protocols(source.where)}
        return av.open(source.where, options=options, timeout=(OPEN_S, READ_S), metadata_errors="replace")
    except (av.error.FFmpegError, OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        if isinstance(error, av.error.ExitError):
            reason = f"no answer within {OPEN_S:g} s"
        if source.kind == "camera":
            raise SourceError(f"{source.label} cannot be opened: {reason}; {describe_cameras(cameras())}") from error
        raise SourceError(f"{source.label}: expected a stream of video, found: {reason}") from error


def _protocols(url: str) -> str:
    """Return the protocols by which a stream may name others: its own, and those of networks, never a file of ours."""
    return ",".join(dict.fromkeys([urlsplit(url).scheme.lower(), *_NETWORK]))


def _require_camera(source: LiveSource) -> None:
    if sys.platform == "linux" and not Path(source.where).exists():
        raise SourceError(f"{source.label}: no such camera; {describe_cameras(cameras())}")
