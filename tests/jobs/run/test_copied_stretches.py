"""Runs over H.264 movies without faces: what is copied however a run is cut and interrupted, and when it is not."""

from pathlib import Path

import av
import clips
import pytest

from jobs.run import tasks
from jobs.store.workspace import MovieFolder

FILM = clips.Clip(".mp4", pts=range(120), options={**clips.B_FRAMES, "g": "30"})


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return FILM.write(tmp_path_factory.mktemp("film") / "film")


def packets_of(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.size]


def video_in(out: Path, film: Path) -> Path:
    return MovieFolder(out / film.name).video


def test_the_video_has_the_sources_packets_however_it_is_cut(run_here, film, tmp_path):
    for seconds in (1.2, 30):
        out = tmp_path / f"{seconds}"
        assert run_here(film, out=out, segment=seconds)[film.name].status == "done"
        assert packets_of(video_in(out, film)) == packets_of(film)


def test_a_resumed_run_copies_the_same(run_here, film, tmp_path, monkeypatch):
    render, calls = tasks.render_segment, []

    def dies(*arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise OSError("the worker died")
        render(*arguments)

    monkeypatch.setattr(tasks, "render_segment", dies)
    assert run_here(film, out=tmp_path, segment=1.2)[film.name].status == "failed"
    left = MovieFolder(tmp_path / film.name).work
    assert 0 < len(list(left.glob("*/*.mp4"))) < 4
    monkeypatch.setattr(tasks, "render_segment", render)
    assert run_here(film, out=tmp_path, segment=1.2)[film.name].status == "done"
    assert packets_of(video_in(tmp_path, film)) == packets_of(film)


@pytest.mark.parametrize("settings", [{"copies": False}, {"crf": 0}])
def test_all_is_encoded_if_that_is_wanted(run_here, film, tmp_path, settings):
    assert run_here(film, out=tmp_path, **settings)[film.name].status == "done"
    assert not set(packets_of(film)) & set(packets_of(video_in(tmp_path, film)))


def test_nothing_is_copied_of_a_damaged_movie(run_here, film, tmp_path):
    torn = clips.truncated(clips.remuxed(film, tmp_path / "torn.mkv"), 0.9)
    assert run_here(torn, out=tmp_path / "out")[torn.name].status == "partial"
    assert not set(packets_of(torn)) & set(packets_of(video_in(tmp_path / "out", torn)))
