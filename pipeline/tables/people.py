"""The tables that say who was seen: a row per person, a row per person and scene, and changes against a person's usual.

A resting face may look sad or angry to a network. So a person's usual probabilities, the medians over all of his or her
pictures, are the baseline that changes are counted from.
"""

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.faces.quality import Looks
from pipeline.schema import EMOTIONS
from pipeline.tables.columns import column_of, table_of
from pipeline.tables.shares import FaceRows, emotion_columns, view_columns
from pipeline.tables.spans import repeated
from pipeline.tables.times import Frames

BASELINE_SECONDS: Final = 10.0
"""s for which a person must be seen well to have a baseline."""

_SEEN_WELL: Final = 0.5
"""Quality of a picture that counts for that."""

_BEST: Final = 5
"""Best frames that are named, each of another track."""


@dataclass(frozen=True)
class PersonRows:
    """The rows of a timeline whose person is known.

    Attributes:
        person: int32 ``(n,)``, >= 0.
        rows: the faces, ``group`` of which is of no meaning.
        looks: how they are shown; NaN where the detector saw nothing.
        area: float64 ``(n,)``: of the box of each.
        baseline: float64 ``(persons, 7)``: each one's median probabilities; NaN for who was not seen for long enough.
        baseline_seconds: float64 ``(persons,)``, s: for which each one was seen well.
    """

    person: NDArray[np.int32]
    rows: FaceRows
    looks: Looks
    area: NDArray[np.float64]
    baseline: NDArray[np.float64]
    baseline_seconds: NDArray[np.float64]

    @staticmethod
    def of(persons: NDArray[np.int32], rows: FaceRows, looks: Looks, area: NDArray[np.float64]) -> "PersonRows":
        """Choose the rows whose person is known.

        Args:
            persons: int32 ``(tracks,)``: whose face each track is, -1 where unsure.
            rows: all faces of the movie.
            looks: how they are shown.
            area: float64 ``(n,)``: of their boxes.
        """
        known = np.flatnonzero(persons[rows.track] >= 0)
        some = FaceRows(**{name: column[known] for name, column in vars(rows).items()})
        person, looks = persons[some.track], looks.picked(known.astype(np.int32))
        baseline, seconds = _baselines(person, some, looks.quality)
        return PersonRows(person, some, looks, area[known], baseline, seconds)

    @property
    def count(self) -> int:
        """The number of persons."""
        return len(self.baseline)


def people_table(name: str, times: Frames, seen: PersonRows) -> pa.Table:
    """Return the movie's persons, in the order of their numbers.

    Args:
        name: of the movie.
        times: of its frames.
        seen: whose faces were seen.
    """
    scene = times.scene[seen.rows.frame]
    best_frames, best_tracks = _best(seen)
    columns = {
        "movie": repeated(name, seen.count),
        "person": np.arange(seen.count, dtype=np.int32),
        "scenes": _distinct(seen.person, scene, seen.count),
        **_group_columns(times, seen, seen.person, seen.count, np.full(seen.count, times.seconds.sum())),
        "best_frames": best_frames,
        "best_tracks": best_tracks,
        "baseline_seconds": seen.baseline_seconds,
        **{f"baseline_{emotion}": seen.baseline[:, k] for k, emotion in enumerate(EMOTIONS)},
    }
    return table_of(columns)


