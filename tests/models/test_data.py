"""FER2013 as arrays, and the batches that training draws from them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.data import Faces, TrainingBatches, load_fer2013, to_input
from models.emotions import EMOTIONS
from models.errors import DatasetError

TRAIN, PUBLIC = 0, 1


def columns(count: int = 10) -> dict[str, Any]:
    """Return FER2013's columns in small: every third row is of the public split; picture k is all k."""
    rows = np.arange(count)
    return {
        "images": np.broadcast_to(rows[:, None, None], (count, 48, 48)).astype(np.uint8),
        "label": (rows % 7).astype(np.uint8),
        "usage": np.where(rows % 3 == 2, PUBLIC, TRAIN).astype(np.uint8),
        "near_dup": rows == 3,
        "not_a_face": rows == 4,
        "label_names": np.array(EMOTIONS),
    }


def write(path: Path, **changes: Any) -> Path:
    np.savez(path, **{name: value for name, value in (columns() | changes).items() if value is not None})
    return path


def faces(count: int) -> Faces:
    pictures = np.random.default_rng(0).integers(0, 256, (count, 48, 48), np.uint8)
    return Faces(pictures, np.arange(count), np.ones(count, bool))


class TestLoad:
    def test_splits(self, tmp_path):
        path = write(tmp_path / "fer.npz")
        train, public = load_fer2013(path, "train"), load_fer2013(path, "public")
        assert train.crops[:, 0, 0].tolist() == [0, 1, 3, 4, 6, 7, 9]
        assert public.crops[:, 0, 0].tolist() == [2, 5, 8]
        assert public.labels.tolist() == [2, 5, 1]
        assert (train.crops.dtype, train.crops.shape) == (np.uint8, (7, 48, 48))
        assert train.labels.dtype == np.int64

    def test_only_clean_leaves_doubtful_rows_out(self, tmp_path):
        train = load_fer2013(write(tmp_path / "fer.npz"), "train")
        assert len(train) == 7
        clean = train.only_clean()
        assert clean.crops[:, 0, 0].tolist() == [0, 1, 6, 7, 9]
        assert clean.labels.tolist() == [0, 1, 6, 0, 2]
        assert clean.clean.all()
        assert len(clean.only_clean()) == 5

    def test_a_split_may_be_empty(self, tmp_path):
        public = load_fer2013(write(tmp_path / "fer.npz", usage=np.zeros(10, np.uint8)), "public")
        assert len(public) == 0
        assert public.crops.shape == (0, 48, 48)

    def test_unknown_split(self, tmp_path):
        with pytest.raises(DatasetError, match="no split is called 'private'; splits: train, public"):
            load_fer2013(tmp_path / "fer.npz", "private")

    def test_no_file(self, tmp_path):
        with pytest.raises(DatasetError, match=r"fer\.npz: no such file"):
            load_fer2013(tmp_path / "fer.npz", "train")

    @pytest.mark.parametrize("column", columns())
    def test_a_missing_column_is_named(self, tmp_path, column):
        with pytest.raises(DatasetError, match=rf"fer\.npz: expected .*{column}"):
            load_fer2013(write(tmp_path / "fer.npz", **{column: None}), "train")

    def test_another_order_of_emotions(self, tmp_path):
        path = write(tmp_path / "fer.npz", label_names=np.array(EMOTIONS[::-1]))
        with pytest.raises(DatasetError, match=r"expected the labels \('angry', .* found \('neutral', "):
            load_fer2013(path, "train")

    def test_text(self, tmp_path):
        path = tmp_path / "fer.npz"
        path.write_text("emotion,pixels,Usage\n")
        with pytest.raises(DatasetError, match=r"fer\.npz: expected FER2013 as npz"):
            load_fer2013(path, "train")

    @pytest.mark.filterwarnings("ignore::ResourceWarning")  # numpy leaves a torn file open
    @pytest.mark.parametrize("what", ["empty", "torn", "npy"])
    def test_other_files_that_are_no_npz(self, tmp_path, what):
        path = write(tmp_path / "fer.npz")
        if what == "npy":
            with path.open("wb") as file:
                np.save(file, np.zeros(3))
        else:
            path.write_bytes(b"" if what == "empty" else path.read_bytes()[:5000])
        try:
            load_fer2013(path, "train")
        except Exception as error:  # not raises(): that would keep the open file for longer than its warning is ignored
            found = type(error).__name__
        assert found == "DatasetError"


