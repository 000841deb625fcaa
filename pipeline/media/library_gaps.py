"""Keeps PyAV's incomplete tables from failing a movie.

PyAV names every kind of side data of a frame as soon as one of them is asked for, and raises ValueError for kinds that
FFmpeg has learnt since: EXIF in JPEG pictures, the views of MV-HEVC. Kinds without a name get one here.
"""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

import av.container
import av.packet
import av.stream
from av.sidedata.sidedata import Type

_NAMELESS: Final = "NAMELESS"


def _nameless(kinds: type[Type], value: Any) -> Type | None:
    """Return a member for a kind of side data that PyAV has no name for; see :meth:`enum.Enum._missing_`."""
    if not isinstance(value, int):
        return None
    kind = object.__new__(kinds)
    kind._name_ = f"{_NAMELESS}_{value}"
    kind._value_ = value  # type: ignore[assignment]  # PyAV's types take members for their values
    return kind


def demuxed(container: av.container.InputContainer, *streams: av.stream.Stream) -> "Iterator[av.packet.Packet[Any]]":
    """Yield the packets of ``streams``, or of all, as :meth:`demux` does.

    Streams may begin amid a file: a second language, or damage that looks like one. PyAV passes their packets over, but
    may raise IndexError when it flushes the decoders at the end. By then all packets were yielded.
    """
    with suppress(IndexError):
        yield from container.demux(*streams)


def fill_gaps() -> None:
    """Give all kinds of side data a name. To be called before frames are looked at, once is enough."""
    Type._missing_ = classmethod(_nameless)  # type: ignore[assignment]
