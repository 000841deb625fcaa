"""Mean probabilities over time, as running sums: what the network saw, before a label was chosen."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jobs.results.tables import open_table, read_rows
from jobs.results.timeline_index import TimelineIndex, parts_of, stacked
from pipeline.schema import EMOTIONS


@dataclass(frozen=True)
class Probabilities:
    """The network's probabilities of a movie.

    Attributes:
        time: float64 ``(f + 1,)``, s: see :class:`TimelineIndex`.
        weighted: float64 ``(f + 1, 7)``, s: face-time, weighted by each probability, before a frame appears.
        seconds: float64 ``(f + 1,)``, s: face-time that has probabilities.
        covered: float64 ``(f + 1,)``, s: time with such a face.
    """

    time: NDArray[np.float64]
    weighted: NDArray[np.float64]
    seconds: NDArray[np.float64]
    covered: NDArray[np.float64]

    def heights(self, start: float, end: float, bins: int) -> NDArray[np.float64]:
        """Return each emotion's mean probability in equal parts of a span, times the coverage of that part.

        Args:
            start: of the span, s.
            end: of the span, s.
            bins: how many parts.

        Returns:
            float64 ``(bins, 7)``, 0..1, in the order of EMOTIONS.
        """
        columns = self.weighted, self.seconds, self.covered
        weighted, whole, covered = (parts_of(self.time, sums, start, end, bins) for sums in columns)
        return stacked(weighted, whole, covered, end - start)


def read_probabilities(index: TimelineIndex) -> Probabilities:
    """Read the probabilities of a movie whose timeline is known.

    Raises:
        NotFoundError: the timeline no longer exists.
        UnreadableError: it is damaged.
    """
    with open_table(index.path) as file:
        table = read_rows(file, index.path, ["frame", "track", *EMOTIONS])
    table = index.changes.applied(table.filter(table[EMOTIONS[0]].is_valid()))
    frame, frames, shown = table["frame"].to_numpy(), index.frames, np.diff(index.time)

    def summed(values: NDArray[Any]) -> NDArray[np.float64]:
        return np.append(0, np.cumsum(values))

    weights = [shown[frame] * table[emotion].to_numpy() for emotion in EMOTIONS]
    return Probabilities(
        time=index.time,
        weighted=np.stack([summed(np.bincount(frame, one, frames)) for one in weights], axis=1),
        seconds=summed(np.bincount(frame, shown[frame], frames)),
        covered=summed((np.bincount(frame, minlength=frames) > 0) * shown),
    )
