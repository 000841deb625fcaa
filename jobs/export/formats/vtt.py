"""vtt: the same subtitles for browsers, in the colours of the labels."""

from pathlib import Path
from typing import Final

from jobs.export.cues import BRIGHT, cues_of, line_of, plain, stamp
from jobs.export.options import DEFAULTS, Options
from jobs.export.result import Result

SUFFIX: Final = ".vtt"

_MARKUP: Final = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"))


def write(result: Result, path: Path, options: Options = DEFAULTS) -> None:
    """Write the subtitles of a movie, at the top of the picture: the film's own are at the bottom.

    Args:
        result: of the movie.
        path: to write.
        options: what the user chose.
    """
    colours = "\n".join(f"::cue(.{label}) {{ color: {colour}; }}" for label, colour in BRIGHT.items())
    parts = ["WEBVTT\n", f"NOTE Predicted expressions, not feelings; model {_note(result.facts.model)}\n"]
    parts.append(f"STYLE\n{colours}\n")
    for cue in cues_of(result, options):
        lines = [f"<c.{one.label}>{plain(line_of(one), _MARKUP)}</c>" for one in cue.moments]
        parts.append("\n".join([f"{stamp(cue.start)} --> {stamp(cue.end)} line:0", *lines]) + "\n")
    path.write_text("\n".join(parts), encoding="utf-8", errors="replace")


def _note(text: str) -> str:
    return plain(text, (("-->", "→"),))
