"""A still, a scene's still and a clip begin with the frame that is shown at a time, however coarse the clock."""

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from clips import X264, Clip, decoded, grey_of, number_in

from jobs.export.clip import clip_to_file
from jobs.results.stills.scene_stills import SceneStills
from jobs.results.stills.spot_stills import Spot, frame_still
from pipeline.media.movie import Movie, open_movie
from pipeline.media.segments import read_packets

FRAMES = 24
OPTIONS = {**X264, "g": "99"}


def coarse(rate: int, step: int = 1) -> Clip:
    scale = {"video_track_timescale": str(rate)}
    return Clip(".mp4", range(0, FRAMES * step, step), Fraction(1, rate), muxer=scale, options=OPTIONS)


CLOCKS = {
    "tenths": coarse(10),
    "fifteenths": coarse(15),
    "24ths": coarse(24),
    "uneven tenths": coarse(10).but(pts=[k * (k + 1) // 2 for k in range(FRAMES)]),
    "Matroska's ms": Clip(".mkv", range(7000, 7000 + FRAMES * 33, 33), Fraction(1, 1000), options=OPTIONS),
    "90 kHz": coarse(90_000, 3003),
    # Seeking ends at any frame there.
    "transport stream": Clip(".ts", range(0, FRAMES * 3003, 3003), Fraction(1, 90_000), options={**OPTIONS, "g": "10"}),
}


@pytest.fixture(params=CLOCKS)
def movie(request: pytest.FixtureRequest, tmp_path: Path) -> Movie:
    clip = CLOCKS[request.param]
    movie = open_movie(clip.write(tmp_path / "m"))
    assert movie.time_base == clip.time_base
    return read_packets(movie).timed(movie)


def times_of(movie: Movie) -> list[float]:
    return [movie.time_of(frame.pts) for frame in decoded(movie.path) if frame.pts is not None]


def shown_in(jpeg: bytes) -> int:
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert picture is not None
    return number_in(np.asarray(picture, np.uint8))


def test_a_still_is_of_the_frame_that_is_shown(movie: Movie) -> None:
    times = times_of(movie)
    for number in (0, 1, 7, 18):
        begins, ends = times[number], times[number + 1]
        # Pages and tables round to a thousandth.
        for time in (begins, round(begins, 3), *(begins + part * (ends - begins) for part in (0.4, 0.6, 0.9))):
            assert shown_in(frame_still(Spot(movie, time), 64)) == number, f"at {time} s"


def test_a_scenes_still_is_of_the_scene(movie: Movie) -> None:
    times = times_of(movie)
    with SceneStills(movie) as stills:
        for first, behind in ((3, 9), (9, 10), (10, 20)):
            assert shown_in(stills.still_between(times[first], times[behind], 64)) == first
            assert shown_in(stills.still_between(round(times[first], 3), round(times[behind], 3), 64)) == first


def test_a_clip_has_the_frames_of_its_span(movie: Movie, tmp_path: Path) -> None:
    times = times_of(movie)
    first, last = 5, 8
    begin, until = (times[k] + 0.6 * (times[k + 1] - times[k]) for k in (first, last))
    clip = clip_to_file(movie.path, f"{begin:.3f}", f"{until:.3f}", tmp_path / "clip.mp4")
    assert [number_in(grey_of(frame)) for frame in decoded(clip.path)] == [*range(first, last + 1)]
    assert clip.start == pytest.approx(times[first])
