"""A data set as people have it, whatever its format: its splits, and what in it could not be used."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np

from models.data.faces import Faces, looks_of
from models.emotions import EMOTIONS
from models.errors import DatasetError

_NAMED: Final = 3
"""Faulty rows that are named, of each kind; all are counted."""

_UNKNOWN_LABEL: Final = "unknown label"

VALIDATION_SPLITS: Final = ("public", "validation", "test")
"""Splits that a training may validate on, the first one that is there."""


@dataclass
class Rejections:
    """What could not be used: counted by kind, the first ones named."""

    counts: dict[str, int] = field(default_factory=dict)
    named: dict[str, list[str]] = field(default_factory=dict)

    def add(self, kind: str, where: str) -> None:
        """Note one more of ``kind``, found at ``where``."""
        self.counts[kind] = self.counts.get(kind, 0) + 1
        if self.counts[kind] <= _NAMED:
            self.named.setdefault(kind, []).append(where)

    def add_unknown_label(self, where: str) -> None:
        """Note a row whose label is none of ours."""
        self.add(_UNKNOWN_LABEL, where)

    def lines(self) -> list[str]:
        """Return a line for each kind."""
        return [
            f"{count} left out: {kind}: {', '.join(self.named[kind])}{', ...' if count > _NAMED else ''}"
            for kind, count in self.counts.items()
        ]


@dataclass(frozen=True)
class Dataset:
    """A data set that was read.

    Attributes:
        path: where from.
        splits: faces by the name of the split: ``train``; ``public`` and ``private`` of FER2013; ``validation`` and
            ``test`` of folders.
        faults: what was left out.
    """

    path: Path
    splits: dict[str, Faces]
    faults: Rejections

    def split(self, name: str) -> Faces:
        """Return a split.

        Raises:
            DatasetError: the data set has none of this name.
        """
        if name not in self.splits:
            raise DatasetError(f"{self.path}: expected a split {name!r}, found {', '.join(self.splits) or 'none'}")
        return self.splits[name]

    def validation(self) -> tuple[str, Faces]:
        """Return the name of the split that a training validates on, and the split.

        Raises:
            DatasetError: there is none.
        """
        for name in VALIDATION_SPLITS:
            if name in self.splits:
                return name, self.splits[name]
        raise DatasetError(
            f"{self.path}: expected a split to validate on ({', '.join(VALIDATION_SPLITS)}), "
            f"found {', '.join(self.splits)}; a recipe that holds out a fold needs none"
        )


def checked(path: Path, splits: dict[str, Faces], faults: Rejections) -> Dataset:
    """Return the data set, if there is something to learn from or to measure on.

    Args:
        path: that it was read from.
        splits: its pictures by split; empty ones are left out.
        faults: what could not be read.

    Raises:
        DatasetError: no picture could be read, a tenth or more had labels of another kind, or all show one emotion.
    """
    splits = {name: faces for name, faces in splits.items() if len(faces)}
    count = sum(map(len, splits.values()))
    report = "; ".join(faults.lines())
    if not count:
        raise DatasetError(f"{path}: expected labelled pictures, found none{'; ' + report if report else ''}")
    unknown = faults.counts.get(_UNKNOWN_LABEL, 0)
    if unknown * 10 >= count + unknown:
        raise DatasetError(
            f"{path}: expected the labels 0 to {len(EMOTIONS) - 1} for {', '.join(EMOTIONS)}; found others: {report}"
        )
    classes = np.unique(np.concatenate([faces.labels for faces in splits.values()]))
    if len(classes) < 2:
        raise DatasetError(f"{path}: expected at least two emotions, found only {EMOTIONS[classes[0]]}")
    return Dataset(path, splits, faults)


def mark_copies(splits: dict[str, Faces]) -> dict[str, Faces]:
    """Return the splits with pictures marked unclean that another split holds too, by the look of their thumbnails."""
    looks = {name: looks_of(faces.crops) for name, faces in splits.items()}
    marked = {}
    for name, faces in splits.items():
        others = [found for other, found in looks.items() if other != name]
        elsewhere = np.isin(looks[name], np.concatenate([looks[name][:0], *others]))
        marked[name] = replace(faces, clean=faces.clean & ~elsewhere)
    return marked
