"""The still at a time in a movie: the whole frame, scaled, or a face cut out of it."""

import threading
from dataclasses import dataclass
from typing import Final

import cv2

from jobs.results.errors import NotFoundError
from jobs.results.stills.frames import Shown, from_key_frame, jpeg, opened_video, pts_at, still_errors, upright
from pipeline.media.movie import Movie

_AT_ONCE: Final = threading.BoundedSemaphore(2)
"""Decoding keeps a core busy; a page with two hundred stills must not occupy them all."""

_FACE_ROOM: Final = 1.5
"""Side of the square around a face, as a multiple of the longer side of its box."""


@dataclass(frozen=True)
class Spot:
    """A time in a movie, in s by the player's clock."""

    movie: Movie
    time: float


def frame_still(spot: Spot, width: int) -> bytes:
    """Return the frame at a spot as a JPEG, at most ``width`` pixels wide.

    Raises:
        NotFoundError: it cannot be decoded.
    """
    with _AT_ONCE, still_errors(spot.movie, spot.time):
        return jpeg(upright(spot.movie, _frame_at(spot.movie, spot.time), width))


def face_still(spot: Spot, box: tuple[float, float, float, float], size: int) -> bytes:
    """Cut out a face.

    Args:
        spot: the frame to cut it out of.
        box: of the face: ``x1, y1, x2, y2`` in pixels of the upright picture.
        size: width and height of the result, in pixels.

    Returns:
        A square around the box, as a JPEG.

    Raises:
        NotFoundError: the frame cannot be decoded.
    """
    with _AT_ONCE, still_errors(spot.movie, spot.time):
        image = upright(spot.movie, _frame_at(spot.movie, spot.time))
    x1, y1, x2, y2 = box
    half = max(x2 - x1, y2 - y1, 2) * _FACE_ROOM / 2
    half = min(half, image.shape[0] / 2, image.shape[1] / 2)
    x = min(max((x1 + x2) / 2, half), image.shape[1] - half)
    y = min(max((y1 + y2) / 2, half), image.shape[0] - half)
    square = image[round(y - half) : round(y + half), round(x - half) : round(x + half)]
    return jpeg(cv2.resize(square, (size, size), interpolation=cv2.INTER_AREA))


def _frame_at(movie: Movie, time: float) -> Shown:
    """Return the frame that is shown at a time in s."""
    pts = pts_at(movie, time)
    before: Shown | None = None
    with opened_video(movie) as container:
        for shown in from_key_frame(container, movie, pts):
            if shown.frame.pts is not None and shown.frame.pts > pts:
                return before or shown
            before = shown
    if before is None:
        raise NotFoundError(f"{movie.path.name}: no frame at {time:.2f} s")
    return before
