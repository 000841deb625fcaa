"""Face box -> 48x48 grey crop: the one place that says how a face is cut out."""

from typing import Any, Final

import av.video.frame
import cv2
import numpy as np
from av.video.reformatter import ColorRange, Colorspace
from numpy.typing import NDArray

from pipeline.media.colour import hdr_matrix, is_hdr, to_sdr
from pipeline.media.geometry import Fit, Orientation

CROP_SIZE: Final = 48
"""Side of a crop in pixels."""


BOX_SCALE: Final = 1.1
"""Side of the square that is cut, in units of the geometric mean of the box's sides.

FER2013's pictures, enlarged and searched by the default detector, are about this much larger than the box it finds on
them, so crops look like what was learned from; docs/network.md has the accuracies by margin.
"""

_LUMA_FIRST: Final = frozenset(
    f"{prefix}{layout}p" for prefix in ("yuv", "yuvj", "yuva") for layout in ("420", "422", "444", "440", "411", "410")
) | {"gray", "nv12", "nv21"}
"""Pixel formats whose first plane is the 8-bit grey picture."""

_DEEP: Final = frozenset(f"yuv{layout}p{bits}le" for layout in ("420", "422", "444") for bits in (10, 12, 16))
"""Pixel formats of three planes of 16-bit numbers."""

_MOST_MAPPED: Final = 3
"""Times the side of a crop at which faces of HDR pictures are mapped."""

_BT709_LUMA: Final = np.array([0.2126, 0.7152, 0.0722])


def cut_crops(picture: av.video.frame.VideoFrame, boxes: NDArray[np.float32], fit: Fit) -> NDArray[np.uint8]:
    """Cut the faces in ``boxes`` out of a picture as it is stored.

    Args:
        picture: as decoded: not upright, its pixels perhaps not square, its range perhaps high.
        boxes: float32 ``(n, 4)``: x1, y1, x2, y2 in pixels of the movie's picture. They may reach outside of the
            picture; what lies outside repeats the picture's edge.
        fit: where the picture lies in the movie's.

    Returns:
        uint8 ``(n, 48, 48)``: upright, grey 0..255.
    """
    if len(boxes) == 0:
        return np.zeros((0, CROP_SIZE, CROP_SIZE), np.uint8)
    squares = _to_stored(fit.from_movie(squares_of(boxes)), fit.orientation)
    if is_hdr(picture):
        return np.stack([fit.orientation.apply(crop) for crop in _of_hdr(picture, squares)])
    luma, full_range = _luma(picture)
    crops = np.stack([fit.orientation.apply(_resized(luma, square)) for square in squares])
    return crops if full_range else _expanded(crops)


def squares_of(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the squares ``(n, 4)`` that stand for the faces in ``boxes``."""
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 1)
    half = np.sqrt(sides.prod(axis=1, keepdims=True)) * (BOX_SCALE / 2)
    return np.concatenate([centres - half, centres + half], axis=1).astype(np.float32)


def _to_stored(boxes: NDArray[np.float32], orientation: Orientation) -> NDArray[np.float32]:
    """Undo ``orientation`` for boxes ``(n, 4)`` in units of the picture's sides."""
    x1, y1, x2, y2 = boxes.T
    if orientation.flip_y:
        y1, y2 = 1 - y2, 1 - y1
    if orientation.flip_x:
        x1, x2 = 1 - x2, 1 - x1
    if orientation.transpose:
        x1, y1, x2, y2 = y1, x1, y2, x2
    return np.stack([x1, y1, x2, y2], axis=1)


def _luma(picture: av.video.frame.VideoFrame) -> tuple[NDArray[np.uint8], bool]:
    """Return the grey picture ``(h, w)``, as a view where possible, and whether it uses the full range 0..255."""
    if picture.format.name in _LUMA_FIRST:
        plane = picture.planes[0]
        luma = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: picture.height, : picture.width]  # type: ignore[call-overload]
        # FFmpeg takes grey for full range, tagged or not.
        full = picture.format.name.startswith(("yuvj", "gray")) or picture.color_range == ColorRange.JPEG
        return luma, full
    # Whatever the matrix, Y' is the grey, as above; FFmpeg would make BT.601's of it.
    matrix = Colorspace.ITU601
    grey = picture.reformat(
        format="gray", src_colorspace=matrix, dst_colorspace=matrix, dst_color_range=ColorRange.JPEG
    )
    return np.asarray(grey.to_ndarray(), np.uint8), True


