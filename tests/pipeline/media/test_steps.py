"""Steps of a file's clock: the same frames wherever the movie is cut, and what is said of them."""

import random
import zlib
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import odd_timing as odd
import pytest
from shared_data import MOVIES

from pipeline.media.decode import DecodeFaults, decode
from pipeline.media.movie import Movie, open_movie
from pipeline.media.segments import FIRST_PTS, LAST_PTS, Segment, cut, read_packets
from pipeline.media.timing.clock import PLAIN, Discontinuity, FileClock
from pipeline.media.timing.steps import StepFinder

FRAME = 3600
VIDEO, SOUND = 0, 1


def frames(movie: Movie, segments: list[Segment]) -> list[tuple[int, int]]:
    faults = DecodeFaults()
    found = [(f.pts, zlib.crc32(f.picture.to_ndarray().tobytes())) for s in segments for f in decode(movie, s, faults)]
    assert (str(faults), faults.missing) == ("", 0)
    return found


@pytest.mark.parametrize(("suffix", "starts"), [("ts", [5, 1005, 3000]), ("ts", [1000, 0]), ("flv", [0, 50])])
def test_frames_are_the_same_wherever_a_movie_is_cut(tmp_path: Path, suffix: str, starts: list[float]) -> None:
    movie = open_movie(odd.joined(tmp_path, suffix, starts))
    packets = read_packets(movie)
    movie = packets.timed(movie)
    whole = frames(movie, [Segment(0, FIRST_PTS, LAST_PTS, 0)])
    assert [pts for pts, _ in whole] == list(packets.pts)
    rng = random.Random(3)
    for _ in range(4):
        inside = range(packets.pts[0] - 1, packets.pts[-1] + 2)
        borders = [FIRST_PTS, *sorted(rng.sample(inside, 4)), LAST_PTS]
        assert frames(movie, [Segment(k, a, b, 0) for k, (a, b) in enumerate(pairwise(borders))]) == whole
    segments = cut(movie, packets, 0.1)
    assert frames(movie, segments) == whole
    joints = {joint for segment in segments for joint in (segment.start, *segment.joints)}
    assert {step.pts for step in packets.clock.discontinuities} <= joints


def test_a_film_whose_clock_only_rises_is_still_cut(tmp_path: Path) -> None:
    movie = open_movie(odd.joined(tmp_path, "ts", [5, 1005, 3000]))
    assert len(cut(movie, read_packets(movie), 0.1)) > 2


class Stream:
    """Packets of 40 ms on a clock of 90 kHz, fed to a finder."""

    def __init__(self, may_step: bool = True) -> None:
        self.finder = StepFinder(may_step)
        self.finder.add_stream(VIDEO, "video", Fraction(1, 90_000))
        self.finder.add_stream(SOUND, "audio", Fraction(1, 90_000))
        self.pts: list[list[int]] = []

    def run(self, start: float, seconds: float, streams: tuple[int, ...] = (VIDEO, SOUND)) -> "Stream":
        for number in range(round(seconds * 25)):
            pts = round(start * 90_000) + number * FRAME
            for stream in streams:
                place = self.finder.add(stream, pts, pts, FRAME)
                if stream == VIDEO:
                    while len(self.pts) <= place:
                        self.pts.append([])
                    self.pts[place].append(pts)
        return self

    def clock(self) -> FileClock:
        return self.finder.joined(VIDEO, self.pts, FRAME)[0]


def shifts(clock: FileClock, stream: int) -> list[float]:
    return [round(float(piece.shift), 2) for piece in clock.of_stream(stream)]


def test_a_clock_that_runs_on_is_left_alone() -> None:
    assert Stream().run(10, 5).clock() == PLAIN
    assert Stream().run(10, 2).run(19, 2).clock() == PLAIN  # 7 s: the signal was lost


def test_picture_and_sound_are_moved_alike() -> None:
    clock = Stream().run(100, 2).run(0, 2).run(50, 1).clock()
    assert shifts(clock, VIDEO) == shifts(clock, SOUND) == [0, 102, 54]
    assert [step.step for step in clock.discontinuities] == [-102, 48]


def test_sound_that_goes_on_makes_a_gap_display_time() -> None:
    clock = Stream().run(0, 1).run(1, 50, (SOUND,)).run(51, 1).clock()
    assert clock == PLAIN


def test_a_gap_of_the_sound_alone_is_none() -> None:
    assert Stream().run(0, 1).run(1, 50, (VIDEO,)).run(51, 1).clock() == PLAIN


def test_a_restart_of_the_pictures_alone_leaves_the_sound() -> None:
    finder = Stream()
    finder.run(100, 1)
    for number in range(50):
        finder.run(number / 25, 0.04, (VIDEO,)).run(101 + number / 25, 0.04, (SOUND,))
    clock = finder.clock()
    assert shifts(clock, VIDEO) == [0, 101]
    assert shifts(clock, SOUND) == []


def test_a_restart_of_the_sound_alone_leaves_the_pictures() -> None:
    finder = Stream()
    finder.run(100, 1)
    for number in range(50):
        finder.run(number / 25, 0.04, (SOUND,)).run(101 + number / 25, 0.04, (VIDEO,))
    clock = finder.clock()
    assert shifts(clock, SOUND) == [0, 101]
    assert (clock.discontinuities, clock.sound_steps) == ((), 1)
    assert clock.remark() == "the clock of the sound steps once; the sound was joined there"


def test_stills_of_a_silent_film_last_where_clocks_do_not_step() -> None:
    assert Stream(may_step=False).run(0, 1, (VIDEO,)).run(41, 1, (VIDEO,)).clock() == PLAIN
    assert len(Stream(may_step=False).run(0, 1, (VIDEO,)).run(1001, 1, (VIDEO,)).clock().discontinuities) == 1
    assert len(Stream(may_step=True).run(0, 1, (VIDEO,)).run(41, 1, (VIDEO,)).clock().discontinuities) == 1


def test_what_is_said_of_steps() -> None:
    steps = [Discontinuity(k, Fraction(s)) for k, s in enumerate([-3, 1000, 94_000, 5])]
    assert FileClock(discontinuities=tuple(steps[:1])).remark() == (
        "the file's clock steps once (back by 3.0 s); picture and sound were joined there"
    )
    assert FileClock(discontinuities=tuple(steps)).remark() == (
        "the file's clock steps 4 times (back by 3.0 s, forward by 1000.0 s, forward by 26.1 h, ...); "
        "picture and sound were joined there"
    )


@pytest.mark.parametrize(
    ("name", "count", "seconds", "steps"),
    [
        ("theora_duplicate_frames.ogv", 80, 5.0, []),
        ("camera_timelapse_exif.mov", 20, 0.8, []),
        ("ts_clock_restarts_audio.ts", 150, 6.0, [75]),
        ("recorder_restarted.ts", 96, 8.0, [48]),
        ("starts_at_10s.mkv", 75, 3.0, []),
    ],
)
def test_inputs_of_the_field(name: str, count: int, seconds: float, steps: list[int]) -> None:
    if not (MOVIES / "field" / name).exists():
        pytest.skip("the collection of real movies is not beside this repository")
    movie = open_movie(MOVIES / "field" / name)
    packets = read_packets(movie)
    movie = packets.timed(movie)
    found = frames(movie, cut(movie, packets, 1))
    assert len(found) == packets.count == count
    assert packets.fault == ""
    assert float((found[-1][0] - found[0][0]) * movie.time_base) == pytest.approx(seconds, abs=0.1)
    assert [[pts for pts, _ in found].index(step.pts) for step in packets.clock.discontinuities] == steps
