"""How faces are shown: known angles, known blur, and a quality that falls with each fault."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.faces.quality import contrast_of, looks_of, sharpness_of, yaw_of

FRONTAL = np.array([[-15, 0], [15, 0], [0, 15], [-12, 30], [12, 30]], np.float32)


def turned(degrees: float, roll: float = 0.0, scale: float = 1.0) -> NDArray[np.float32]:
    """Return the landmarks ``(1, 5, 2)`` of a face whose nose stands out by half the distance of its eyes."""
    angle, tilt = np.radians(degrees), np.radians(roll)
    depth = np.array([0, 0, 15, 0, 0])
    x = FRONTAL[:, 0] * np.cos(angle) + depth * np.sin(angle)
    points = np.stack([x, FRONTAL[:, 1]], axis=1) * scale
    turn = np.array([[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]])
    return (points @ turn.T + 100).astype(np.float32)[None]


@pytest.mark.parametrize("degrees", [-90, -60, -30, 0, 10, 45, 75, 90])
@pytest.mark.parametrize(("roll", "scale"), [(0, 1), (25, 1), (-80, 0.3), (0, 7)])
def test_yaw_is_the_angle_however_a_face_is_tilted_and_however_large(degrees: float, roll: float, scale: float) -> None:
    assert yaw_of(turned(degrees, roll, scale)) == pytest.approx([degrees], abs=0.5)


def test_no_landmarks_no_yaw() -> None:
    assert np.isnan(yaw_of(np.full((2, 5, 2), np.nan, np.float32))).all()
    assert yaw_of(np.zeros((0, 5, 2), np.float32)).shape == (0,)


def crops() -> NDArray[np.uint8]:
    noise = np.random.default_rng(0).integers(60, 200, (4, 24, 24)).astype(np.uint8)
    return np.stack([np.asarray(cv2.resize(picture, (48, 48)), np.uint8) for picture in noise])


def test_blur_and_enlarging_make_less_sharp_and_contrast_does_not_matter() -> None:
    sharp = crops()
    blurred = np.stack([np.asarray(cv2.GaussianBlur(crop, (0, 0), 2), np.uint8) for crop in sharp])
    small = [cv2.resize(crop, (16, 16), interpolation=cv2.INTER_AREA) for crop in sharp]
    enlarged = np.stack([np.asarray(cv2.resize(crop, (48, 48)), np.uint8) for crop in small])
    flat = (sharp // 2 + 60).astype(np.uint8)
    assert (sharpness_of(blurred) < 0.5 * sharpness_of(sharp)).all()
    assert (sharpness_of(enlarged) < 0.7 * sharpness_of(sharp)).all()
    assert sharpness_of(flat) == pytest.approx(sharpness_of(sharp), rel=0.05)
    assert contrast_of(flat) == pytest.approx(contrast_of(sharp) / 2, rel=0.05)
    black = np.zeros((1, 48, 48), np.uint8)
    assert (sharpness_of(black), contrast_of(black)) == (0, 0)
    assert sharpness_of(black[:0]).shape == contrast_of(black[:0]).shape == (0,)


def quality(size: float = 100, yaw: float = 0, sharpness: float = 0.2, contrast: float = 0.2) -> float:
    box = np.array([[50, 50, 50 + size, 50 + size]], np.float32)
    columns = (np.array([value], np.float32) for value in (yaw, sharpness, contrast))
    looks = looks_of(box, *columns)
    assert looks.size == pytest.approx([size])
    return float(looks.quality[0])


def test_quality_falls_with_each_fault_and_stays_a_probability() -> None:
    assert 0.7 < quality() < 1
    assert quality() > quality(size=30) > quality(size=15) > quality(size=0) > 0
    assert quality() > quality(yaw=45) > quality(yaw=-90)
    assert quality(yaw=45) == quality(yaw=-45)
    assert quality() > quality(sharpness=0.08) > quality(sharpness=0.03) > quality(sharpness=0) > 0
    assert quality() > quality(contrast=0.08) > quality(contrast=0.02) > quality(contrast=0) > 0
    assert quality(yaw=float("nan")) == quality()  # a detector without landmarks


def test_faces_are_picked_and_missing_ones_are_nan() -> None:
    boxes = np.array([[0, 0, 10, 10], [0, 0, 40, 10]], np.float32)
    looks = looks_of(boxes, *np.full((3, 2), 0.2, np.float32))
    picked = looks.picked(np.array([1, -1, 0], np.int32))
    assert picked.size == pytest.approx([20, np.nan, 10], nan_ok=True)
    assert np.isnan(picked.quality).tolist() == [False, True, False]
    assert picked.quality.dtype == np.float32
    none = looks_of(boxes[:0], *np.zeros((3, 0), np.float32)).picked(np.array([-1], np.int32))
    assert np.isnan(none.size).all()
