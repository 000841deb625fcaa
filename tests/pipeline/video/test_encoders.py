"""Encoders are probed by what they do, never by their names."""

from fractions import Fraction
from pathlib import Path

import av
import pytest
from clips import Clip

from pipeline.errors import EncoderError
from pipeline.media.movie import open_movie
from pipeline.video import encoders
from pipeline.video.encoders import ENCODERS, choose_encoder, encoder_options, probe_encoder
from pipeline.video.render import EncoderOptions, PartWriter


def test_x264_works_and_is_not_probed_where_it_is_named(monkeypatch):
    assert probe_encoder("x264") > 40
    monkeypatch.setattr(encoders, "probe_encoder", None)
    assert choose_encoder("x264") == "x264"


@pytest.mark.parametrize("name", ENCODERS)
def test_every_encoder_has_options(name):
    assert encoder_options(name, 23, "veryfast")


def test_one_that_does_not_work_is_refused_with_what_ffmpeg_says(monkeypatch):
    monkeypatch.setitem(ENCODERS, "nvenc", "h264_nothing")
    with pytest.raises(EncoderError, match=r"--encoder nvenc: h264_nothing cannot be used: .*--encoder x264 works"):
        choose_encoder("nvenc")


def test_one_whose_pictures_are_others_is_refused(monkeypatch):
    real = encoders._decoded
    monkeypatch.setattr(encoders, "_decoded", lambda data: [255 - picture for picture in real(data)])
    with pytest.raises(EncoderError, match="its pictures are not those encoded: PSNR"):
        probe_encoder("x264")


def test_one_that_loses_frames_is_refused(monkeypatch):
    real = encoders._decoded
    monkeypatch.setattr(encoders, "_decoded", lambda data: real(data)[1:])
    with pytest.raises(EncoderError, match="expected 12 frames, found 11"):
        probe_encoder("x264")


def test_auto_takes_the_first_that_works_or_else_x264(monkeypatch):
    def works(name: str) -> float:
        if name != "qsv":
            raise EncoderError(f"no {name}")
        return 40.0

    monkeypatch.setattr(encoders, "probe_encoder", works)
    assert choose_encoder("auto") == "qsv"
    monkeypatch.setattr(encoders, "probe_encoder", lambda _: works("none"))
    assert choose_encoder("auto") == "x264"


@pytest.fixture
def another(monkeypatch) -> str:
    """Let another encoder of FFmpeg stand in for a card's."""
    monkeypatch.setitem(ENCODERS, "nvenc", "mpeg4")
    monkeypatch.setattr(encoders, "encoder_options", lambda *_: {"qscale": "3"})
    monkeypatch.setattr("pipeline.video.render.encoder_options", lambda *_: {"qscale": "3"})
    return "nvenc"


def test_a_stand_in_encodes_what_is_drawn(another, tmp_path: Path):
    assert probe_encoder(another) > 30
    movie = open_movie(Clip(".mp4", pts=range(8)).write(tmp_path / "film"))
    writer = PartWriter(tmp_path / "out.mp4", movie, Fraction(1, 25), EncoderOptions(encoder=another))
    for number in range(8):
        writer.write(av.VideoFrame(*movie.size, "yuv420p"), number)
    writer.finish()
    writer.close()
    assert (open_movie(tmp_path / "out.mp4").codec, writer.frames) == ("mpeg4", 8)
