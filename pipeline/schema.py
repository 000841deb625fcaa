"""Every table's columns, types and units, and the version of the whole.

All tables are Parquet with zstd. ``time`` columns are seconds as a player shows them; boxes are in pixels of the
upright, square-pixel picture.
"""

from typing import Final

import pyarrow as pa

VERSION: Final = 3
"""Raised whenever a column's name, type or meaning changes; part of every fingerprint."""

ADDED: Final = {"size": 2, "yaw": 2, "sharpness": 2, "quality": 2, "share_unsure": 2}
"""The version with which a column came that tables of older versions lack; readers take it for null there."""

EMOTIONS: Final = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""FER2013's order: column ``k`` of every probability array belongs to ``EMOTIONS[k]``."""

LABELS: Final = (*EMOTIONS, "unsure")
"""What the column ``emotion`` may say."""

UNSURE: Final = len(EMOTIONS)
"""Its place in LABELS."""

BOX: Final = ("x1", "y1", "x2", "y2")
"""A box's corners: left, top, right, bottom, in pixels."""

_NAME: Final = pa.dictionary(pa.int32(), pa.string())

TIMELINE: Final = pa.schema(
    [
        pa.field("movie", _NAME, nullable=False),  # path below the input folder
        pa.field("frame", pa.int32(), nullable=False),  # 0-based, presentation order
        pa.field("pts", pa.int64(), nullable=False),  # in time_base, which the file's metadata gives
        pa.field("time", pa.float64(), nullable=False),  # s
        pa.field("shot", pa.int32(), nullable=False),
        pa.field("scene", pa.int32(), nullable=False),
        pa.field("track", pa.int32()),  # null, as are all columns below, in the one row of a frame without a face
        *(pa.field(name, pa.float32()) for name in BOX),
        # The detector's, 0..1; between two searches that agree interpolated, as the box is. Null where the face was
        # lost for a moment and only its box was carried across the gap.
        pa.field("score", pa.float32()),
        *(pa.field(name, pa.float32()) for name in EMOTIONS),  # of this very frame, sum 1; null where score is
        # How the face is shown (pipeline/faces/quality.py); null where score is.
        pa.field("size", pa.float32()),  # px: geometric mean of the box's sides
        pa.field("yaw", pa.float32()),  # degrees, 0 frontal, 90 profile; null for detectors without landmarks, too
        pa.field("sharpness", pa.float32()),  # 0..1
        pa.field("quality", pa.float32()),  # 0..1: how likely the network's answer holds on such a crop
        pa.field("emotion", _NAME),  # most likely along the track (pipeline/tables/decode.py), or "unsure"
        pa.field(
            "confidence", pa.float32()
        ),  # averaged probability of that emotion; of the most likely one where unsure
    ]
)

_SHARES: Final = [
    # Of the face-time that carries an emotion; null where none does.
    *(pa.field(f"share_{name}", pa.float64()) for name in EMOTIONS),
    pa.field("share_unsure", pa.float64()),  # of all face-time; null without a face
]
_MEANS: Final = [pa.field(f"mean_{name}", pa.float64()) for name in EMOTIONS]  # time-weighted mean probability
_SPAN: Final = [
    pa.field("start", pa.float64(), nullable=False),  # s
    pa.field("end", pa.float64(), nullable=False),  # s, when the last frame leaves the screen
    pa.field("first_frame", pa.int32(), nullable=False),
    pa.field("last_frame", pa.int32(), nullable=False),  # inclusive
]
_SUMMARY: Final = [
    pa.field("frames", pa.int32(), nullable=False),
    pa.field("face_frames", pa.int32(), nullable=False),  # frames with at least one face
    pa.field("coverage", pa.float64(), nullable=False),  # part of the time with at least one face, 0..1
    pa.field("faces_max", pa.int32(), nullable=False),  # most faces at once
    pa.field("tracks", pa.int32(), nullable=False),
    *_SHARES,
    *_MEANS,
    # The emotion with the largest share, "unsure" where no label is sure; null without a face.
    pa.field("dominant", pa.string()),
]

TRACKS: Final = pa.schema(
    [
        pa.field("movie", _NAME, nullable=False),
        pa.field("track", pa.int32(), nullable=False),
        pa.field("shot", pa.int32(), nullable=False),
        pa.field("scene", pa.int32(), nullable=False),
        *_SPAN,
        pa.field("frames", pa.int32(), nullable=False),  # that show it: all of the span, except where it was hidden
        pa.field("detections", pa.int32(), nullable=False),  # frames with a score
        pa.field("score", pa.float32(), nullable=False),  # mean of the detector's
        *_SHARES,
        *_MEANS,
        pa.field("dominant", pa.string(), nullable=False),
    ]
)

SHOTS: Final = pa.schema(
    [
        pa.field("movie", _NAME, nullable=False),
        pa.field("shot", pa.int32(), nullable=False),
        pa.field("scene", pa.int32(), nullable=False),
        *_SPAN,
        *_SUMMARY,
    ]
)

SCENES: Final = pa.schema(
    [
        pa.field("movie", _NAME, nullable=False),
        pa.field("scene", pa.int32(), nullable=False),
        pa.field("shots", pa.int32(), nullable=False),
        *_SPAN,
        *_SUMMARY,
    ]
)

ARC: Final = pa.schema(
    [
        pa.field("movie", _NAME, nullable=False),
        pa.field("second", pa.int32(), nullable=False),  # 0-based: from `second` to `second + 1` on the player's clock
        # Null from here on where no frame is shown in that second.
        pa.field("shot", pa.int32()),  # the one that is shown longest in it, as is the scene
        pa.field("scene", pa.int32()),
        pa.field("frames", pa.int32()),  # shown in it, if only in part
        pa.field("coverage", pa.float64()),  # part of its time with at least one face, 0..1
        pa.field("faces", pa.float64()),  # faces at once, on average over its time
        pa.field("faces_max", pa.int32()),  # most faces at once
        pa.field("tracks", pa.int32()),
        *_SHARES,
        *_MEANS,
        pa.field("dominant", pa.string()),  # as in SCENES
    ]
)
"""A row a second, from 0 to the movie's end."""

MOVIES: Final = pa.schema(
    [
        pa.field("movie", pa.string(), nullable=False),
        pa.field("status", pa.string(), nullable=False),  # done, partial, failed
        pa.field("reason", pa.string(), nullable=False),  # of partial and failed; else empty
        pa.field("source", pa.string(), nullable=False),  # the file that was read
        pa.field("duration", pa.float64()),  # s, from the first frame to the end of the last
        pa.field("width", pa.int32()),  # px, of the upright picture
        pa.field("height", pa.int32()),
        pa.field("frames", pa.int32()),
        pa.field("face_frames", pa.int32()),
        pa.field("faces", pa.int32()),  # rows of the timeline that hold a face
        pa.field("coverage", pa.float64()),
        pa.field("faces_max", pa.int32()),
        pa.field("tracks", pa.int32()),
        pa.field("shots", pa.int32()),
        pa.field("scenes", pa.int32()),
        *_SHARES,
        *_MEANS,
        pa.field("dominant", pa.string()),
        pa.field("seconds", pa.float64()),  # it took to process, wall clock
        pa.field("device", pa.string()),
        pa.field("model", pa.string()),
        pa.field("detector", pa.string()),
    ]
)
"""A row per movie; null where a failed movie has nothing to say."""
