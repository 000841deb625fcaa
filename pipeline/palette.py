"""The emotions' colours, defined once for videos, charts and reports.

After Okabe and Ito's colour-blind-safe palette (https://jfly.uni-koeln.de/color/), with grey for neutral.
"""

from typing import Final

EMOTION_COLOURS: Final[dict[str, str]] = {
    "angry": "#D55E00",
    "disgust": "#009E73",
    "fear": "#CC79A7",
    "happy": "#F0E442",
    "sad": "#0072B2",
    "surprise": "#56B4E9",
    "neutral": "#BBBBBB",
}
"""``#RRGGBB`` by emotion."""

LABEL_COLOURS: Final[dict[str, str]] = {**EMOTION_COLOURS, "unsure": "#6E6E6E"}
"""The same, and what is drawn where no label is sure."""
