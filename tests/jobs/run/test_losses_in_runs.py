"""What a run says of pictures that are missing, and says again when only the video is made."""

import json
from pathlib import Path

import pytest
from clips import Clip, packets_of, truncated

HEVC = Clip(
    pts=range(20),
    codec="libx265",
    options={"preset": "ultrafast", "x265-params": "log-level=none:keyint=20:bframes=0:scenecut=0"},
    size=(128, 96),
)
AVI = Clip(".avi", range(40), codec="mjpeg", pixels="yuvj420p")


def dropping(folder: Path) -> Path:
    """Write a film whose last three of 20 pictures decoders drop without a word: they lean on what is not there."""
    film = HEVC.write(folder / "film")
    data = bytearray(film.read_bytes())
    for place, _, _ in packets_of(film)[17:]:
        data[place + 4] = 9 << 1  # HEVC's RASL_R, behind an IDR
    film.write_bytes(data)
    return film


def cut_off(folder: Path) -> Path:
    return truncated(AVI.write(folder / "film"), 0.5)


@pytest.mark.parametrize(
    ("make", "reason", "counts"),
    [
        (dropping, "20 frames expected, 17 found", (3, 0)),
        (
            cut_off,
            "the header lists 40 pictures, the data hold {0}; 40 frames expected, {0} found; 1 frames are damaged",
            (0, 40),
        ),
    ],
)
def test_each_picture_that_is_missing_is_said(run_here, tmp_path, make, reason, counts):
    film, out = make(tmp_path), tmp_path / "out"
    for video in ("none", "h264"):
        result = run_here(film, out=out, video=video)[film.name]
        job = json.loads((out / film.name / "job.json").read_text())
        frames = result.summary.frames
        assert (result.status, result.reason) == ("partial", reason.format(frames))
        assert (job["missing"], job["absent"]) == (counts[0], counts[1] and counts[1] - frames)
        assert not run_here(film, out=out, video=video)[film.name].fresh
