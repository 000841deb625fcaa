"""Movies that are several files: which, and a DVD's title as the one file that it was before it was cut by size."""

import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Final

from pipeline.errors import InputError
from pipeline.media.manifests.dash import is_manifest, segment_files
from pipeline.media.manifests.hls import is_playlist, named_by

_TITLE: Final = re.compile(r"(VTS_\d\d_)1(\.VOB)", re.IGNORECASE)
"""The first file of a title; more follow with 2 to 9."""


def title_parts(first: Path) -> list[Path]:
    """Return the files of the DVD title that begins with ``first``, in order; none where it is one file, or no title.

    What comes behind a gap in the numbers is not among them.
    """
    match = _TITLE.fullmatch(first.name)
    if match is None:
        return []
    try:
        beside = {path.name.casefold(): path for path in first.parent.iterdir()}
    except OSError:
        return []
    parts = [first]
    for number in range(2, 10):
        path = beside.get(f"{match[1]}{number}{match[2]}".casefold())
        if path is None or not path.is_file():
            break
        parts.append(path)
    return parts if len(parts) > 1 else []


def files_of(path: Path) -> list[Path]:
    """Return all files that a movie is read from, ``path`` first; those that its playlist names may be missing."""
    try:
        if is_manifest(path):
            return [path, *dict.fromkeys(segment_files(path))]
        if is_playlist(path):
            return [path, *named_by(path)]
    except (InputError, OSError, ValueError):
        return [path]
    return title_parts(path) or [path]


def size_of(path: Path) -> int:
    """Return the bytes of all files that a movie is read from.

    Raises:
        OSError: ``path`` is gone.
    """
    others = [part.stat().st_size for part in files_of(path)[1:] if part.is_file()]
    return path.stat().st_size + sum(others)


def is_several_files(path: Path) -> bool:
    """Return whether a movie cannot be read as the one file that is called ``path``."""
    return is_manifest(path) or is_playlist(path) or bool(title_parts(path))


class Joined(io.RawIOBase):
    """Files as one, each going on where the one before ends; for :func:`av.open`."""

    def __init__(self, parts: Sequence[Path]) -> None:
        """Open ``parts``.

        Raises:
            OSError: one of them cannot be opened.
        """
        self.name = str(parts[0])
        self._files: list[BinaryIO] = []
        self._begins = [0]
        try:
            for part in parts:
                self._files.append(part.open("rb"))
                self._begins.append(self._begins[-1] + self._files[-1].seek(0, io.SEEK_END))
        except OSError:
            self.close()
            raise
        self._place = 0

    def readable(self) -> bool:
        """Return that it is."""
        return True

    def seekable(self) -> bool:
        """Return that it is."""
        return True

    def tell(self) -> int:
        """Return the place of the next byte."""
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place, as files do."""
        from_ = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._begins[-1]}[whence]
        self._place = max(0, from_ + offset)
        return self._place

    def read(self, size: int = -1) -> bytes:
        """Read up to ``size`` bytes, none at the end."""
        size = self._begins[-1] - self._place if size < 0 else size
        for file, begins, ends in zip(self._files, self._begins, self._begins[1:], strict=False):
            if begins <= self._place < ends:
                file.seek(self._place - begins)
                data = file.read(min(size, ends - self._place))
                self._place += len(data)
                return data
        return b""

    def close(self) -> None:
        """Close the files."""
        for file in self._files:
            file.close()
        super().close()
