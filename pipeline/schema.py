"""Every table's columns, types and units, and the version of the whole.

All tables are Parquet with zstd. ``time`` columns are seconds as a player shows them; boxes are in pixels of the
upright, square-pixel picture.
"""

from typing import Final

import pyarrow as pa

VERSION: Final = 3
"""Raised whenever a column's name, type or meaning changes; part of every fingerprint."""

EMOTIONS: Final = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""FER2013's order: column ``k`` of every probability array belongs to ``EMOTIONS[k]``."""

LABELS: Final = (*EMOTIONS, "unsure")
"""What the column ``emotion`` may say."""

UNSURE: Final = len(EMOTIONS)
"""Its place in LABELS."""

VIEWS: Final = ("face_", "size_")
"""Prefixes of shares that are weighted otherwise: each face alike, however long it is seen; or by the faces' area."""

_VIEW_COLUMNS: Final = tuple(f"{view}share_{label}" for view in VIEWS for label in LABELS)

ADDED: Final = {
    **dict.fromkeys(("size", "yaw", "sharpness", "quality", "share_unsure"), 2),
    **dict.fromkeys(("transition", "transition_seconds", "look", "people", "person", *_VIEW_COLUMNS), 3),
}
"""The version with which a column came that tables of older versions lack; readers take it for null there. Before
version 3, each shot was a scene."""

TRANSITIONS: Final = ("start", "cut", "fade", "dissolve")
"""How a shot may begin: with the movie, at once, out of a single colour, or while the one before is still seen."""

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
        pa.field("person", pa.int32()),  # whose face it is, unique in the movie; null where unsure (pipeline/people)
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
_VIEW_SHARES: Final = [pa.field(name, pa.float64()) for name in _VIEW_COLUMNS]  # null where share_... is
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
        pa.field("person", pa.int32()),  # whose face it is; null where unsure
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
        pa.field("transition", pa.string(), nullable=False),  # of TRANSITIONS: how it begins
        # s, from the last frame that shows the shot before alone to the first that shows this one; 0 for a cut. The
        # shot begins in the middle.
        pa.field("transition_seconds", pa.float64(), nullable=False),
        # What it shows, as scenes are grouped by (pipeline/scenes/looks.py); null where it was not observed.
        pa.field("look", pa.binary()),
        *_SUMMARY,
    ]
)

SCENES: Final = pa.schema(
    [
        pa.field("movie", _NAME, nullable=False),
        pa.field("scene", pa.int32(), nullable=False),
        pa.field("shots", pa.int32(), nullable=False),
        pa.field("people", pa.int32()),  # persons told apart in it; null where that was not tried
        *_SPAN,
        *_SUMMARY,
        *_VIEW_SHARES,
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

MOMENTS: Final = pa.schema(
    [
        pa.field("movie", _NAME, nullable=False),
        pa.field("track", pa.int32(), nullable=False),
        pa.field("person", pa.int32()),  # whose face it is; null where unsure
        pa.field("shot", pa.int32(), nullable=False),
        pa.field("scene", pa.int32(), nullable=False),  # in which it starts
        pa.field("label", _NAME, nullable=False),  # of LABELS
        *_SPAN,
        pa.field("confidence_mean", pa.float32(), nullable=False),  # over its frames, 0..1
        pa.field("confidence_max", pa.float32(), nullable=False),
    ]
)
"""A row per moment: consecutive frames in which one face keeps one label."""

_APPEARANCE: Final = [
    pa.field("tracks", pa.int32(), nullable=False),
    pa.field("shots", pa.int32(), nullable=False),  # in which the person is seen
    pa.field("start", pa.float64(), nullable=False),  # s, first seen
    pa.field("end", pa.float64(), nullable=False),  # s, last seen
    pa.field("frames", pa.int32(), nullable=False),  # that show the person
    pa.field("seconds", pa.float64(), nullable=False),  # for which they are shown
    pa.field("coverage", pa.float64(), nullable=False),  # part of the movie's or the scene's time, 0..1
    *_SHARES,
    *_MEANS,
    pa.field("dominant", pa.string()),
    *(pa.field(f"size_share_{name}", pa.float64()) for name in LABELS),  # weighted by time and area
]

PEOPLE: Final = pa.schema(
    [
        pa.field("movie", _NAME, nullable=False),
        pa.field("person", pa.int32(), nullable=False),  # 0-based, in the order in which they are first seen
        pa.field("scenes", pa.int32(), nullable=False),  # in which the person is seen
        *_APPEARANCE,
        pa.field("best_frames", pa.list_(pa.int32()), nullable=False),  # up to 5, best first, each of another track
        pa.field("best_tracks", pa.list_(pa.int32()), nullable=False),  # theirs
        pa.field("baseline_seconds", pa.float64(), nullable=False),  # for which the person was seen well
        *(pa.field(f"baseline_{name}", pa.float64()) for name in EMOTIONS),  # medians; null where that is too short
    ]
)

SCENE_PEOPLE: Final = pa.schema(
    [
        pa.field("movie", _NAME, nullable=False),
        pa.field("scene", pa.int32(), nullable=False),
        pa.field("person", pa.int32(), nullable=False),
        *_APPEARANCE,
        *(pa.field(f"change_{name}", pa.float64()) for name in EMOTIONS),  # mean less baseline; null without one
    ]
)

RELATIVE: Final = pa.schema(
    [
        *(TIMELINE.field(name) for name in ("movie", "frame", "pts", "time", "shot", "scene")),
        pa.field("track", pa.int32(), nullable=False),
        pa.field("person", pa.int32(), nullable=False),
        *(pa.field(f"relative_{name}", pa.float32(), nullable=False) for name in EMOTIONS),  # -1..1, to 0.001
    ]
)
"""A row per picture of a person with a baseline: the network's probabilities less the baseline."""

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
        pa.field("people", pa.int32()),  # persons told apart; null where that was not tried
        *_SHARES,
        *_MEANS,
        pa.field("dominant", pa.string()),
        *_VIEW_SHARES,
        pa.field("seconds", pa.float64()),  # it took to process, wall clock
        pa.field("device", pa.string()),
        pa.field("model", pa.string()),
        pa.field("detector", pa.string()),
    ]
)
"""A row per movie; null where a failed movie has nothing to say."""
