"""How FFmpeg must be asked for files that it does not read, or not as what they are, by itself."""

from pathlib import Path
from typing import Any, Final

import av
import av.container

from pipeline.limits import open_options
from pipeline.media.manifests.dash import HLS_OPTIONS, as_playlist, is_manifest
from pipeline.media.manifests.hls import as_closed, is_playlist
from pipeline.media.manifests.parts import Joined, title_parts

_BUFFER: Final = 1 << 20
"""Bytes that are read of joined files at once."""

_RAW_MJPEG: Final = (".mjpeg", ".mjpg", ".mjp")


def open_container(path: Path) -> av.container.InputContainer:
    """Open a file for reading.

    Raises:
        NotAMovieError: it is a manifest of no use.
        OSError, av.error.FFmpegError: as PyAV says it.
    """
    address = as_playlist(path) if is_manifest(path) else _closed(path) if is_playlist(path) else ""
    if address:
        return av.open(address, format="hls", options=open_options() | HLS_OPTIONS, metadata_errors="replace")
    if parts := title_parts(path):
        joined: Any = Joined(parts)
        title: av.container.InputContainer = av.open(
            joined, buffer_size=_BUFFER, options=open_options(), metadata_errors="replace"
        )
        return title
    options = open_options() | (HLS_OPTIONS if is_playlist(path) else {})
    container = av.open(str(path.absolute()), options=options, metadata_errors="replace")
    if container.format.name == "jpeg_pipe" and path.suffix.lower() in _RAW_MJPEG:
        container.close()  # FFmpeg looked at the first picture, and took it for all
        return av.open(str(path.absolute()), format="mjpeg", options=open_options(), metadata_errors="replace")
    return container


def _closed(playlist: Path) -> str:
    try:
        return as_closed(playlist)
    except (OSError, ValueError):  # FFmpeg says what is wrong with it
        return ""
