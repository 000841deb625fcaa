"""The seven emotions, in the one order that every array and table column of the project follows."""

import re
from typing import Final

EMOTIONS: Final = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""FER2013's order: column ``k`` of every probability array belongs to ``EMOTIONS[k]``."""

_OTHER_WORDS: Final = {
    "angry": "anger",
    "disgust": "disgusted",
    "fear": "fearful afraid scared",
    "happy": "happiness",
    "sad": "sadness",
    "surprise": "surprised suprise suprised",
    "neutral": "neutrality",
}
_EMOTION_OF: Final = {word: emotion for emotion, words in _OTHER_WORDS.items() for word in (emotion, *words.split())}


def emotion_of(word: str) -> str | None:
    """Return the emotion that a word of somebody's data set stands for: ``happy`` for ``Happiness`` or ``3_happy``."""
    return _EMOTION_OF.get(re.sub(r"[^a-z]", "", word.lower()))
