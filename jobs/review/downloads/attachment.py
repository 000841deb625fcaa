"""Files that a browser saves: made in a temporary folder, never in that of the results, and named safely."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO, Final

from flask import Response

from jobs.results.errors import ResultError

_UNSAFE: Final = re.compile(
    '[\\x00-\\x1f\\x7f-\\x9f"<>|:*?\\\\/\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069\\ud800-\\udfff]'
)
"""What a system does not take in the name of a file, or what would show another name than it is."""

_LONGEST: Final = 180
"""Bytes of a film's name in that of a file; most systems take 255 in all."""

_PIECE: Final = 1 << 18
"""Bytes."""


def file_name(movie: str, ending: str) -> str:
    """Return a name for a file about a movie that every system takes; ``movie`` may be a path."""
    stem = _UNSAFE.sub("_", movie.rpartition("/")[2]).strip(" ")
    stem = stem.encode()[:_LONGEST].decode(errors="ignore").lstrip(".") or "movie"
    return f"{stem}{_UNSAFE.sub('_', ending)}"


def attach(answer: Response, movie: str, ending: str) -> Response:
    """Let the browser save an answer as a file.

    Args:
        answer: to change.
        movie: that it is about; for the file's name.
        ending: of that name.
    """
    answer.headers.set("Content-Disposition", "attachment", filename=file_name(movie, ending))
    return answer


def made(movie: str, ending: str, kind: str, write: Callable[[Path], object]) -> Response:
    """Return a file that is made now; it is sent piece by piece, and is gone when it was.

    Args:
        movie: that it is about; for its name.
        ending: of its name.
        kind: its MIME type.
        write: makes the file whose path it is given.

    Raises:
        ResultError: it cannot be written.
    """
    try:
        # An open file that is deleted stays readable; nothing is left behind, whatever happens to the visitor.
        with TemporaryDirectory(prefix="moodreel-", ignore_cleanup_errors=True) as folder:
            path = Path(folder) / f"download{Path(ending).suffix}"
            write(path)
            size, file = path.stat().st_size, path.open("rb")
    except OSError as error:
        raise ResultError(f"the file cannot be written on the server: {error.strerror}") from error
    answer = Response(_pieces(file), mimetype=kind)
    answer.call_on_close(file.close)
    answer.content_length = size
    return attach(answer, movie, ending)


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while piece := file.read(_PIECE):
            yield piece
