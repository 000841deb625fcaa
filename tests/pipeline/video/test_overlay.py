"""A movie copied with its labels as subtitles: packets, times, and what FFmpeg shows when it burns them in."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from clips import B_FRAMES, MATRICES, VARIABLE, Clip, decoded, ffmpeg, grey_of
from numpy.typing import NDArray

from pipeline.errors import OverlayError
from pipeline.media.decode import DecodeFaults, decode
from pipeline.media.movie import Movie, open_movie
from pipeline.media.segments import FIRST_PTS, LAST_PTS, Segment, read_packets
from pipeline.schema import BOX
from pipeline.video.overlay import TITLE, overlay
from pipeline.video.plan import LabelledFace, plan_marks
from pipeline.video.render import EncoderOptions, render
from pipeline.video.subtitles import Event, Thinner

WHOLE = Segment(0, FIRST_PTS, LAST_PTS, 0)
GREY = 120

Face = tuple[int, tuple[float, float, float, float], str, float]
"""Track, box, label, confidence."""


def flat(_: int, width: int, height: int) -> NDArray[np.uint8]:
    return np.full((height, width), GREY, np.uint8)


LARGE = Clip(".mp4", pts=range(30), size=(320, 180), options={**B_FRAMES, "g": "12"}, paint=flat)


def walking(number: int, width: int) -> list[Face]:
    """A large face that walks, from frame 4 to 24, and one that stays, unsure."""
    x = 60 + 3 * number
    faces: list[Face] = [(7, (width - 60, 100, width - 20, 150), "unsure", 0.4)]
    if 4 <= number < 24:
        faces.append((3, (x, 40.6, x + 50, 110.2), "happy" if number < 15 else "sad", 0.6 + 0.01 * number))
    return faces


def movie_at(path: Path) -> Movie:
    movie = open_movie(path)
    return read_packets(movie).timed(movie)


def write_timeline(path: Path, movie: Movie, faces: Sequence[Sequence[Face]] | None = None) -> Path:
    """Write the columns of a timeline that are drawn."""
    rows: dict[str, list[object]] = {name: [] for name in ("pts", "track", "person", *BOX, "emotion", "confidence")}
    for number, frame in enumerate(decode(movie, WHOLE, DecodeFaults())):
        seen = walking(number, movie.width) if faces is None else faces[number]
        for track, box, emotion, confidence in seen or [(None, (None,) * 4, None, None)]:  # type: ignore[list-item]
            for name, value in zip(rows, (frame.pts, track, track, *box, emotion, confidence), strict=True):
                rows[name].append(value)
    floats = dict.fromkeys((*BOX, "confidence"), pa.float32())
    types = {"pts": pa.int64(), "track": pa.int32(), "person": pa.int32(), "emotion": pa.string(), **floats}
    pq.write_table(pa.table({name: pa.array(values, types[name]) for name, values in rows.items()}), path)
    return path


def made(path: Path, **changes: object) -> tuple[Movie, Path, Path]:
    """Return a movie, its timeline, and the two together."""
    movie = movie_at(LARGE.but(**changes).write(path / "film"))
    timeline, out = write_timeline(path / "timeline.parquet", movie), path / "annotated.mkv"
    assert overlay(movie, timeline, out, "a comment") == []
    return movie, timeline, out


def sums(path: Path, stream: int) -> list[str]:
    """Return the checksums of a stream's packets in the order of the file."""
    with av.open(str(path)) as container:
        return [hashlib.md5(bytes(p)).hexdigest() for p in container.demux(container.streams[stream]) if p.size]


def burnt(mkv: Path, out: Path) -> list[NDArray[np.uint8]]:
    """Let FFmpeg show the labels, and return its pictures, grey."""
    ffmpeg("-copyts", "-i", mkv, "-vf", f"subtitles={mkv}", "-fps_mode", "passthrough", "-c:v", "ffv1", out)
    return [grey_of(frame) for frame in decoded(out)]


