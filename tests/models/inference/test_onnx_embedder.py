"""The network that tells persons apart: what it takes and gives, and that it is steady."""

from pathlib import Path

import numpy as np
import pytest

from models.errors import WeightsError
from models.inference.onnx_embedder import PERSONS, OnnxEmbedder
from models.model_file import WEIGHTS_FOLDER

PICTURES = np.random.default_rng(3).integers(0, 256, (70, 40, 40), np.uint8)


@pytest.fixture(scope="module")
def embedder() -> OnnxEmbedder:
    return OnnxEmbedder(threads=1)


def test_gives_directions(embedder: OnnxEmbedder) -> None:
    found = embedder.embed(PICTURES)
    assert (found.shape, found.dtype) == ((70, 128), np.float32)
    assert np.linalg.norm(found, axis=1) == pytest.approx(1, abs=1e-5)
    assert embedder.embed(PICTURES[:0]).shape == (0, 128)


def test_a_picture_has_one_description_whatever_stands_beside_it(embedder: OnnxEmbedder) -> None:
    whole = embedder.embed(PICTURES)
    for rows in (slice(0, 1), slice(3, 8), slice(40, 70)):
        assert embedder.embed(PICTURES[rows]).tobytes() == whole[rows].tobytes()
    assert OnnxEmbedder(threads=2).embed(PICTURES).tobytes() == whole.tobytes()


def test_light_and_mirrors_change_little(embedder: OnnxEmbedder) -> None:
    smooth = np.stack([np.kron(some[:10, :10], np.ones((4, 4), np.uint8)) for some in PICTURES[:8]])
    found = embedder.embed(smooth)
    darker = embedder.embed((smooth * 0.6).astype(np.uint8))
    assert (found * darker).sum(axis=1).min() > 0.95
    assert (found * embedder.embed(smooth[:, :, ::-1].copy())).sum(axis=1).min() > 0.999


def test_other_pictures_are_refused(embedder: OnnxEmbedder) -> None:
    with pytest.raises(ValueError, match="expected uint8"):
        embedder.embed(np.zeros((1, 48, 48), np.uint8))


def test_what_is_no_such_network_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no network")
    with pytest.raises(WeightsError, match=r"broken\.onnx: ONNX Runtime cannot load it"):
        OnnxEmbedder(broken)
    with pytest.raises(WeightsError, match=r"missing\.onnx"):
        OnnxEmbedder(tmp_path / "missing.onnx")
    with pytest.raises(WeightsError, match="expected input"):
        OnnxEmbedder(WEIGHTS_FOLDER / "default.onnx")


def test_it_ships_with_its_card() -> None:
    assert PERSONS.with_suffix(".md").is_file()
    assert OnnxEmbedder().digest[:12] in PERSONS.with_suffix(".md").read_text()
