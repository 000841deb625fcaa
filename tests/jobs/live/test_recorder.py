"""Recordings have one row per frame, whatever fails while they are made."""

from collections.abc import Callable
from pathlib import Path

import av
import av.error
import numpy as np
import pytest
import sessions
from clips import X264, Clip

from jobs.errors import JobError
from jobs.live.analysis import Analysed, Painter
from jobs.live.capture import Captured
from jobs.live.clock import TIME_BASE
from jobs.live.record import recorder as module
from jobs.live.record.piece import Rows
from jobs.live.record.recorder import Recorder
from jobs.live.record.recording import unfinished
from jobs.live.source import choose_live_source, connect
from jobs.settings import Settings
from jobs.store.workspace import Workspace
from pipeline.errors import FfmpegError
from pipeline.faces.quality import Looks
from pipeline.faces.track import Sightings
from pipeline.video.render import PartWriter

NO_LOOKS = Looks(*np.zeros((4, 0), np.float32))
PIECE_S = 0.19  # 5 frames


def no_faces() -> Sightings:
    nothing, none = np.zeros(0, np.int32), np.zeros(0, np.float32)
    return Sightings(nothing, nothing, nothing, np.zeros((0, 4), np.float32), np.zeros((0, 7), np.float32), none)


@pytest.fixture
def record(tmp_path: Path) -> Callable[[], Recorder]:
    """Return what records 25 pictures, one every 40 ms, in pieces of 5; it raises what the recorder raises."""
    clip = Clip(pts=range(25), size=(64, 48), options=X264).write(tmp_path / "clip")
    made = Recorder(Workspace(tmp_path / "out"), Settings.model_validate({}), sessions.facts, PIECE_S)

    def run() -> Recorder:
        try:
            with connect(choose_live_source(str(clip))) as connection:
                painter = Painter(connection.movie)
                for number, picture in enumerate(connection.pictures()):
                    pts = round(number / 25 / TIME_BASE)
                    captured = Captured(pts, picture.frame, connection.movie, 1, 0.0)
                    nothing = np.zeros((0, 7), np.float32)
                    analysed = Analysed(number, pts, 0, no_faces(), np.zeros(0, np.float32), nothing, NO_LOOKS)
                    made.add(connection.movie, analysed, painter.paint(captured, analysed))
        finally:
            made.finish()
        return made

    return run


def counts(out: Path) -> list[tuple[int, int]]:
    """Return rows and frames of every committed piece."""
    found = []
    for table in sorted(out.glob("*/.live/*.npz")):
        with av.open(str(table.with_suffix(".mp4"))) as container:
            frames = sum(1 for _ in container.decode(video=0))
        found.append((len(Rows.load(table).pts), frames))
    return found


def test_every_piece_has_a_row_per_frame(record, tmp_path):
    record()
    assert counts(tmp_path / "out") == [(5, 5)] * 5


@pytest.mark.parametrize("encoded_first", [False, True])
def test_an_encoder_that_fails_costs_its_piece_alone(record, tmp_path, monkeypatch, encoded_first):
    class FailingWriter(PartWriter):
        def write(self, picture, pts):
            if round(pts * TIME_BASE * 25) == 12 and not encoded_first:
                raise av.error.FFmpegError(22, "made to fail")
            super().write(picture, pts)
            if round(pts * TIME_BASE * 25) == 12:
                raise av.error.FFmpegError(22, "made to fail")

    monkeypatch.setattr(module, "PartWriter", FailingWriter)
    with pytest.raises(FfmpegError, match=r"the recording cannot be encoded: .*made to fail"):
        record()
    assert counts(tmp_path / "out") == [(5, 5)] * 2
    workspace = Workspace(tmp_path / "out")
    (recording,) = unfinished(workspace)
    result = recording.finish(workspace, "the encoder failed")
    assert result is not None
    assert result.summary.frames == 10
    with av.open(str(recording.folder.video)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 10


def test_a_piece_whose_video_was_committed_without_its_rows_does_not_count(record, tmp_path):
    """As after a kill between the two: the rows come last."""
    record()
    last = max((tmp_path / "out").glob("*/.live/*.npz"))
    last.unlink()
    workspace = Workspace(tmp_path / "out")
    (recording,) = unfinished(workspace)
    result = recording.finish(workspace, "killed")
    assert result is not None
    assert result.summary.frames == 20
    with av.open(str(recording.folder.video)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 20


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"movie": {}, "facts": {}}', '{"movie": 3, "facts": null}', b"\xff"]
)
def test_a_description_that_is_broken_stops_no_other(record, tmp_path, content):
    record()
    broken = tmp_path / "out" / "live-20200101T000000Z" / ".live"
    broken.mkdir(parents=True)
    (broken / "000000.mp4").write_bytes(b"pictures")
    (broken / "recording.json").write_bytes(content.encode() if isinstance(content, str) else content)
    lines: list[str] = []
    (whole,) = unfinished(Workspace(tmp_path / "out"), lines.append)
    assert whole.finish(Workspace(tmp_path / "out")) is not None
    (line,) = lines
    assert line.startswith(f"{broken}/recording.json: expected what a recording needs")
    assert (broken / "000000.mp4").exists()


def test_a_folder_that_is_removed_meanwhile_is_not_made_again(record, tmp_path, monkeypatch):
    class Removing(PartWriter):
        def finish(self):
            super().finish()
            for folder in (tmp_path / "out").glob("live-*"):
                folder.rename(tmp_path / "gone")

    monkeypatch.setattr(module, "PartWriter", Removing)
    with pytest.raises((JobError, FfmpegError)):
        record()
    assert list((tmp_path / "out").iterdir()) == []
