"""The persons of a movie: who they are called, which faces are theirs, what they show."""

from pathlib import Path
from typing import Any

import numpy as np

from jobs.results.boxes import best_frames
from jobs.results.corrections.changes import Changes
from jobs.results.tables import read_table
from jobs.results.timeline_index import TimelineIndex
from jobs.results.wording import called
from pipeline.schema import LABELS, UNSURE


def persons_of(tracks: Path, changes: Changes) -> dict[int, int]:
    """Return the person of each track that has one, as people corrected them; ``tracks`` is the table's path.

    Raises:
        UnreadableError: the table is damaged, none of ours, or of a newer version.
    """
    rows = read_table(tracks, ["track", "person"])
    measured = dict(zip(rows["track"].to_pylist(), rows["person"].to_pylist(), strict=True))
    found = {**measured, **changes.persons}
    return {track: int(p) for track, p in found.items() if p is not None and track not in changes.rejected}


def people_of(index: TimelineIndex, persons: dict[int, int], changes: Changes) -> list[dict[str, Any]]:
    """Return the persons of a movie for JSON, those seen longest first.

    Args:
        index: the movie's timeline.
        persons: of each track that has one.
        changes: for their names.

    Returns:
        Of each: ``person``, ``name``, ``called``: name or number, ``track`` and ``frame`` of the best picture,
        ``tracks``: how many, ``seconds`` on screen, ``dominant`` and ``shares`` of face-time in the order of LABELS.
    """
    faces = index.faces
    numbers = sorted(set(persons.values()))
    place = {number: k for k, number in enumerate(numbers)}
    of_track = np.full(int(faces.track.max(initial=-1)) + 1, -1)
    for track, person in persons.items():
        if track < len(of_track):
            of_track[track] = place[person]
    of_row = of_track[faces.track]
    mine = of_row >= 0
    shown = np.diff(index.time)[faces.frame[mine]]
    cells = np.bincount(of_row[mine] * len(LABELS) + faces.emotion[mine], shown, len(numbers) * len(LABELS))
    seconds = cells.reshape(len(numbers), len(LABELS))
    frames = index.frames
    once = np.unique(
        of_row[mine].astype(np.int64) * frames + faces.frame[mine]
    )  # who is seen twice in a frame, is once
    on_screen = np.bincount(once // frames, np.diff(index.time)[once % frames], len(numbers))
    lengths = np.bincount(faces.track, np.diff(index.time)[faces.frame], len(of_track))
    best, found = best_frames(index), []
    for k, number in enumerate(numbers):
        tracks = np.flatnonzero(of_track == k)
        if len(tracks) == 0 or seconds[k].sum() <= 0:
            continue
        longest = int(tracks[lengths[tracks].argmax()])
        shares = seconds[k] / seconds[k].sum()
        sure = shares[:UNSURE]
        found.append(
            {
                "person": number,
                "name": changes.person_names.get(number, ""),
                "called": called(number, changes.person_names),
                "track": longest,
                "frame": best[longest],
                "tracks": len(tracks),
                "seconds": round(float(on_screen[k]), 3),
                "dominant": LABELS[int(sure.argmax())] if sure.sum() > 0 else LABELS[UNSURE],
                "shares": [round(float(share), 4) for share in shares],
            }
        )
    return sorted(found, key=lambda one: -one["seconds"])
