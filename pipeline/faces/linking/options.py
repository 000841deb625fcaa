"""What makes detections one face, and what makes them a face at all."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TrackOptions:
    """What makes detections one face.

    Attributes:
        min_iou: overlap (intersection over union) from which a detection continues a track.
        max_gap: s for which a face may be lost; the boxes in between are interpolated.
        min_covered: part of the smaller one from which two boxes in a frame lie on each other.
        min_level: mean score within half a second from which a face is there, 0..1.
        max_hidden: s for which a face may be hidden and still be the same one; over ``max_gap`` it is not shown there.
        max_overlap: overlap with a face that is seen from which an unseen one is not shown: it is the same face, or it
            is behind the other.
        min_detections: tracks with fewer are false alarms, unless the shot has fewer frames.
        min_peak: a track's best detection must score this much, 0..1.
        smoothing: width in s of the window over which probabilities are averaged.
        stay: s for which a label lasts on average (:mod:`pipeline.tables.decode`); 0 takes each frame's averaged
            probabilities by themselves.
    """

    min_iou: float = 0.2
    max_gap: float = 0.5
    min_covered: float = 0.25
    min_level: float = 0.4
    max_hidden: float = 1.5
    max_overlap: float = 0.3
    min_detections: int = 3
    min_peak: float = 0.8
    smoothing: float = 1.0
    stay: float = 2.0
