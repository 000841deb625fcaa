"""json: scenes, shots, tracks, people, moments and the arc of a movie, with where they come from; --one-file."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from jobs.export.options import DEFAULTS, Options
from jobs.export.result import Result
from jobs.export.sheets import readable, table_rows
from pipeline.schema import LABELS

SUFFIX: Final = ".json"
ALL: Final = "movies.json"

FORMAT: Final = 1
"""Of the file; raised when a field changes its meaning."""


def write(result: Result, path: Path, options: Options = DEFAULTS) -> None:
    """Write a movie as one object.

    Args:
        result: of the movie.
        path: to write.
        options: what the user chose.
    """
    path.write_text(json.dumps(_content(result, options), indent=1, allow_nan=False) + "\n", encoding="utf-8")


def write_all(results: Iterable[Result], path: Path, options: Options = DEFAULTS) -> None:
    """Write movies as a list of objects, one a line.

    Args:
        results: of movies, one at a time.
        path: to write.
        options: what the user chose.
    """
    with path.open("w", encoding="utf-8") as file:
        before = "[\n"
        for result in results:
            file.write(before + json.dumps(_content(result, options), allow_nan=False))
            before = ",\n"
        file.write("[]\n" if before == "[\n" else "\n]\n")


def _content(result: Result, options: Options) -> dict[str, Any]:
    facts = result.facts
    return {
        "format": FORMAT,
        "movie": result.name,
        "source": facts.source,
        "status": facts.status,
        "reason": facts.reason,
        "remarks": [*facts.remarks, *facts.notes],
        "model": facts.model,
        "provenance": facts.provenance,
        "labels": list(LABELS),
        "duration": float(result.time[-1] - result.time[0]),
        "frames": len(result.time) - 1,
        "person_names": {str(number): name for number, name in result.tables.person_names.items()},
        "scene_names": {str(number): name for number, name in result.tables.scene_names.items()},
        "scenes": _rows(result, "scenes"),
        "shots": _rows(result, "shots"),
        "tracks": _rows(result, "tracks"),
        "people": _rows(result, "people"),
        "scene_people": _rows(result, "scene_people"),
        "arc": _rows(result, "arc"),
        "moments": [asdict(moment) for moment in result.moments if options.wants(moment)],
    }


def _rows(result: Result, table: str) -> list[dict[str, Any]]:
    """Return the rows of a table without the movie's name, which the whole has."""
    whole = readable(getattr(result.tables, table)).drop_columns(["movie"])
    return [dict(zip(whole.column_names, row, strict=True)) for row in table_rows(whole)]
