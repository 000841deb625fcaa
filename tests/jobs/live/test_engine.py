"""A session without a page: pace, drops, ends, recordings."""

import json
import time

import av
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from clips import X264, Clip
from sessions import PATIENCE_S, facts, free_port, is_listened_on, session, streaming, until

from jobs.errors import SourceError
from jobs.live.command import _Finisher
from jobs.live.engine import Engine
from jobs.live.pages import blank_jpeg
from jobs.live.record.recorder import Recorder
from jobs.live.record.recording import unfinished
from jobs.live.source import choose_live_source
from jobs.settings import Settings
from jobs.store.workspace import Workspace
from pipeline import schema


def test_a_file_plays_at_its_own_pace_and_ends(make_analyst, tmp_path):
    path = Clip(pts=range(50)).write(tmp_path / "clip")  # 2 s
    begun = time.monotonic()
    with session(path, make_analyst) as live:
        until(lambda: live.engine.status.state.name == "ended")
        assert time.monotonic() - begun > 49 / 25  # not sooner; how much later is the machine's business
        assert live.engine.wait(PATIENCE_S)
        view = live.engine.views.newest()[1]
    assert view.analysed is not None
    assert view.analysed.time == pytest.approx(49 / 25, abs=1e-4)  # the last picture is shown however late it is
    assert view.jpeg.startswith(b"\xff\xd8")


def test_a_recording_is_a_movie_of_ours(make_analyst, face_clip, tmp_path):
    with session(face_clip, make_analyst, record=tmp_path) as live:
        assert live.engine.wait(PATIENCE_S)
        assert live.recorder is not None
        made = live.recorder.make_results()
    assert made is not None
    folder, result = made
    assert result.status == "done"
    table = pq.read_table(folder / "timeline.parquet")
    assert table.schema.remove_metadata().equals(schema.TIMELINE)
    timeline = table.to_pandas()
    with av.open(str(folder / "annotated.mp4")) as container:
        stream = container.streams.video[0]
        times = np.array([float(frame.pts * stream.time_base) for frame in container.decode(stream)])
        assert stream.codec_context.name == "h264"
    shown = timeline.drop_duplicates("frame")
    assert np.abs(times - shown.time).max() < 1e-6
    # The source's own times, not a frame rate's; where a picture was skipped, the sum of its gaps.
    source = np.cumsum([0, *[40, 40, 80, 120, 40, 60] * 5]) / 1000
    assert any(set((times + first).round(4)) <= set(source.round(4)) for first in source[:3])
    assert len(times) >= 10  # on a machine that has much else to do
    faces = timeline[timeline.track.notna()]
    assert len(faces) >= 5
    assert 0 in set(faces.track)  # and others, if so many pictures were skipped that the face was lost in between
    seen = faces[faces.score.notna()]
    assert seen[list(schema.EMOTIONS)].sum(axis=1).to_numpy() == pytest.approx(1, abs=1e-3)
    assert {"tracks.parquet", "shots.parquet", "scenes.parquet", "scenes.csv", "job.json", "report.html"} <= {
        path.name for path in folder.iterdir()
    }
    assert not (folder / ".live").exists()
    data = (folder / "annotated.mp4").read_bytes()
    assert 0 < data.find(b"moov") < data.find(b"mdat")  # a browser can play it from its first bytes on
    assert json.loads((folder / "job.json").read_text())["source"] == "live: test"
    assert pd.read_parquet(tmp_path / "movies.parquet").status.tolist() == ["done"]


def test_a_killed_recording_is_finished_by_the_next_session(make_analyst, face_clip, tmp_path):
    with session(face_clip, make_analyst, record=tmp_path) as live:
        assert live.engine.wait(PATIENCE_S)  # as if killed here: pieces are committed, results are not made
    (recording,) = unfinished(Workspace(tmp_path))
    result = recording.finish(Workspace(tmp_path), "killed")
    assert result is not None
    assert (result.status, result.reason) == ("partial", "killed")
    assert (result.summary.faces or 0) > 0
    assert list(unfinished(Workspace(tmp_path))) == []


def test_the_recording_of_a_session_that_failed_is_partial(make_analyst, face_clip, tmp_path):
    class Failing:
        def __init__(self, analyst):
            self.analyst, self.left = analyst, 8

        def analyse(self, captured):
            self.left -= 1
            if self.left < 0:
                raise RuntimeError("made to fail")
            return self.analyst.analyse(captured)

    workspace = Workspace(tmp_path / "out")
    recorder = Recorder(workspace, Settings.model_validate({}), facts)
    engine = Engine(choose_live_source(str(face_clip)), lambda: Failing(make_analyst()), blank_jpeg(), recorder)
    engine.start()
    until(lambda: engine.wait(0.1))
    _Finisher(engine, recorder).run()
    with pytest.raises(RuntimeError, match="made to fail"):
        engine.raise_failure()
    (job,) = workspace.job_files()
    assert (job.status, job.reason, job.summary.frames) == ("partial", "the session failed: made to fail", 8)


def test_a_source_that_was_never_there_is_an_error_at_the_start(make_analyst):
    engine = Engine(choose_live_source("http://127.0.0.1:9/"), make_analyst, blank_jpeg())
    with pytest.raises(SourceError, match="Connection refused"):
        engine.start()
    engine.stop()


def test_a_stream_that_drops_is_reconnected(make_analyst, tmp_path):
    path = Clip(pts=range(250), suffix=".ts", size=(160, 120), options=X264).write(tmp_path / "clip")
    port = free_port()
    with streaming(path, port) as first:
        until(lambda: is_listened_on(port))
        with session(f"http://127.0.0.1:{port}/", make_analyst) as live:
            until(lambda: live.engine.views.newest()[0] > 10)
            first.kill()
            until(lambda: live.engine.status.state.name in ("lost", "reconnecting"))
            seen, view = live.engine.views.newest()
            with streaming(path, port):
                until(lambda: live.engine.views.newest()[0] > seen + 10)
                assert live.engine.status.state.name == "live"
                later = live.engine.views.newest()[1]
    assert view.analysed is not None
    assert later.analysed is not None
    assert later.analysed.time > view.analysed.time
    assert later.analysed.shot > view.analysed.shot  # whatever is seen now need not be what was seen before


def test_an_error_in_a_thread_reaches_the_caller(sample):
    calls: list[str] = []

    def make_analyst():
        raise SourceError("no network today")

    engine = Engine(choose_live_source(str(sample)), make_analyst, blank_jpeg())
    engine.start(on_failure=lambda: calls.append("failed"))
    until(lambda: calls == ["failed"])
    engine.stop()
    with pytest.raises(SourceError, match="no network today"):
        engine.raise_failure()
