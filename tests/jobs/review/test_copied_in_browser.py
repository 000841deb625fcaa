"""A video of copied and encoded stretches in a real browser: each frame is there, to both sides of each joint."""

import base64
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from browser import Visit, chromium, until
from clips import B_FRAMES, Clip, number_in
from playwright.sync_api import Page

from jobs.run import tasks
from jobs.store.workspace import MovieFolder
from pipeline.video.copies import Copies

GROUP, GROUPS = 30, 6
FILM = Clip(".mp4", range(GROUP * GROUPS), size=(160, 120), options={**B_FRAMES, "g": str(GROUP)})
JOINTS = range(GROUP, GROUP * GROUPS, GROUP)
_LUMA = """video => {
    const { videoWidth: width, videoHeight: height } = video;
    const copy = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
    copy.drawImage(video, 0, 0);
    const { data } = copy.getImageData(0, 0, width, height);
    return btoa(String.fromCharCode(...data.filter((_, place) => place % 4 === 1)));
}"""


def number_shown(page: Page) -> int:
    green = np.frombuffer(base64.b64decode(page.locator("#video").evaluate(_LUMA)), np.uint8)
    return number_in(green.reshape(120, 160))


@pytest.fixture
def results(run_here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Results with a video of which every other group of pictures is copied."""
    film, plan = FILM.write(tmp_path / "film"), tasks.plan_copies
    monkeypatch.setattr(tasks, "plan_copies", lambda *arguments: Copies(plan(*arguments).stretches[::2]))
    out = tmp_path / "out"
    assert run_here(film, out=out, segment=2)[film.name].status == "done"
    film.unlink()  # so that the page shows the annotated video
    assert MovieFolder(out / film.name).video.is_file()
    return out


def test_it_is_sought_and_played_across_joints(results: Path, serve: Callable[[Path], str]) -> None:
    with chromium() as browser, Visit(browser) as visit:
        page = visit.page
        page.goto(f"{serve(results)}movie/film.mp4")
        until(page, "document.getElementById('video').readyState >= 2")
        for number in (joint + step for joint in JOINTS for step in (1, -1, 0)):
            page.evaluate(f"document.getElementById('video').currentTime = {(number + 0.5) / 25}")
            until(page, "!document.getElementById('video').seeking && document.getElementById('video').readyState >= 2")
            until_shown(page, number)
        page.evaluate("document.getElementById('video').playbackRate = 8")
        page.evaluate("document.getElementById('video').currentTime = 0")
        page.evaluate("document.getElementById('video').play()")
        until(page, "document.getElementById('video').ended")
        assert page.evaluate("document.getElementById('video').error") is None
        assert page.evaluate("document.getElementById('video').getVideoPlaybackQuality().corruptedVideoFrames") == 0
        assert visit.complaints == []


def until_shown(page: Page, number: int) -> None:
    """Wait until a picture is on screen; a browser shows it a moment after it has found it."""
    for _ in range(100):
        if number_shown(page) == number:
            return
        page.wait_for_timeout(20)
    assert number_shown(page) == number