def test_to_input_scales_to_0_1():
    crops = np.array([0, 51, 255], np.uint8)[:, None, None] * np.ones((1, 48, 48), np.uint8)
    found = to_input(crops)
    assert (found.dtype, found.shape) == (np.float32, (3, 48, 48, 1))
    np.testing.assert_array_equal(found[:, 7, 9, 0], np.array([0, 0.2, 1], np.float32))
    assert to_input(crops[:0]).shape == (0, 48, 48, 1)


class TestBatches:
    def test_every_row_once_an_epoch(self):
        batches = TrainingBatches(faces(150), batch_size=64, seed=1)
        for _ in range(2):
            labels = [batches[index][1] for index in range(len(batches))]
            assert [len(part) for part in labels] == [64, 64, 22]
            assert sorted(np.concatenate(labels)) == list(range(150))
            batches.on_epoch_end()

    def test_shape_type_and_range(self):
        crops, labels = TrainingBatches(faces(5), batch_size=4, seed=1)[0]
        assert (crops.dtype, crops.shape) == (np.float32, (4, 48, 48, 1))
        assert (labels.dtype, labels.shape) == (np.int64, (4,))
        assert crops.min() >= 0
        assert crops.max() <= 1

    def test_seed_and_epoch_alone_decide(self):
        def batch(seed: int, epoch: int, first_epoch: int = 0, index: int = 1) -> tuple[Any, Any]:
            batches = TrainingBatches(faces(20), batch_size=8, seed=seed, first_epoch=first_epoch)
            for _ in range(epoch - first_epoch):
                batches.on_epoch_end()
            return batches[index]

        crops, labels = batch(seed=1, epoch=2)
        for same in (batch(seed=1, epoch=2), batch(seed=1, epoch=2, first_epoch=2)):
            np.testing.assert_array_equal(same[0], crops)
            np.testing.assert_array_equal(same[1], labels)
        for other in (batch(seed=2, epoch=2), batch(seed=1, epoch=3)):
            assert not np.array_equal(other[1], labels)
            assert not np.array_equal(other[0], crops)

    def test_reading_a_batch_again_gives_the_same(self):
        batches = TrainingBatches(faces(20), batch_size=8, seed=1)
        late = batches[2]
        np.testing.assert_array_equal(batches[0][0], batches[0][0])
        np.testing.assert_array_equal(batches[2][0], late[0])

    def test_some_are_mirrored_and_all_stay_recognizable(self):
        ramp = np.broadcast_to(np.linspace(0, 255, 48).astype(np.uint8), (200, 48, 48)).copy()
        batches = TrainingBatches(Faces(ramp, np.zeros(200, np.int64), np.ones(200, bool)), batch_size=200, seed=3)
        crops = batches[0][0][..., 0]
        slopes = crops[:, :, 36:].mean(axis=(1, 2)) - crops[:, :, :12].mean(axis=(1, 2))
        assert 70 < (slopes < 0).sum() < 130
        assert (abs(slopes) > 0.5).all()
        assert len(np.unique(crops.round(3), axis=0)) > 190

    def test_no_faces_no_batches(self):
        assert len(TrainingBatches(faces(0), batch_size=8, seed=1)) == 0

    def test_leaves_the_crops_alone(self):
        some = faces(8)
        before = some.crops.copy()
        _ = TrainingBatches(some, batch_size=8, seed=1)[0]
        np.testing.assert_array_equal(some.crops, before)