def edges(picture: NDArray[np.uint8], background: int = GREY) -> tuple[int, ...]:
    """Return where what was drawn begins and ends: left, top, right, bottom."""
    ys, xs = np.nonzero(np.abs(picture.astype(int) - background) > 25)
    return (int(xs.min()), int(ys.min()), int(xs.max()), int(ys.max())) if len(xs) else ()


@pytest.mark.parametrize(
    "changes",
    [{}, {"suffix": ".mkv", "pts": VARIABLE, "time_base": Fraction(1, 1000)}, {"time_base": Fraction(1001, 30000)}],
    ids=["mp4", "variable", "ntsc"],
)
def test_burnt_in_it_is_the_annotated_video(tmp_path: Path, changes: dict[str, object]) -> None:
    movie, timeline, out = made(tmp_path, **changes)
    render(movie, WHOLE, timeline, tmp_path / "drawn.mp4", EncoderOptions(crf=0, preset="ultrafast"))
    drawn = [grey_of(frame) for frame in decoded(tmp_path / "drawn.mp4")]
    shown = burnt(out, tmp_path / "burnt.mkv")
    assert len(shown) == len(drawn) > 15
    for number, (one, other) in enumerate(zip(shown, drawn, strict=True)):
        # Each face's box and label in its half of the picture.
        for half in (np.s_[:, :250], np.s_[:, 250:]):
            assert len(edges(one[half])) == len(edges(other[half])), number
            assert np.abs(np.subtract(edges(one[half]), edges(other[half]))).max(initial=0) <= 2, number


INTERLACED = {**B_FRAMES, "g": "12", "flags": "+ildct+ilme", "x264-params": "tff=1"}
SHAPES: dict[str, dict[str, object]] = {
    "quarter turn": {"matrix": MATRICES["quarter"], "size": (256, 320)},
    "half turn": {"matrix": MATRICES["half"], "size": (256, 320)},
    "mirrored": {"matrix": MATRICES["mirrored"]},
    "wide pixels": {"aspect": Fraction(2), "size": (160, 180)},
    "PAL's pixels": {"aspect": Fraction(16, 11), "size": (220, 180)},
    "wide pixels, turned": {"aspect": Fraction(4, 3), "matrix": MATRICES["quarter"], "size": (256, 320)},
    "odd sides": {"pixels": "yuv444p", "size": (321, 181)},
    "interlaced, wide pixels": {"options": INTERLACED, "aspect": Fraction(4, 3), "size": (240, 180)},
}


@pytest.mark.parametrize("changes", SHAPES.values(), ids=SHAPES)
def test_boxes_are_in_their_places_whatever_the_shape(tmp_path: Path, changes: dict[str, object]) -> None:
    """Boxes are in pixels of the movie's picture; FFmpeg draws on those that are stored, once they are upright."""
    movie, timeline, out = made(tmp_path, **changes)
    render(movie, WHOLE, timeline, tmp_path / "drawn.mp4", EncoderOptions(crf=0, preset="ultrafast"))
    drawn = [grey_of(frame) for frame in decoded(tmp_path / "drawn.mp4")]
    shown = burnt(out, tmp_path / "burnt.mkv")
    assert len(shown) == len(drawn) == 30
    wide, high = movie.width / shown[0].shape[1], movie.height / shown[0].shape[0]
    for number in range(0, 30, 6):
        places = np.multiply(edges(shown[number]), (wide, high) * 2)
        off = np.abs(places - edges(drawn[number])) / (max(wide, 1), max(high, 1), max(wide, 1), max(high, 1))
        assert off.max() <= 2, number


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
def test_packets_are_the_sources(tmp_path: Path, suffix: str) -> None:
    movie, _, out = made(tmp_path, suffix=suffix)
    assert sums(out, 0) == sums(movie.path, movie.stream)
    with av.open(str(out)) as container:
        assert container.metadata["COMMENT"] == "a comment"
        (track,) = container.streams.subtitles
        assert track.metadata["title"] == TITLE
        assert track.disposition & av.stream.Disposition.default


