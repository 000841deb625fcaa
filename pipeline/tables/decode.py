"""The label of each frame of a track: the most likely sequence, in which a label seldom changes (Viterbi 1967).

Two hidden Markov models, one after the other. The first has a state for each emotion; in a frame, the logarithm of its
probability speaks for it. The second says whether that emotion is shown: the log odds of its support there
(:mod:`pipeline.tables.labels`) against those of the setting ``sure``. So a face that stays as it is carries a label
exactly where its support reaches ``sure``, and one that hovers around it does not flicker.

A state lasts ``stay`` s on average and is followed by any other alike. Neighbouring frames show nearly the same
picture: a frame counts only as the part of a look that its time is of LOOK_S. docs/decisions/labels-over-time.md has
the figures.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.faces.track import Sightings, TrackOptions
from pipeline.schema import UNSURE
from pipeline.tables.labels import labels_of, support_of, weight_of

LOOK_S: Final = 0.25
BELOW: Final = 0.1
"""A label never stays where its support, averaged, is lower than ``sure`` by more."""
_LEAST: Final = 1e-4
"""No frame speaks more strongly than such a probability: one picture must not exclude a label."""


def decode(
    time: NDArray[np.float64],
    probabilities: NDArray[np.float32],
    quality: NDArray[np.float32],
    stay: float,
    sure: float,
) -> NDArray[np.int32]:
    """Return the labels of the frames of one track.

    Args:
        time: float64 ``(n,)``, s, rising, n > 0.
        probabilities: float32 ``(n, 7)``: the network's; NaN where it saw nothing, which speaks for no label.
        quality: float32 ``(n,)``, 0..1; NaN likewise.
        stay: s for which a label lasts on average, more than 0.
        sure: 0..1; 0 never gives ``unsure``.

    Returns:
        int32 ``(n,)``: indices into LABELS.
    """
    step = np.diff(time, prepend=time[0])
    step[0] = step[1] if len(step) > 1 else LOOK_S
    seen = ~np.isnan(probabilities[:, 0])
    looks = np.where(seen, np.minimum(step / LOOK_S, 1), 0)[:, None]
    known = np.where(seen[:, None], probabilities, 1).astype(np.float64)
    emotion = _most_likely(np.log(np.maximum(known, _LEAST)) * looks, step / stay)
    if sure <= 0:
        return emotion
    support = known[np.arange(len(time)), emotion] * np.where(seen, weight_of(quality), 1)
    odds = _log_odds(support) - _log_odds(np.array(sure))
    shown = _most_likely(np.stack([np.zeros(len(time)), odds], axis=1) * looks, step / stay) == 1
    return np.where(shown, emotion, UNSURE).astype(np.int32)


def track_labels(
    time: NDArray[np.float64],
    seen: Sightings,
    probabilities: NDArray[np.float32],
    quality: NDArray[np.float32],
    options: TrackOptions,
    sure: float,
) -> NDArray[np.int32]:
    """Return the labels of all faces of a movie.

    Args:
        time: float64 ``(n,)``, s: of each row of ``seen``.
        seen: the faces.
        probabilities: float32 ``(n, 7)``: see :func:`decode`.
        quality: float32 ``(n,)``: see :func:`decode`.
        options: of the tracker.
        sure: see :func:`decode`.

    Returns:
        int32 ``(n,)``: indices into LABELS.
    """
    if options.stay <= 0:
        return labels_of(seen.smoothed, seen.quality, sure)
    labels = np.zeros(len(seen), np.int32)
    for rows in rows_by_track(seen.track):
        labels[rows] = decode(time[rows], probabilities[rows], quality[rows], options.stay, sure)
    labels[support_of(seen.smoothed, seen.quality) < sure - BELOW] = UNSURE
    return labels


def rows_by_track(track: NDArray[np.int32]) -> list[NDArray[np.int64]]:
    """Return the rows of each track, rising; ``track`` is int32 ``(n,)``."""
    order = np.argsort(track, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(track[order])) + 1) if len(track) else []


def _log_odds(part: NDArray[np.float64]) -> NDArray[np.float64]:
    inner = np.clip(part, _LEAST, 1 - _LEAST)
    return np.asarray(np.log(inner / (1 - inner)))


def _most_likely(evidence: NDArray[np.float64], step: NDArray[np.float64]) -> NDArray[np.int32]:
    """Return the most likely states, int32 ``(n,)``.

    Args:
        evidence: float64 ``(n, k)``: log likelihood of each state in each frame.
        step: float64 ``(n,)``: since the frame before, in units of the time that a state lasts on average.
    """
    count = evidence.shape[1]
    leave = -np.expm1(-step)
    stays, changes = np.log1p(-leave), np.log(leave / (count - 1))
    score, before = evidence[0], np.empty(evidence.shape, np.int8)
    states = np.arange(count)
    for k in range(1, len(evidence)):
        best = int(score.argmax())  # whoever changes comes from there
        stay, change = score + stays[k], score[best] + changes[k]
        before[k] = np.where(stay >= change, states, best)
        score = np.maximum(stay, change) + evidence[k]
    path = np.empty(len(evidence), np.int32)
    path[-1] = score.argmax()
    for k in range(len(evidence) - 1, 0, -1):
        path[k - 1] = before[k, path[k]]
    return path
