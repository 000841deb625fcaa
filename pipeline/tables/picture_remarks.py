"""What the user should know of a movie's picture: that its shape changes, that it was mapped or scaled."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.media.colour import HDR_NAMES, can_convert
from pipeline.media.geometry import LONGEST_SIDE
from pipeline.media.movie import Movie

_MOST_CHANGES: Final = 4


def picture_remarks(movie: Movie, shapes: NDArray[np.int64]) -> list[str]:
    """Return short remarks; none on an ordinary movie.

    Args:
        movie: as opened.
        shapes: int64 ``(k, 3)``: see :attr:`pipeline.tables.observations.Observations.shapes`.
    """
    remarks = []
    video = f"{movie.width}x{movie.height}"
    if len(shapes) > 1:
        first, *changes = shapes.tolist()
        named = [f"{width}x{height} from {movie.time_of(pts):.1f} s" for pts, width, height in changes[:_MOST_CHANGES]]
        more = f" and {len(changes) - _MOST_CHANGES} more changes" if len(changes) > _MOST_CHANGES else ""
        remarks.append(
            f"the picture changes its shape: {first[1]}x{first[2]}, then {', '.join(named)}{more}; "
            f"video and boxes are {video} throughout, other shapes fitted in unstretched"
        )
    if movie.is_scaled_down:
        remarks.append(f"the picture has a side above {LONGEST_SIDE} px, which H.264 cannot hold; scaled to {video}")
    if movie.hdr:
        remarks.append(f"HDR ({HDR_NAMES[movie.hdr]}) was mapped to BT.709")
    elif not can_convert(movie.colour.matrix):
        remarks.append(f"colours are coded by matrix {movie.colour.matrix} (H.273), which FFmpeg does not convert")
    return remarks
