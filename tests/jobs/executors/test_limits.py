"""What a unit may cost: memory, disk, pictures, silence; and that it says which limit it met."""

import resource
import sys
from pathlib import Path

import numpy as np
import pytest
from clips import X264, Clip

from jobs.executors.limits import Limits, limit_met, limits_of
from jobs.executors.process_pool import LocalExecutor
from jobs.settings import Settings, choose
from pipeline.errors import FfmpegError, InputError
from pipeline.limits import MediaLimits, limit_media, media_limits
from pipeline.media.decode import DecodeFaults, decode
from pipeline.media.ffmpeg import ffmpeg_exe, run
from pipeline.media.movie import open_movie
from pipeline.media.segments import cut, read_packets

PATIENCE = 120


def take(size: int) -> int:
    return int(np.ones(size, np.uint8).sum())


def fill(path: Path) -> None:
    path.write_bytes(bytes(2_000_000))


def encode_much(path: Path) -> None:
    source = ["-f", "lavfi", "-i", "testsrc=duration=2", "-c:v", "rawvideo", "-f", "nut"]
    run([ffmpeg_exe(), "-hide_banner", "-loglevel", "error", *source, str(path)], path)


def known() -> tuple[int, float]:
    return media_limits().pixels, media_limits().stall_s


@pytest.fixture
def worker(tmp_path: Path):
    made = []

    def make(limits: Limits) -> LocalExecutor:
        made.append(LocalExecutor(1, 1, tmp_path, 600, limits))
        return made[-1]

    yield make
    for executor in made:
        executor.close()


def test_a_worker_keeps_all_limits(worker, tmp_path: Path) -> None:
    limits = Limits(memory=4_000_000_000, file=1_000_000, pixels=1234, stall_s=5)
    executor = worker(limits)
    assert executor.submit(known).result(PATIENCE) == (1234, 5)
    with pytest.raises(OSError, match="too large") as caught:
        executor.submit(fill, tmp_path / "big").result(PATIENCE)
    assert "disk_limit allows, 0.001 GB" in limit_met(caught.value, limits)
    with pytest.raises(FfmpegError, match="File too large") as failed:
        executor.submit(encode_much, tmp_path / "big.nut").result(PATIENCE)
    assert "disk_limit" in limit_met(failed.value, limits)
    if sys.platform == "linux":
        with pytest.raises(MemoryError) as starved:
            executor.submit(take, 5_000_000_000).result(PATIENCE)
        assert "memory_limit allows, 4 GB" in limit_met(starved.value, limits)
    assert executor.submit(take, 1000).result(PATIENCE) == 1000


def test_other_errors_meet_no_limit() -> None:
    assert limit_met(InputError("x: not one frame"), Limits(1, 1)) == ""
    assert limit_met(MemoryError(), Limits()) == ""


def test_this_process_has_no_limit_of_ours() -> None:
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_pictures_larger_than_the_limit_are_refused(tmp_path: Path) -> None:
    film = Clip(".mp4", range(5), options=X264).write(tmp_path / "film")
    movie = open_movie(film)
    segment = cut(movie, read_packets(movie), 30)[0]
    before = media_limits()
    try:
        limit_media(MediaLimits(pixels=1000))
        with pytest.raises(InputError, match=r"64x48, 0\.00307 megapixels; frame_limit allows 0\.001"):
            open_movie(film)
        faults = DecodeFaults()  # a picture that grows on the way
        assert list(decode(movie, segment, faults)) == []
        assert (faults.refused, faults.missing) == (5, 5)
    finally:
        limit_media(before)


def test_settings_say_them(tmp_path: Path) -> None:
    assert limits_of(Settings.model_validate({})) == Limits(16_000_000_000, 100_000_000_000, 135_000_000, 1800)
    file = tmp_path / "moodreel.toml"
    file.write_text("memory_limit = 0\ndisk_limit = 0.5\nframe_limit = 9\nstall_limit = 60\n")
    assert limits_of(choose({}, file).settings) == Limits(0, 500_000_000, 9_000_000, 60)
