"""How FFmpeg must be asked for files that it does not read, or not as what they are, by itself."""

import stat
from pathlib import Path
from typing import Any, Final

import av
import av.container

from pipeline.errors import NotAMovieError
from pipeline.limits import kind_of_file, open_options
from pipeline.media.manifests.dash import HLS_OPTIONS, as_playlist, is_manifest
from pipeline.media.manifests.hls import as_closed, is_playlist
from pipeline.media.manifests.parts import Joined, files_of, title_parts

_BUFFER: Final = 1 << 20
"""Bytes that are read of joined files at once."""

_RAW_MJPEG: Final = (".mjpeg", ".mjpg", ".mjp")


def open_container(path: Path) -> av.container.InputContainer:
    """Open a file for reading.

    Raises:
        NotAMovieError: it is a manifest of no use.
        OSError, av.error.FFmpegError: as PyAV says it.
    """
    if is_manifest(path) or is_playlist(path):
        _refuse_devices(path)
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


def _refuse_devices(path: Path) -> None:
    """Raise where a movie's files are not all files: whoever opens a pipe waits for its writer."""
    for part in files_of(path)[1:]:
        try:
            mode = part.stat().st_mode
        except (OSError, ValueError):  # a segment that is missing
            continue
        if stat.S_IFMT(mode) not in (stat.S_IFREG, stat.S_IFDIR):
            raise NotAMovieError(f"{path}: expected files in it, found {kind_of_file(mode)}: {part.name}")


def _closed(playlist: Path) -> str:
    try:
        return as_closed(playlist)
    except (OSError, ValueError):  # FFmpeg says what is wrong with it
        return ""
