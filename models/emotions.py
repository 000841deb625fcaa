"""The seven emotions, in the one order that every array and table column of the project follows."""

from typing import Final

EMOTIONS: Final = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""FER2013's order: column ``k`` of every probability array belongs to ``EMOTIONS[k]``."""
