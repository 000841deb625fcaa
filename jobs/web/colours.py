"""The emotions' colours as a style sheet, made from :mod:`pipeline.palette`, for pages and reports.

Not every colour of the palette can be seen on every background: yellow vanishes on white. So each has an *edge*, itself
or a darker or lighter shade, with a contrast of at least 3:1 to the background (WCAG 2.2, 1.4.11). Whatever is filled
with the colour is outlined with the edge.
"""

from typing import Final

from pipeline.palette import LABEL_COLOURS

GROUNDS: Final = {"light": "#FFFFFF", "dark": "#1B1D22"}
"""Backgrounds of charts, by theme; ``--ground`` in the style sheets."""

_LEAST_CONTRAST: Final = 3.0


def contrast(one: str, other: str) -> float:
    """Return the contrast of two ``#RRGGBB`` colours, 1 to 21 (WCAG 2.2, "contrast ratio")."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def edge_of(colour: str, ground: str) -> str:
    """Return ``colour``, darkened on a light ground or lightened on a dark one until it stands out."""
    target = 0.0 if _luminance(ground) > 0.5 else 255.0
    for step in range(101):
        mixed = "#" + "".join(f"{round(value + (target - value) * step / 100):02X}" for value in _channels(colour))
        if contrast(mixed, ground) >= _LEAST_CONTRAST:
            return mixed
    raise ValueError(f"no shade of {colour} stands out on {ground}")


def colour_sheet() -> str:
    """Return the style sheet: for each emotion ``--angry``, ``--angry-edge`` by theme, and a class ``e-angry``.

    The theme is the system's unless ``data-theme`` on the root element says otherwise.
    """
    light, dark = (_variables(theme) for theme in ("light", "dark"))
    fixed = "".join(f"--{emotion}:{colour};" for emotion, colour in LABEL_COLOURS.items())
    classes = "".join(
        f".e-{emotion}{{fill:var(--{emotion});stroke:var(--{emotion}-edge);"
        f"background-color:var(--{emotion});border-color:var(--{emotion}-edge)}}\n"
        for emotion in LABEL_COLOURS
    )
    return (
        f":root{{{fixed}{light}}}\n"
        f":root[data-theme=dark]{{{dark}}}\n"
        f"@media (prefers-color-scheme:dark){{:root:not([data-theme=light]){{{dark}}}}}\n"
        f"{classes}"
    )


def _variables(theme: str) -> str:
    ground = GROUNDS[theme]
    edges = "".join(f"--{emotion}-edge:{edge_of(colour, ground)};" for emotion, colour in LABEL_COLOURS.items())
    return f"--ground:{ground};{edges}"


def _channels(colour: str) -> list[int]:
    return [int(colour[k : k + 2], 16) for k in (1, 3, 5)]


def _luminance(colour: str) -> float:
    """Return the relative luminance, 0..1 (WCAG 2.2)."""
    linear = [
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in (channel / 255 for channel in _channels(colour))
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
