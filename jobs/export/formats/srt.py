"""srt: subtitles that say what each face shows, for any player."""

from pathlib import Path
from typing import Final

from jobs.export.cues import cues_of, line_of, plain, stamp
from jobs.export.options import DEFAULTS, Options
from jobs.export.result import Result

SUFFIX: Final = ".srt"

_MARKUP: Final = (("<", "("), (">", ")"), ("{", "("), ("}", ")"))
"""The format has no way to write these: players take them for tags."""


def write(result: Result, path: Path, options: Options = DEFAULTS) -> None:
    """Write the subtitles of a movie.

    Args:
        result: of the movie.
        path: to write.
        options: what the user chose.
    """
    parts = []
    for number, cue in enumerate(cues_of(result, options), 1):
        span = f"{stamp(cue.start)} --> {stamp(cue.end)}".replace(".", ",")
        lines = [plain(line_of(moment), _MARKUP) for moment in cue.moments]
        parts.append("\n".join([str(number), span, *lines]) + "\n")
    path.write_text("\n".join(parts), encoding="utf-8", errors="replace")