def test_a_transport_stream_keeps_its_pictures(tmp_path: Path) -> None:
    """Start codes become lengths in Matroska, so checksums are those of the pictures."""
    movie, _, out = made(tmp_path, suffix=".ts")
    assert [grey_of(f).tobytes() for f in decoded(out)] == [grey_of(f).tobytes() for f in decoded(movie.path)]


def test_sound_subtitles_chapters_and_attachments_are_kept(tmp_path: Path) -> None:
    source, texts, font = tmp_path / "source.mkv", tmp_path / "texts.srt", tmp_path / "font.ttf"
    texts.write_text("1\n00:00:00,100 --> 00:00:00,900\nHello\n")
    font.write_bytes(b"no font, but attached")
    about = tmp_path / "about.txt"
    about.write_text(";FFMETADATA1\ntitle=A film\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=100\nEND=700\ntitle=One\n")
    ffmpeg(
        "-i", LARGE.write(tmp_path / "film"), "-f", "lavfi", "-i", "sine=440:d=1.2", "-i", texts, "-i", about,
        "-map", "0:v", "-map", "1:a", "-map", "2:s", "-map_metadata", "3", "-c:v", "copy", "-c:a", "flac",
        "-attach", font, "-metadata:s:t", "mimetype=font/ttf", "-disposition:s", "default", source,
    )  # fmt: skip
    movie, out = movie_at(source), tmp_path / "annotated.mkv"
    assert overlay(movie, write_timeline(tmp_path / "t.parquet", movie), out, "") == []
    assert sums(out, 1) == sums(source, 1)
    with av.open(str(out)) as container:
        assert [s.type for s in container.streams] == ["video", "audio", "subtitle", "subtitle", "attachment"]
        labels, text = container.streams.subtitles
        assert labels.disposition & av.stream.Disposition.default
        assert not text.disposition & av.stream.Disposition.default
        (chapter,) = container.chapters()
        assert (chapter["start"] * chapter["time_base"], chapter["metadata"]["title"]) == (Fraction(1, 10), "One")
        assert container.metadata["title"] == "A film"


def test_text_and_sound_that_matroska_does_not_hold_are_converted(tmp_path: Path) -> None:
    source, texts = tmp_path / "source.mov", tmp_path / "texts.srt"
    texts.write_text("1\n00:00:00,100 --> 00:00:00,900\nHello\n")
    ffmpeg(
        "-i", LARGE.write(tmp_path / "film"), "-f", "lavfi", "-i", "sine=440:d=1.2", "-i", texts, "-map", "0:v",
        "-map", "1:a", "-map", "2:s", "-c:v", "copy", "-c:a", "adpcm_ima_qt", "-c:s", "mov_text", source,
    )  # fmt: skip
    movie, out = movie_at(source), tmp_path / "annotated.mkv"
    (remark,) = overlay(movie, write_timeline(tmp_path / "t.parquet", movie), out, "")
    assert remark == "audio stream 1 (adpcm_ima_qt) encoded as AAC: Matroska does not hold it"
    assert sums(out, 0) == sums(source, 0)
    with av.open(str(out)) as container:
        assert [s.codec_context.name for s in container.streams.audio] == ["aac"]
        assert [s.codec_context.codec.canonical_name for s in container.streams.subtitles] == ["ass", "subrip"]


def test_without_a_face(tmp_path: Path) -> None:
    movie, out = movie_at(LARGE.write(tmp_path / "film")), tmp_path / "annotated.mkv"
    timeline = write_timeline(tmp_path / "t.parquet", movie, [[]] * 30)
    assert overlay(movie, timeline, out, "") == []
    assert sums(out, 0) == sums(movie.path, 0)
    assert all(not edges(picture) for picture in burnt(out, tmp_path / "burnt.mkv"))


