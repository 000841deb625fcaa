"""What a segment's result is on disk: read back as it was, equal where it is equal, refused where it does not fit."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.tables.observations import Observations


def observations(frames: int, faces: int) -> Observations:
    rng = np.random.default_rng(frames * 100 + faces)
    probabilities = rng.random((faces, 7)).astype(np.float32)
    return Observations(
        pts=np.arange(-5, frames - 5, dtype=np.int64) * 2**40,
        change=rng.random(frames).astype(np.float32),
        ends=rng.integers(0, 256, (2, 90, 160, 3) if frames else (0,), dtype=np.uint8),
        face_frame=np.sort(rng.integers(0, max(frames, 1), faces)).astype(np.int32),
        boxes=rng.random((faces, 4)).astype(np.float32),
        scores=rng.random(faces).astype(np.float32),
        probabilities=probabilities / probabilities.sum(axis=1, keepdims=True),
        yaw=np.where(np.arange(faces) % 2, np.nan, 20).astype(np.float32),
        sharpness=rng.random(faces).astype(np.float32),
        contrast=rng.random(faces).astype(np.float32),
        miniatures=rng.integers(0, 256, (faces, 8, 8), np.uint8),
        refused=3,
        damaged=0,
    )


@pytest.mark.parametrize(("frames", "faces"), [(0, 0), (1, 0), (1, 3), (5, 0), (5, 12)])
def test_what_is_read_is_what_was_written(tmp_path: Path, frames: int, faces: int) -> None:
    written = observations(frames, faces)
    path = tmp_path / "0_end.npz"
    path.write_bytes(written.to_bytes())
    read = Observations.load(path)
    for field in fields(Observations):
        before, after = getattr(written, field.name), getattr(read, field.name)
        assert type(after) is type(before)
        if isinstance(before, np.ndarray):
            assert after.dtype == before.dtype
            assert after.shape == before.shape
            assert after.tobytes() == before.tobytes()
        else:
            assert after == before


def test_equal_observations_give_equal_bytes(tmp_path: Path) -> None:
    data = observations(5, 12).to_bytes()
    path = tmp_path / "part.npz"
    path.write_bytes(data)
    assert observations(5, 12).to_bytes() == data == Observations.load(path).to_bytes()
    assert replace(observations(5, 12), damaged=1).to_bytes() != data


@pytest.mark.parametrize(
    ("column", "shape"),
    [
        ("change", (4,)),
        ("boxes", (12, 5)),
        ("boxes", (11, 4)),
        ("boxes", (4,)),
        ("scores", (11,)),
        ("yaw", (11,)),
        ("contrast", (12, 1)),
        ("miniatures", (12, 8)),
        ("scores", (12, 1)),
        ("probabilities", (12, 6)),
        ("probabilities", (0, 7)),
        ("face_frame", (11,)),
        ("pts", (6,)),
    ],
)
def test_columns_that_do_not_fit_are_refused(column: str, shape: tuple[int, ...]) -> None:
    whole = observations(5, 12)
    wrong = np.zeros(shape, getattr(whole, column).dtype)
    with pytest.raises(ValueError, match=r"expected columns of shapes .*, found .*"):
        replace(whole, **{column: wrong})
