"""What a source may be, and what is said of one that is not there."""

import re
from pathlib import Path

import pytest
from clips import X264, Clip, spoiled, write_sound

from jobs.errors import SourceError, UsageError
from jobs.live.cameras import cameras, describe_cameras
from jobs.live.source import choose_live_source, connect


def test_an_index_is_a_camera():
    source = choose_live_source("3")
    assert (source.kind, source.label) == ("camera", "camera 3")


@pytest.mark.parametrize(
    ("url", "label"),
    [
        ("rtsp://user:secret@cam.local:554/stream1", "rtsp://cam.local:554/stream1"),
        ("http://cam.local/video?key=secret", "http://cam.local/video"),
        ("udp://127.0.0.1:5000", "udp://127.0.0.1:5000"),
    ],
)
def test_a_stream_is_called_without_its_secrets(url, label):
    source = choose_live_source(url)
    assert (source.kind, source.where, source.label) == ("stream", url, label)


def test_a_missing_file(tmp_path):
    with pytest.raises(UsageError, match="expected the index of a camera, a URL or a file, found nothing of that name"):
        choose_live_source(str(tmp_path / "gone.mp4"))


def test_a_folder_is_no_source(tmp_path):
    with pytest.raises(UsageError, match="found a folder"):
        choose_live_source(str(tmp_path))


def test_a_missing_camera_is_said_with_those_that_exist():
    if Path("/dev/video99").exists():
        pytest.skip("this machine has a camera 99")
    with (
        pytest.raises(SourceError, match=f"camera 99: no such camera; {re.escape(describe_cameras(cameras()))}"),
        connect(choose_live_source("99")),
    ):
        pass


def test_cameras_are_listed_with_their_names(tmp_path):
    devices, names = tmp_path / "dev", tmp_path / "names"
    devices.mkdir()
    for device in ("video10", "video2", "video0", "videotape", "audio0"):
        (devices / device).touch()
    (names / "video0").mkdir(parents=True)
    (names / "video0" / "name").write_text("Integrated Camera\n")
    (names / "video10").mkdir()
    (names / "video10" / "name").write_text("HD Webcam\n")
    found = cameras(devices, names)
    assert list(found.items()) == [(0, "Integrated Camera"), (2, "unnamed"), (10, "HD Webcam")]
    assert describe_cameras(found) == "cameras here: 0 (Integrated Camera), 2 (unnamed), 10 (HD Webcam)"


def test_a_machine_without_a_camera_says_so(tmp_path):
    assert cameras(tmp_path, tmp_path) == {}
    assert "no camera" in describe_cameras({})


def test_a_file_without_video(tmp_path):
    source = choose_live_source(str(write_sound(tmp_path / "sound.m4a")))
    with pytest.raises(SourceError, match="expected a video stream, found only audio"), connect(source):
        pass


def test_a_text_is_no_source(tmp_path):
    path = tmp_path / "text.mp4"
    path.write_text("This is no film.\n" * 40)
    with pytest.raises(SourceError, match="expected a movie"), connect(choose_live_source(str(path))):
        pass


@pytest.mark.parametrize(
    ("url", "words"), [("http://127.0.0.1:9/", "Connection refused"), ("nonsense://x", "Protocol not found")]
)
def test_a_stream_without_an_answer(url, words):
    with (
        pytest.raises(SourceError, match=f"{url}: expected a stream of video, found: {words}"),
        connect(choose_live_source(url)),
    ):
        pass


def test_a_file_gives_all_its_pictures_with_their_times(tmp_path):
    path = Clip(pts=[0, 1, 2, 10, 11]).write(tmp_path / "clip")
    with connect(choose_live_source(str(path))) as connection:
        assert connection.paced
        assert (connection.movie.width, connection.movie.height) == (64, 48)
        times = [picture.source_time for picture in connection.pictures()]
    assert [float(time) for time in times if time is not None] == [0, 0.04, 0.08, 0.4, 0.44]


def test_interlaced_pictures_are_deinterlaced_at_their_times(tmp_path):
    path = Clip(pts=[0, 1, 2, 10, 11], options={**X264, "flags": "+ildct+ilme"}).write(tmp_path / "clip")
    with connect(choose_live_source(str(path))) as connection:
        pictures = list(connection.pictures())
    assert [float(picture.source_time) for picture in pictures] == [0, 0.04, 0.08, 0.4, 0.44]
    assert not any(picture.frame.interlaced_frame for picture in pictures)


def test_a_damaged_packet_is_passed_over(tmp_path):
    path = spoiled(Clip(codec="mjpeg", pixels="yuvj420p", suffix=".mov").write(tmp_path / "clip"), 20)
    with connect(choose_live_source(str(path))) as connection:
        assert len(list(connection.pictures())) >= 59
