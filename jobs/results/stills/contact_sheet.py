"""A contact sheet: stills of several moments on one picture, each with a line below it."""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np

from jobs.results.stills.frames import jpeg
from jobs.results.stills.spot_stills import Spot, frame_still

_COLUMNS: Final = 4
_TILE: Final = 320
_GAP: Final = 8
_LINE: Final = 26


def contact_sheet(spots: Sequence[Spot], captions: Sequence[str]) -> bytes:
    """Return a JPEG of the frames at ``spots``, at least one, four in a row, each with its caption.

    Raises:
        NotFoundError: a frame cannot be decoded.
    """
    stills = (np.frombuffer(frame_still(spot, _TILE), np.uint8) for spot in spots)
    pictures = [np.asarray(cv2.imdecode(still, cv2.IMREAD_COLOR)) for still in stills]
    high = max(picture.shape[0] for picture in pictures) + _LINE
    columns = min(_COLUMNS, len(pictures))
    rows = -(-len(pictures) // columns)
    sheet = np.full((rows * (high + _GAP) + _GAP, columns * (_TILE + _GAP) + _GAP, 3), 255, np.uint8)
    for k, (picture, caption) in enumerate(zip(pictures, captions, strict=True)):
        y, x = _GAP + k // columns * (high + _GAP), _GAP + k % columns * (_TILE + _GAP)
        sheet[y : y + picture.shape[0], x : x + picture.shape[1]] = picture
        where = (x, y + picture.shape[0] + 18)
        cv2.putText(sheet, caption, where, cv2.FONT_HERSHEY_SIMPLEX, 0.5, (20, 20, 20), 1, cv2.LINE_AA)
    return jpeg(sheet)