def scene_people_table(name: str, times: Frames, seen: PersonRows) -> pa.Table:
    """Return a row for each person of each scene, in the order of scenes, then of persons.

    Args:
        name: of the movie.
        times: of its frames.
        seen: whose faces were seen.
    """
    keys, group = np.unique(
        times.scene[seen.rows.frame].astype(np.int64) * max(seen.count, 1) + seen.person, return_inverse=True
    )
    scene, person = (keys // max(seen.count, 1)).astype(np.int32), (keys % max(seen.count, 1)).astype(np.int32)
    shown = np.bincount(times.scene, times.seconds)
    columns = _group_columns(times, seen, group.astype(np.int32), len(keys), shown[scene])
    change = np.stack([columns[f"mean_{emotion}"] for emotion in EMOTIONS], axis=1) - seen.baseline[person]
    columns |= {f"change_{emotion}": change[:, k] for k, emotion in enumerate(EMOTIONS)}
    return table_of({"movie": repeated(name, len(keys)), "scene": scene, "person": person, **columns})


def relative_table(name: str, times: Frames, seen: PersonRows) -> pa.Table:
    """Return by how much each picture's probabilities exceed its person's baseline, where there is one.

    Args:
        name: of the movie.
        times: of its frames.
        seen: whose faces were seen.
    """
    change = seen.rows.probabilities - seen.baseline[seen.person]
    known = np.flatnonzero(~np.isnan(change[:, 0]))
    rows, change = seen.rows, np.round(change[known], 3).astype(np.float32)
    frame = rows.frame[known]
    columns = {
        "movie": repeated(name, len(known)),
        "frame": frame,
        "pts": times.pts[frame],
        "time": times.time[frame],
        "shot": times.shot[frame],
        "scene": times.scene[frame],
        "track": rows.track[known],
        "person": seen.person[known],
        **{f"relative_{emotion}": change[:, k] for k, emotion in enumerate(EMOTIONS)},
    }
    return table_of(columns)


def _group_columns(
    times: Frames, seen: PersonRows, group: NDArray[np.int32], count: int, of: NDArray[np.float64]
) -> dict[str, Any]:
    """Return what is said of each of ``count`` groups of rows, ``of`` ``(count,)`` s of movie each."""
    rows = replace(seen.rows, group=group)
    pairs = np.unique(np.stack([group, rows.frame]), axis=1)  # a frame counts once
    seconds = np.bincount(pairs[0], times.seconds[pairs[1]], count)
    names, first = np.unique(pairs[0], return_index=True)
    assert len(names) == count, "each group has a row"
    last = np.searchsorted(pairs[0], names, "right") - 1
    views = view_columns(rows, count, rows.track, seen.area)
    return {
        "tracks": _distinct(group, rows.track, count),
        "shots": _distinct(group, times.shot[rows.frame], count),
        "start": times.time[pairs[1][first]],
        "end": times.time[pairs[1][last]] + times.seconds[pairs[1][last]],
        "frames": np.bincount(pairs[0], minlength=count).astype(np.int32),
        "seconds": seconds,
        "coverage": np.divide(seconds, of, out=np.zeros(count), where=of > 0).clip(0, 1),
        **emotion_columns(rows, count),
        **{column: values for column, values in views.items() if column.startswith("size_")},
    }


def _distinct(group: NDArray[np.int32], values: NDArray[np.int32], count: int) -> NDArray[np.int32]:
    """Return how many different values each group has."""
    return np.bincount(np.unique(np.stack([group, values]), axis=1)[0], minlength=count).astype(np.int32)


def _baselines(
    person: NDArray[np.int32], rows: FaceRows, quality: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return each person's median probabilities ``(persons, 7)``, weighted by time, and the s they are taken of."""
    count = int(person.max(initial=-1)) + 1
    well = np.flatnonzero(quality >= _SEEN_WELL)  # not where it is NaN
    seconds = np.bincount(person[well], rows.seconds[well], count).astype(np.float64)
    baseline = np.full((count, len(EMOTIONS)), np.nan)
    for one in np.flatnonzero(seconds >= BASELINE_SECONDS - 1e-6):
        here = well[person[well] == one]
        baseline[one] = [_median(rows.probabilities[here, k], rows.seconds[here]) for k in range(len(EMOTIONS))]
    return baseline, seconds


def _median(values: NDArray[np.float32], weights: NDArray[np.float64]) -> float:
    order = np.argsort(values, kind="stable")
    sums = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(sums, sums[-1] / 2)])


def _best(seen: PersonRows) -> tuple[pa.Array, pa.Array]:
    """Return the frames that show each person best, the best first, and their tracks, as columns of lists."""
    detected = np.flatnonzero(~np.isnan(seen.looks.quality))
    keys = (seen.looks.size[detected], seen.looks.quality[detected], seen.rows.track[detected])
    order = detected[np.lexsort(keys)]  # the last of each track is its best
    best = order[np.append(np.diff(seen.rows.track[order]) != 0, True)[: len(order)]]
    best = best[np.lexsort((-seen.looks.size[best], -seen.looks.quality[best], seen.person[best]))]
    rank = np.arange(len(best)) - np.searchsorted(seen.person[best], seen.person[best])
    best = best[rank < _BEST]
    ends = np.searchsorted(seen.person[best], np.arange(seen.count + 1)).astype(np.int32)
    frames, tracks = (
        pa.ListArray.from_arrays(column_of(ends), column_of(column[best].astype(np.int32)))
        for column in (seen.rows.frame, seen.rows.track)
    )
    return frames, tracks
