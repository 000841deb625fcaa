"""The movie's one picture, chosen once all its frames are known, and what the user should know of it.

Until then boxes are in the geometry of the first frame. A conference may begin small until the line is measured, and a
recording with the end of another programme: what most frames look like is known only at the end.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.media.colour import HDR_NAMES, can_convert
from pipeline.media.geometry import LONGEST_SIDE, Orientation, fitted
from pipeline.media.movie import Movie
from pipeline.tables.observations import Observations

_MOST_CHANGES: Final = 4

Size = tuple[int, int]


def in_one_picture(movie: Movie, seen: Observations) -> tuple[Movie, Observations]:
    """Choose the movie's picture, and move boxes there.

    It has the proportions that most frames have, and the size of the largest of these. So it does not depend on how the
    movie was cut, and where all frames have one shape it is theirs.

    Args:
        movie: as opened, with its first frame's picture.
        seen: all of it, boxes in that picture.

    Returns:
        The movie with the picture that was chosen, and what was seen with boxes in that picture.
    """
    if len(seen.shapes) < 2:
        return movie, seen
    sizes: list[Size] = [(width, height) for _, width, height in seen.shapes.tolist()]
    shape_of_frame = np.searchsorted(seen.shapes[:, 0], seen.pts, "right") - 1
    chosen = _picture_of(sizes, np.bincount(shape_of_frame, minlength=len(sizes)).tolist())
    if chosen == movie.size:
        return movie, seen
    boxes = seen.boxes.copy()
    shape_of_face = shape_of_frame[seen.face_frame]
    for number, size in enumerate(sizes):
        here = shape_of_face == number
        parts = fitted(size, movie.size, Orientation()).from_movie(boxes[here])
        boxes[here] = fitted(size, chosen, Orientation()).to_movie(parts, (1, 1))
    return movie.with_picture(*chosen), replace(seen, boxes=boxes)


def _picture_of(sizes: Sequence[Size], frames: Sequence[int]) -> Size:
    """Return the largest of the sizes with the proportions that most ``frames`` have; of equals the first."""
    groups: list[tuple[list[Size], int]] = []
    for size, count in zip(sizes, frames, strict=True):
        for number, (members, total) in enumerate(groups):
            fit = fitted(size, members[0], Orientation())
            if (fit.width, fit.height) == members[0]:
                groups[number] = ([*members, size], total + count)
                break
        else:
            groups.append(([size], count))
    members, _ = max(groups, key=lambda group: group[1])
    return max(members, key=lambda size: size[0] * size[1])


def picture_remarks(movie: Movie, shapes: NDArray[np.int64]) -> list[str]:
    """Return short remarks; none on an ordinary movie.

    Args:
        movie: with its one picture.
        shapes: int64 ``(k, 3)``: see :attr:`pipeline.tables.observations.Observations.shapes`.
    """
    remarks = []
    video = f"{movie.width}x{movie.height}"
    if len(shapes) > 1:
        (_, width, height), *changes = shapes.tolist()
        named = [f"{w}x{h} from {movie.time_of(pts):.1f} s" for pts, w, h in changes[:_MOST_CHANGES]]
        more = f" and {len(changes) - _MOST_CHANGES} more changes" if len(changes) > _MOST_CHANGES else ""
        remarks.append(
            f"the shape of the picture changes: {width}x{height}, then {', '.join(named)}{more}; "
            f"boxes and video are {video}, with bars where a frame is of another shape"
        )
    if movie.is_scaled_down:
        remarks.append(f"a side of the picture is longer than H.264's {LONGEST_SIDE} px; scaled to {video}")
    if movie.hdr:
        remarks.append(f"HDR ({HDR_NAMES[movie.hdr]}) was mapped to BT.709")
    elif not can_convert(movie.colour.matrix):
        remarks.append(f"FFmpeg does not convert the colour matrix of the picture (H.273: {movie.colour.matrix})")
    return remarks
