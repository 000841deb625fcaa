"""The batches that training draws."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from labelled import faces

from models.data.augment import Augmentation
from models.data.batches import TrainingBatches
from models.data.distillation_targets import DistillationTargets, Teaching
from models.data.faces import Faces, faces_of, to_input

STRONG = Augmentation(size=40, rotation=12, scale=0.2, shift=3, light=0.4, blur=0.5, erase=0.5)


def batches(some: Faces, batch_size: int = 8, seed: int = 1, first_epoch: int = 0) -> TrainingBatches:
    return TrainingBatches(some, batch_size, seed, STRONG, first_epoch=first_epoch)


def numbered(count: int) -> Faces:
    """Return faces whose votes are the binary digits of their row."""
    bits = (np.arange(count)[:, None] >> np.arange(10)) & 1
    return replace(faces(count), votes=bits.astype(np.float32))


def test_to_input_scales_to_0_1():
    crops = np.array([0, 51, 255], np.uint8)[:, None, None] * np.ones((1, 48, 48), np.uint8)
    found = to_input(crops)
    assert (found.dtype, found.shape) == (np.float32, (3, 48, 48, 1))
    np.testing.assert_array_equal(found[:, 7, 9, 0], np.array([0, 0.2, 1], np.float32))
    assert to_input(crops[:0]).shape == (0, 48, 48, 1)


class TestBatches:
    def test_every_row_once_an_epoch(self):
        drawn = TrainingBatches(numbered(150), 64, 1, STRONG, outputs=("emotion", "votes"))
        for _ in range(2):
            parts = [drawn[index][1]["votes"] for index in range(len(drawn))]
            assert [len(part) for part in parts] == [64, 64, 22]
            assert sorted(np.concatenate(parts) @ (1 << np.arange(10))) == list(range(150))
            drawn.on_epoch_end()

    def test_shape_type_and_range(self):
        crops, targets, weights = batches(faces(5), batch_size=4)[0]
        assert (crops.dtype, crops.shape) == (np.float32, (4, 40, 40, 1))
        assert targets["emotion"].shape == (4, 7)
        assert list(weights) == ["emotion"]
        assert crops.min() >= 0
        assert crops.max() <= 1

    def test_seed_and_epoch_alone_decide(self):
        def batch(seed: int, epoch: int, first_epoch: int = 0, index: int = 1) -> tuple[Any, Any]:
            drawn = batches(faces(20), seed=seed, first_epoch=first_epoch)
            for _ in range(epoch - first_epoch):
                drawn.on_epoch_end()
            return drawn[index][0], drawn[index][1]["emotion"]

        crops, labels = batch(seed=1, epoch=2)
        for same in (batch(seed=1, epoch=2), batch(seed=1, epoch=2, first_epoch=2)):
            np.testing.assert_array_equal(same[0], crops)
            np.testing.assert_array_equal(same[1], labels)
        for other in (batch(seed=2, epoch=2), batch(seed=1, epoch=3)):
            assert not np.array_equal(other[0], crops)

    def test_smoothing_moves_a_part_of_each_label(self):
        _, targets, _ = TrainingBatches(faces(7), 7, 1, Augmentation(), smoothing=0.1)[0]
        np.testing.assert_allclose(targets["emotion"].sum(axis=1), 1, rtol=1e-6)
        np.testing.assert_allclose(targets["emotion"].max(axis=1), 0.9 + 0.1 / 7, rtol=1e-6)

    def test_rows_without_votes_weigh_nothing(self):
        _, targets, weights = TrainingBatches(numbered(4), 4, 1, Augmentation(), outputs=("emotion", "votes"))[0]
        assert sorted(weights["votes"]) == [0, 1, 1, 1]
        assert (weights["votes"] == targets["votes"].any(axis=1)).all()
        assert weights["emotion"].tolist() == [1, 1, 1, 1]

    def test_some_are_mirrored_and_all_stay_recognizable(self):
        ramp = np.broadcast_to(np.linspace(0, 255, 48).astype(np.uint8), (200, 48, 48)).copy()
        crops = batches(faces_of(ramp, np.zeros(200, np.int64)), batch_size=200, seed=3)[0][0][..., 0]
        slopes = crops[:, :, 30:].mean(axis=(1, 2)) - crops[:, :, :10].mean(axis=(1, 2))
        assert 70 < (slopes < 0).sum() < 130
        assert (abs(slopes) > 0.2).all()
        assert len(np.unique(crops.round(3), axis=0)) > 190

    def test_no_faces_no_batches(self):
        assert len(batches(faces(0))) == 0

    def test_leaves_the_crops_alone(self):
        some = faces(8)
        before = some.crops.copy()
        _ = batches(some)[0]
        np.testing.assert_array_equal(some.crops, before)


class TestAugmentation:
    CROP = np.random.default_rng(0).integers(100, 140, (48, 48), np.uint8)

    def test_nothing_but_mirroring_by_default(self):
        for seed in range(10):
            found = Augmentation().apply(self.CROP, np.random.default_rng(seed))
            assert any(np.array_equal(found, same) for same in (self.CROP, self.CROP[:, ::-1]))

    def test_a_smaller_size_is_a_window_of_the_middle(self):
        found = Augmentation(size=40).apply(self.CROP, np.random.default_rng(0))
        middle = self.CROP[4:44, 4:44]
        assert any(np.array_equal(found, same) for same in (middle, middle[:, ::-1]))

    def test_light_changes_mean_and_contrast(self):
        found = np.array([Augmentation(light=0.5).apply(self.CROP, np.random.default_rng(k)) for k in range(100)])
        assert found.mean(axis=(1, 2)).std() > 15
        assert found.std(axis=(1, 2)).std() > 1

    def test_erasing_leaves_most_of_the_crop(self):
        for seed in range(30):
            found = Augmentation(erase=1.0).apply(self.CROP, np.random.default_rng(seed))
            same = max((found == crop).mean() for crop in (self.CROP, self.CROP[:, ::-1]))
            assert 0.75 < same < 1

    @pytest.mark.parametrize("seed", range(3))
    def test_blur_takes_detail_away(self, seed):
        found = Augmentation(blur=1.0).apply(self.CROP, np.random.default_rng(seed))
        assert found.std() < self.CROP.std()


@pytest.mark.parametrize("hints", [0, 5])
def test_teachers_have_their_share_of_the_target(hints):
    some, rng = numbered(20), np.random.default_rng(0)
    probabilities, features = rng.dirichlet(np.ones(7), 20), rng.normal(size=(20, hints))
    teaching = Teaching(share=0.25, hints=hints, weight=1.0)
    said = DistillationTargets(teaching, probabilities.astype(np.float32), features.astype(np.float32))
    outputs = ("emotion", "votes", "hints") if hints else ("emotion", "votes")
    drawn = TrainingBatches(some, 6, 3, Augmentation(), outputs, 0.1, distillation=said)
    alone = TrainingBatches(some, 6, 3, Augmentation(), ("emotion", "votes"), 0.1)
    for index in range(len(drawn)):
        (_, targets, weights), (_, plain, _) = drawn[index], alone[index]
        rows = (targets["votes"] @ (1 << np.arange(10))).astype(int)
        expected = 0.75 * plain["emotion"] + 0.25 * said.probabilities[rows]
        np.testing.assert_allclose(targets["emotion"], expected, atol=1e-6)
        np.testing.assert_array_equal(targets["votes"], plain["votes"])
        assert targets["emotion"].dtype == np.float32
        assert set(targets) == set(weights) == set(outputs)
        if hints:
            np.testing.assert_array_equal(targets["hints"], said.hints[rows])
