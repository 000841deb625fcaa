"""Common faces: the middles of groups of faces, which say how ordinary a face is to the network."""

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pupil import HELD_OUT, middle

from models.inference.onnx_embedder import OnnxEmbedder

_GROUPS: Final = 256
"""Of LFW's faces, and as many of FER2013's, which show more kinds of people."""

_MOST: Final = 2
"""Pictures of a person; of some, LFW has hundreds, which would be groups of their own."""

_ROUNDS: Final = 30


def common(work: Path, network: Path, out: Path) -> None:
    """Write the middles of the groups of faces that were learned from, int8 ``(512, 128)``."""
    embedder, middles = OnnxEmbedder(network), []
    for name in ("lfw", "fer"):
        columns = np.load(work / f"{name}.npz")
        person = columns["person"]
        learned = np.flatnonzero(columns["found"] & ((person < 0) | (person % HELD_OUT != 0)))
        if name == "lfw":
            learned = np.concatenate([learned[person[learned] == one][:_MOST] for one in np.unique(person[learned])])
        middles.append(_middles(embedder.embed(middle(columns["frames"][learned]))))
    np.save(out, np.round(127 * np.concatenate(middles)).astype(np.int8))


def _middles(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the directions of 256 groups (spherical k-means), float32 ``(256, 128)``."""
    chosen = np.random.default_rng(0).choice(len(vectors), _GROUPS, replace=False)
    middles = vectors[chosen]
    for _ in range(_ROUNDS):
        group = (vectors @ middles.T).argmax(axis=1)
        for number in np.unique(group):
            middles[number] = vectors[group == number].mean(axis=0)
        middles /= np.linalg.norm(middles, axis=1, keepdims=True)
    return middles
