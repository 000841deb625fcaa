"""Stills of spans of a movie: of key frames where there are any, else of frames decoded from the last one on."""

from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from jobs.results.errors import NotFoundError
from jobs.results.stills.scene_stills import SceneStills
from pipeline.media.movie import open_movie

GREYS = (40, 80, 120, 160, 200)
"""One a second."""

RATE = 8


def film(path: Path, keyframe_every: int) -> Path:
    """Encode a second of each grey, with B-frames, and key frames only where wanted."""
    with av.open(str(path), "w") as sink:
        video = sink.add_stream("libx264", rate=RATE)
        video.width, video.height, video.pix_fmt = 320, 180, "yuv420p"
        video.options = {"g": str(keyframe_every), "sc_threshold": "0", "bf": "2", "crf": "10"}
        for grey in GREYS:
            for _ in range(RATE):
                picture = np.full((180, 320, 3), grey, np.uint8)
                sink.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        sink.mux(video.encode(None))
    return path


def grey_of(jpeg: bytes) -> float:
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert picture.shape == (90, 160, 3)
    return float(picture.mean())


@pytest.mark.parametrize("keyframe_every", [1, RATE, 3 * RATE, 1000])
@pytest.mark.parametrize("seconds", [range(5), (4, 0, 2, 1), (1, 1, 3)])
def test_a_still_shows_its_span(tmp_path: Path, keyframe_every: int, seconds: tuple[int, ...]) -> None:
    with SceneStills(open_movie(film(tmp_path / "film.mkv", keyframe_every))) as stills:
        for second in seconds:
            still = stills.still_between(second, second + 1, 160)
            assert grey_of(still) == pytest.approx(GREYS[second], abs=4)


def test_a_span_after_the_end_has_the_last_frame(tmp_path: Path) -> None:
    with SceneStills(open_movie(film(tmp_path / "film.mp4", 1000))) as stills:
        assert grey_of(stills.still_between(7, 8, 160)) == pytest.approx(GREYS[-1], abs=4)


def test_a_missing_movie_is_named(tmp_path: Path) -> None:
    path = film(tmp_path / "film.mp4", RATE)
    movie = open_movie(path)
    path.unlink()
    with pytest.raises(NotFoundError, match=r"film\.mp4"):
        SceneStills(movie)


def test_a_truncated_movie_gives_what_is_there(tmp_path: Path) -> None:
    path = film(tmp_path / "film.mkv", 1000)
    movie = open_movie(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with SceneStills(movie) as stills:
        assert grey_of(stills.still_between(0, 1, 160)) == pytest.approx(GREYS[0], abs=4)