def _of_hdr(picture: av.video.frame.VideoFrame, squares: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Cut ``squares``, in units of the sides, out of an HDR picture: uint8 ``(n, 48, 48)``, grey of BT.709, 0..255."""
    matrix = hdr_matrix(picture)
    if picture.format.name not in _DEEP:
        picture = picture.reformat(
            format="yuv444p16le", src_colorspace=matrix, dst_colorspace=matrix, dst_color_range=ColorRange.MPEG
        )
    planes = []
    for plane in picture.planes:
        levels = np.frombuffer(plane, "<u2").reshape(-1, plane.line_size // 2)  # type: ignore[call-overload]
        planes.append(levels[: plane.height, : plane.width])
    crops = []
    for square in squares:
        # To average levels of HDR is not to average light, so faces are mapped while they are larger.
        height = float(square[3] - square[1]) * picture.height
        side = CROP_SIZE * int(np.clip(height // CROP_SIZE, 1, _MOST_MAPPED))
        y, cb, cr = (_resized(plane, square, side).astype(np.float64) for plane in planes)
        rgb = _rgb_of(y, cb, cr, picture, matrix)
        grey = np.asarray(np.round(255 * (to_sdr(rgb, picture.color_trc) @ _BT709_LUMA)), np.uint8)
        crops.append(cv2.resize(grey, (CROP_SIZE, CROP_SIZE), interpolation=cv2.INTER_AREA))
    return np.stack(crops)


def _rgb_of(
    y: NDArray[np.float64],
    cb: NDArray[np.float64],
    cr: NDArray[np.float64],
    picture: av.video.frame.VideoFrame,
    matrix: Colorspace,
) -> NDArray[np.float64]:
    """Return R'G'B' ``(h, w, 3)``, 0..1, of the levels ``(h, w)`` in an HDR picture's planes (BT.2100)."""
    bits = picture.format.components[0].bits
    unit = 2.0 ** (bits - 8)
    if picture.color_range == ColorRange.JPEG:
        white = colour = 2.0**bits - 1
        black = 0.0
    else:
        black, white, colour = 16 * unit, 219 * unit, 224 * unit
    y, cb, cr = (y - black) / white, (cb - 128 * unit) / colour, (cr - 128 * unit) / colour
    red, blue = (0.2126, 0.0722) if matrix == Colorspace.ITU709 else (0.2627, 0.0593)
    r, b = y + 2 * (1 - red) * cr, y + 2 * (1 - blue) * cb
    return np.stack([r, (y - red * r - blue * b) / (1 - red - blue), b], axis=-1)


def _resized(luma: NDArray[Any], square: NDArray[np.float32], side: int = CROP_SIZE) -> NDArray[Any]:
    """Cut ``square``, in units of the sides, out of a plane and scale it to ``side``, repeating the edge outside."""
    square = square * np.array([luma.shape[1], luma.shape[0]] * 2, np.float32)
    x1, y1, x2, y2 = (int(v) for v in np.round(square))
    x2, y2 = max(x2, x1 + 1), max(y2, y1 + 1)
    height, width = luma.shape
    left, top, right, bottom = (max(0, -x1), max(0, -y1), max(0, x2 - width), max(0, y2 - height))
    x, y = min(max(x1, 0), width - 1), min(max(y1, 0), height - 1)
    inside = luma[y : max(y2 - bottom, y + 1), x : max(x2 - right, x + 1)]
    if left or top or right or bottom:
        inside = np.asarray(cv2.copyMakeBorder(inside, top, bottom, left, right, cv2.BORDER_REPLICATE))
    # Averaging over areas: a face 300 px high scaled down by sampling alone would be full of false edges.
    shrinks = inside.shape[0] > side
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(inside, (side, side), interpolation=interpolation))


def _expanded(crops: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Stretch limited range (ITU-R BT.601: black 16, white 235) to 0..255."""
    levels = (np.arange(256, dtype=np.float32) - 16) * (255 / 219)
    return np.clip(np.round(levels), 0, 255).astype(np.uint8)[crops]
