"""Decide while a segment is still being read which detections may be faces, so that only those are classified.

A detector reports weak candidates generously, and a track counts as a face only if its best detection scores
``min_peak``. Candidates that the tracker might join, over whatever detours, form a cluster. A cluster that ends within
the segment without such a score holds no face, whatever comes before or after: leaving it out changes no table.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple, Optional

import numpy as np

from pipeline.faces.detect import Detections
from pipeline.faces.linking.boxes import covered, iou
from pipeline.faces.track import TrackOptions

_SLACK = 1e-6
"""s; a gap must not count as longer than the tracker's for the last bit of a time."""


class Verdict(NamedTuple):
    """Numbers of candidates, rising: those that may be faces, and those that cannot."""

    possible: list[int]
    ruled_out: list[int]


@dataclass
class _Cluster:
    """Candidates that may belong together: the numbers of those that wait for a verdict, and the verdict so far."""

    waiting: list[int] = field(default_factory=list)
    possible: bool = False
    merged_into: Optional["_Cluster"] = None  # the cluster that it was merged into

    def current(self) -> "_Cluster":
        """Return the cluster that this one has become part of."""
        cluster = self
        while cluster.merged_into is not None:
            cluster = cluster.merged_into
        return cluster

    def absorb(self, other: "_Cluster") -> None:
        """Merge another cluster into this one."""
        self.waiting += other.waiting
        self.possible |= other.possible
        other.waiting, other.merged_into = [], self


class CandidateFilter:
    """Numbers candidates from 0 as they come, and decides about each of them once."""

    def __init__(self, options: TrackOptions) -> None:
        """Follow the tracker's ``options``."""
        self._options = options
        self._count = 0
        self._start: float | None = None
        # Those of the last max_gap seconds, and of the frame before: the tracker joins neighbours however slow.
        self._times = np.zeros(0)
        self._boxes = np.zeros((0, 4), np.float32)
        self._clusters: list[_Cluster] = []
        self._before = -np.inf

    def add(self, time: float, faces: Detections) -> Verdict:
        """Take the candidates of the next frame, shown at ``time`` in s; return what is decided by now."""
        gap = self._options.max_gap + _SLACK
        self._start = time if self._start is None else self._start
        ended = self._forget(min(time - gap, self._before))
        self._before = time
        if len(faces):
            overlaps = iou(faces.boxes, self._boxes) >= self._options.min_iou
            beside = covered(faces.boxes, faces.boxes) >= self._options.min_covered
            added: list[_Cluster] = []
            for number, (score, row) in enumerate(zip(faces.scores, overlaps, strict=True)):
                earlier = [self._clusters[k] for k in np.flatnonzero(row)]
                cluster = _merged([*earlier, *(added[k] for k in np.flatnonzero(beside[number, :number]))])
                cluster.waiting.append(self._count)
                cluster.possible |= bool(score >= self._options.min_peak) or time - self._start <= gap
                added.append(cluster)
                self._count += 1
            self._clusters += added
            self._times = np.concatenate([self._times, np.full(len(faces), time)])
            self._boxes = np.concatenate([self._boxes, faces.boxes])
        possible: list[int] = []
        for cluster in self._clusters:
            if (now := cluster.current()).possible:
                possible += now.waiting
                now.waiting = []
        return Verdict(sorted(possible), sorted(ended))

    def finish(self) -> Verdict:
        """Return the verdict on the rest: what lasts to the segment's end may be joined to what follows."""
        last = {id(now): now for now in (cluster.current() for cluster in self._clusters)}.values()
        self._clusters = []
        return Verdict(sorted(number for cluster in last for number in cluster.waiting), [])

    def _forget(self, before: float) -> list[int]:
        """Forget candidates that nothing can be joined to any more; return those of clusters that have ended."""
        kept = self._times >= before
        if kept.all():
            return []
        old = [cluster for cluster, keep in zip(self._clusters, kept, strict=True) if not keep]
        self._clusters = [cluster for cluster, keep in zip(self._clusters, kept, strict=True) if keep]
        self._times, self._boxes = self._times[kept], self._boxes[kept]
        alive = {id(cluster.current()) for cluster in self._clusters}
        ended: list[int] = []
        for cluster in (one.current() for one in old):
            if id(cluster) not in alive:
                ended += cluster.waiting
                cluster.waiting = []
        return ended


def _merged(clusters: Iterable[_Cluster]) -> _Cluster:
    """Return the one cluster that some are merged into, a new one for none."""
    first, *others = {id(now): now for now in (cluster.current() for cluster in clusters)}.values() or [_Cluster()]
    for other in others:
        first.absorb(other)
    return first
