"""The splits of a data set by the names that people give them."""

import re
from typing import Final

_WORDS: Final = {
    "train": "train training trn",
    "public": "public publictest publictesting",
    "private": "private privatetest privatetesting",
    "validation": "validation valid val validate validating dev development",
    "test": "test testing tst eval evaluation holdout",
}
SPLITS: Final = tuple(_WORDS)
"""In the order in which they are shown."""
_SPLIT_OF: Final = {word: split for split, words in _WORDS.items() for word in words.split()}


def split_of(word: str) -> str | None:
    """Return the split that a word stands for: ``public`` for ``PublicTest``, ``train`` for ``FER2013Train``."""
    letters = re.sub(r"[^a-z]", "", word.lower())
    for affix in ("", "fer", "ferplus"):
        known = _SPLIT_OF.get(re.sub(r"(set|data|images|split)$", "", letters.removeprefix(affix)))
        if known is not None:
            return known
    return None
