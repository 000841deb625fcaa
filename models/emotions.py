"""The seven emotions, in the one order that every array and table column of the project follows."""

from typing import Final

EMOTIONS: Final = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""FER2013's order: column ``k`` of every probability array belongs to ``EMOTIONS[k]``."""

_OTHER_WORDS: Final = {
    "anger": "angry",
    "disgusted": "disgust",
    "fearful": "fear",
    "happiness": "happy",
    "sadness": "sad",
    "surprised": "surprise",
}


def emotion_of(word: str) -> str | None:
    """Return the emotion that a word of somebody's data set stands for, such as ``happy`` for ``Happiness``."""
    word = word.strip().lower()
    word = _OTHER_WORDS.get(word, word)
    return word if word in EMOTIONS else None