def test_a_codec_that_matroska_does_not_take(tmp_path: Path) -> None:
    film = tmp_path / "film.avi"
    ffmpeg("-i", LARGE.write(tmp_path / "film"), "-c:v", "rawvideo", "-pix_fmt", "bgr24", film)
    movie, out = movie_at(film), tmp_path / "annotated.mkv"
    with pytest.raises(OverlayError, match=r"film\.avi: .*--video h264 makes an annotated video"):
        overlay(movie, write_timeline(tmp_path / "t.parquet", movie), out, "")


def test_frames_that_are_not_where_the_timeline_has_them(tmp_path: Path) -> None:
    """As where time stamps could not be trusted, and frames were counted."""
    movie = movie_at(LARGE.write(tmp_path / "film"))
    timeline = write_timeline(tmp_path / "t.parquet", movie)
    table = pq.read_table(timeline)
    moved = pa.array(table["pts"].to_numpy() + movie.time_base.denominator // 50, pa.int64())
    pq.write_table(table.set_column(0, "pts", moved), timeline)
    with pytest.raises(OverlayError, match="30 of 30 frames are at other times"):
        overlay(movie, timeline, tmp_path / "annotated.mkv", "")


def test_frames_of_several_shapes(tmp_path: Path) -> None:
    movie = movie_at(LARGE.write(tmp_path / "film"))
    timeline = write_timeline(tmp_path / "t.parquet", movie)
    pq.write_table(pq.read_table(timeline).replace_schema_metadata({"moodreel": '{"shape_changes": 1}'}), timeline)
    with pytest.raises(OverlayError, match="the shape of its picture changes"):
        overlay(movie, timeline, tmp_path / "annotated.mkv", "")


# thinning


def events(boxes: Sequence[LabelledFace | None], step: int = 40) -> list[Event]:
    thinner, found = Thinner(720), []
    for number, face in enumerate(boxes):
        found += thinner.add(number * step, plan_marks([face] if face else [], 720, 1280))
    return [*found, *thinner.finish(len(boxes) * step)]


def at(x: float, confidence: float = 0.9, emotion: str = "happy") -> LabelledFace:
    return LabelledFace((x, 200, x + 100, 320), emotion, confidence, 1)


def spans(found: Sequence[Event], style: str) -> list[tuple[int, int]]:
    return [(event.start, event.end) for event in found if f",{style}," in event.fields]


def test_what_trembles_is_one_event() -> None:
    found = events([at(400 + number % 2, 0.9 + 0.01 * (number % 2)) for number in range(20)])
    assert spans(found, "Box") == spans(found, "Label") == [(0, 800)]


def test_events_end_where_a_face_leaves_and_begin_where_it_comes_back() -> None:
    assert spans(events([at(400), at(400), None, at(400)]), "Box") == [(0, 80), (120, 160)]


def test_another_label_is_another_event_at_once() -> None:
    found = events([at(400), at(400, emotion="sad"), at(400, emotion="sad")])
    assert spans(found, "Box") == spans(found, "Label") == [(0, 40), (40, 120)]


def test_no_event_is_so_long_that_who_jumps_misses_it() -> None:
    assert spans(events([at(400)] * 60), "Box") == [(0, 1000), (1000, 2000), (2000, 2400)]


def test_events_come_by_their_begin() -> None:
    boxes = [at(400 + 4 * number, 0.5 + 0.02 * (number % 7)) for number in range(50)]
    starts = [event.start for event in events(boxes)]
    assert starts == sorted(starts)
    assert len(starts) > 100


def test_a_name_cannot_command_the_player() -> None:
    mark = plan_marks([at(400)], 720, 1280)[0]
    assert mark.label is not None
    lettering = mark.label.lettering
    evil = replace(mark, label=replace(mark.label, lettering=replace(lettering, text="{\\p1}x\n")))
    thinner = Thinner(720)
    texts = [event.fields for event in [*thinner.add(0, [evil]), *thinner.finish(40)]]
    assert texts[-1].endswith("}(/p1)x ")
