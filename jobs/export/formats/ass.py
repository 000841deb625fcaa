"""ass: the same subtitles for players that know styles (mpv, VLC), in the colours of the labels."""

from pathlib import Path
from typing import Final

from jobs.export.cues import BRIGHT, Cue, cues_of, line_of, plain, stamp
from jobs.export.options import DEFAULTS, Options
from jobs.export.result import Result

SUFFIX: Final = ".ass"

_MARKUP: Final = (("\\", "/"), ("{", "("), ("}", ")"))
_HEIGHT: Final = 720
"""Lines of the picture that sizes refer to; players scale them."""

_HEAD: Final = """[Script Info]
; Predicted expressions, not feelings; model {model}
Title: {title}
ScriptType: v4.00+
PlayResX: {width}
PlayResY: {height}
ScaledBorderAndShadow: yes
WrapStyle: 2

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, \
StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Default,Arial,34,&H00FFFFFF,&H00FFFFFF,&H00000000,&H80000000,-1,0,0,0,100,100,0,0,1,2,1,8,20,20,20,1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""
"""The style is at the top of the picture: the film's own subtitles are at the bottom."""


def write(result: Result, path: Path, options: Options = DEFAULTS) -> None:
    """Write the subtitles of a movie.

    Args:
        result: of the movie.
        path: to write.
        options: what the user chose.
    """
    summary = result.facts.summary
    wide = (summary.width or 16) / (summary.height or 9)
    title, model = plain(result.name, _MARKUP), plain(result.facts.model, _MARKUP)
    head = _HEAD.format(title=title, model=model, width=round(_HEIGHT * wide), height=_HEIGHT)
    lines = [_line(cue) for cue in cues_of(result, options)]
    path.write_text(head + "".join(lines), encoding="utf-8", errors="replace")


def _line(cue: Cue) -> str:
    text = r"\N".join(rf"{{\c{_colour(one.label)}}}{plain(line_of(one), _MARKUP)}" for one in cue.moments)
    start, end = (stamp(time, 2).removeprefix("0") for time in (cue.start, cue.end))  # one digit of hours
    return f"Dialogue: 0,{start},{end},Default,,0,0,0,,{text}\n"


def _colour(label: str) -> str:
    """Return a label's colour as ASS has it: blue, green, red."""
    red, green, blue = (BRIGHT[label][k : k + 2] for k in (1, 3, 5))
    return f"&H{blue}{green}{red}&"
