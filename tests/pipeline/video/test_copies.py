"""Stretches without faces are the source's own pictures, bit by bit, and nothing is amiss where others follow."""

import os
import subprocess
from collections.abc import Sequence
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from av.packet import Packet
from clips import B_FRAMES, MATRICES, VARIABLE, X264, Clip, decoded
from numpy.typing import NDArray
from test_render import write_timeline

from pipeline.errors import FfmpegError
from pipeline.media.ffmpeg import ffmpeg_exe
from pipeline.media.movie import Movie, open_movie
from pipeline.media.reader import Reader
from pipeline.media.segments import cut, read_packets
from pipeline.video import h264
from pipeline.video.copies import Copies, plan_copies, write_copy
from pipeline.video.join import join, open_part
from pipeline.video.mux import mux
from pipeline.video.render import EncoderOptions, output_time_base, render

MS = Fraction(1, 1000)
FILM = Clip(".mp4", range(200), size=(160, 120), options={**B_FRAMES, "g": "40"})
FACES = [50, 51, *range(95, 130), 199]
"""Of five groups of 40 pictures the first has none, the second from its 11th on, the third from its 16th on, the fourth
in its first 10, the last in its last one."""


def timed(path: Path) -> Movie:
    movie = open_movie(path)
    return read_packets(movie).timed(movie)


def annotated(
    movie: Movie, timeline: Path, seconds: float, folder: Path, options: EncoderOptions
) -> tuple[Path, Copies]:
    """Make the annotated video as a run does, cut into segments of so many seconds."""
    copies, reader = plan_copies(movie, timeline), Reader()
    parts = []
    for segment in cut(movie, read_packets(movie), seconds):
        parts.append(folder / f"{segment.name}.mp4")
        seen: list[None] = []
        found = render(
            movie, segment, timeline, parts[-1], options, lambda seen=seen: seen.append(None), reader, copies
        )
        assert found == segment.frames == len(seen)
    reader.close()
    join(parts, folder / "joined.mp4")
    mux(folder / "joined.mp4", movie, folder / "annotated.mp4", "")
    assert sorted(path.name for path in folder.glob("*.mp4.*")) == []
    return folder / "annotated.mp4", copies


def pictures(path: Path) -> dict[Fraction, NDArray[np.uint8]]:
    """Return all pictures, by their time after the container's start in s."""
    with av.open(str(path)) as container:
        start = Fraction(container.start_time or 0, av.time_base)
        frames = list(container.decode(video=0))
    return {frame.pts * frame.time_base - start: frame.to_ndarray() for frame in frames}


def times_of(movie: Movie, copies: Copies) -> set[Fraction]:
    frames = [frame.pts for frame in decoded(movie.path) if frame.pts is not None]
    shown = [p for p in frames if any(one.start <= p < one.end for one in copies.stretches)]
    assert len(shown) == sum(one.frames for one in copies.stretches)
    return {p * movie.time_base - movie.clock_start for p in shown}


def complaints(path: Path) -> str:
    """Return what FFmpeg's strictest decoder says."""
    command = [ffmpeg_exe(), "-v", "warning", "-err_detect", "explode", "-xerror", "-i", path]
    command += ["-fps_mode", "passthrough", "-enc_time_base", "1:90000", "-f", "rawvideo", "-y", os.devnull]
    found = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return f"{found.stderr.decode()}{found.returncode or ''}"


LATE = FILM.but(suffix=".mkv", pts=range(10_000, 18_000, 40), time_base=MS)
UNEVEN = [2600 * round_ + p for round_ in range(12) for p in VARIABLE]
BT709 = {"color_primaries": "bt709", "color_trc": "bt709", "colorspace": "bt709"}
BUFFERS = {"x264-params": "nal-hrd=vbr:bitrate=90:vbv-maxrate=99:vbv-bufsize=99"}
GROUPS = {**B_FRAMES, "g": "40"}

COPIED: dict[str, tuple[Clip, float, int]] = {
    "MP4": (FILM, 2, 40 + 9 + 37),
    "one segment": (FILM, 30, 40 + 9 + 37),
    "fragmented": (FILM.but(muxer={"movflags": "frag_keyframe+empty_moov"}), 2, 86),
    "Baseline": (FILM.but(options={**X264, "g": "40", "profile": "baseline"}), 2, 40 + 10 + 39),
    "Main, four slices": (FILM.but(options={**GROUPS, "profile": "main", "slices": "4"}), 30, 86),
    "one key frame": (FILM.but(options={**B_FRAMES, "g": "999"}), 30, 49),
    "key frames that leave the group open": (FILM.but(options={**GROUPS, "flags": "-cgop"}), 2, 37),
    "buffers and colours": (FILM.but(options={**GROUPS, **BUFFERS, **BT709}), 30, 86),
    "NTSC": (FILM.but(pts=range(0, 200 * 1001, 1001), time_base=Fraction(1, 24000)), 2, 86),
    "Matroska, late": (LATE, 2, 86),
    "variable rate": (FILM.but(suffix=".mkv", pts=UNEVEN, time_base=MS), 9, 115),
}
"""A film, the length of its segments in s, and how many pictures are copied."""


@pytest.mark.parametrize(("clip", "seconds", "expected"), COPIED.values(), ids=COPIED)
def test_copied_pictures_are_the_sources_bit_by_bit(tmp_path: Path, clip: Clip, seconds: float, expected: int) -> None:
    movie = timed(clip.write(tmp_path / "m"))
    timeline = write_timeline(tmp_path / "timeline.parquet", movie, FACES)
    video, copies = annotated(movie, timeline, seconds, tmp_path, EncoderOptions(crf=8, preset="ultrafast"))
    source, found = pictures(movie.path), pictures(video)
    assert list(found) == list(source)
    copied = times_of(movie, copies)
    for number, time in enumerate(source):
        if time in copied:
            assert (found[time] == source[time]).all(), f"picture {number} is not the source's"
        elif number not in FACES:
            assert np.abs(found[time].astype(int) - source[time]).mean() < 3, f"picture {number} is another one"
    assert len(copied) == expected
    assert copied.isdisjoint([list(source)[number] for number in FACES])
    assert complaints(video) == ""


def hdr(clip: Clip) -> Clip:
    return clip.but(options={**GROUPS, "color_primaries": "bt2020", "color_trc": "smpte2084", "colorspace": "bt2020nc"})


NOT_COPIED: dict[str, Clip] = {
    "another codec": FILM.but(codec="mpeg4", options={"g": "40"}),
    "transport stream": FILM.but(suffix=".ts"),
    "turned": FILM.but(matrix=MATRICES["half"]),
    "wide pixels": FILM.but(aspect=Fraction(4, 3)),
    "odd sides": FILM.but(pixels="yuv444p", size=(161, 119)),
    "4:4:4": FILM.but(pixels="yuv444p"),
    "10 bit": FILM.but(pixels="yuv420p10le"),
    "without loss": FILM.but(options={"qp": "0", "g": "40"}),
    "full range": FILM.but(pixels="yuvj420p"),
    "HDR": hdr(FILM),
    "interlaced": FILM.but(options={**GROUPS, "flags": "+ildct+ilme", "x264-params": "tff=1"}),
    "may be called interlaced": FILM.but(options={**GROUPS, "x264-params": "pic-struct=1"}),
    "our numbers": FILM.but(options={**GROUPS, "x264-params": f"sps-id={h264.ENCODER_SETS}"}),
    "nothing but key frames": FILM.but(options={**X264, "g": "1"}),
}


@pytest.mark.parametrize("clip", NOT_COPIED.values(), ids=NOT_COPIED)
def test_what_is_not_shown_as_it_is_stored_is_not_copied(tmp_path: Path, clip: Clip) -> None:
    movie = timed(clip.but(pts=range(80)).write(tmp_path / "m"))
    assert not plan_copies(movie, write_timeline(tmp_path / "timeline.parquet", movie, [79]))


def test_other_parameter_sets_on_the_way_end_it(tmp_path: Path) -> None:
    paths = FILM.write(tmp_path / "one"), FILM.but(options={**GROUPS, "refs": "4"}).write(tmp_path / "other")
    with ExitStack() as stack:
        sources = [stack.enter_context(av.open(str(path))).streams.video[0] for path in paths]
        other = h264.Record.parse(sources[1].codec_context.extradata)
        assert other is not None
        sink = stack.enter_context(av.open(str(tmp_path / "both.mp4"), "w"))
        target = sink.add_stream_from_template(sources[0])
        for source, sets, late in zip(sources, ((), (*other.sps, *other.pps)), (0, 200 * 512), strict=True):
            for packet in source.container.demux(source):
                if packet.pts is not None and packet.dts is not None:
                    nals = [*map(memoryview, sets if packet.is_keyframe else ()), *h264.nals_of(memoryview(packet), 4)]
                    copy = Packet(h264.packed(nals))
                    copy.pts, copy.dts, copy.time_base = packet.pts + late, packet.dts + late, packet.time_base
                    copy.is_keyframe, copy.stream = packet.is_keyframe, target
                    sink.mux(copy)
    for path, copied in ((paths[0], True), (tmp_path / "both.mp4", False)):
        movie = timed(path)
        assert bool(plan_copies(movie, write_timeline(tmp_path / "timeline.parquet", movie, []))) == copied
    assert sum(1 for _ in decoded(movie.path)) == 400


@pytest.mark.parametrize(
    ("faces", "copied"),
    [
        (range(200), 0),
        ([], 200),
        ([*range(25), *range(50, 200)], 0),
        ([199], 199),
        (range(40), 160),
        ([number for number in range(200) if number % 20 == 0], 0),
    ],
)
def test_only_stretches_without_faces(tmp_path: Path, faces: Sequence[int], copied: int) -> None:
    movie = timed(FILM.but(options={**X264, "g": "40"}).write(tmp_path / "m"))
    timeline = write_timeline(tmp_path / "timeline.parquet", movie, list(faces))
    copies = plan_copies(movie, timeline)
    assert sum(one.frames for one in copies.stretches) == copied
    assert copies == plan_copies(movie, timeline)


def test_frames_that_the_tables_do_not_have_are_not_copied(tmp_path: Path) -> None:
    movie = timed(FILM.write(tmp_path / "m"))
    timeline = pq.read_table(write_timeline(tmp_path / "timeline.parquet", movie, []))
    gone = timeline["frame"].to_pylist().index(20)
    pq.write_table(pa.concat_tables([timeline[:gone], timeline[gone + 1 :]]), tmp_path / "timeline.parquet")
    copies = plan_copies(movie, tmp_path / "timeline.parquet")
    assert [one.frames for one in copies.stretches] == [40] * 4
    assert copies.stretches[0].start > 0


def test_a_movie_that_is_another_one_by_now_is_an_error(tmp_path: Path) -> None:
    movie = timed(FILM.write(tmp_path / "m"))
    with pytest.raises(FfmpegError, match="expected 3 pictures to copy from pts 512 on, found 1"):
        write_copy(movie, [512, 513, 514], tmp_path / "out.mp4", output_time_base(movie))


def test_a_header_holds_both_sets_once(tmp_path: Path) -> None:
    movie = timed(FILM.write(tmp_path / "m"))
    timeline = write_timeline(tmp_path / "timeline.parquet", movie, FACES)
    video, _ = annotated(movie, timeline, 2, tmp_path, EncoderOptions(preset="ultrafast"))
    with open_part(video) as (_, stream):
        record = h264.Record.parse(stream.codec_context.extradata)
        assert stream.codec_context.codec_tag == "avc1"
    assert record is not None
    assert [h264.read_sps(nal).number for nal in record.sps] == [0, h264.ENCODER_SETS]
    assert len(record.pps) == 2
    assert record.profile == h264.HIGH  # the movie's; ultrafast alone is Baseline
    assert record.joined(record) == record
    assert h264.Record.parse(record.to_bytes()) == record


@pytest.mark.parametrize("cut_off", range(0, 36, 3))
def test_a_torn_header_is_none(tmp_path: Path, cut_off: int) -> None:
    with av.open(str(FILM.but(pts=range(3)).write(tmp_path / "m"))) as container:
        header = container.streams.video[0].codec_context.extradata
    assert header is not None
    assert h264.Record.parse(header[:cut_off]) is None


def test_what_a_container_says_of_the_picture_does_not_come_along(tmp_path: Path) -> None:
    """Here MP4's clean aperture: players that know it crop, and would crop what was drawn, too."""
    path = FILM.write(tmp_path / "m")
    data = path.read_bytes()
    at = data.index(b"avcC") - 4
    numbers = (140, 1, 100, 1, 0, 1, 0, 1)
    aperture = (40).to_bytes(4, "big") + b"clap" + b"".join(number.to_bytes(4, "big") for number in numbers)
    grown = bytearray(data[:at] + aperture + data[at:])
    for box in (b"avc1", b"stsd", b"stbl", b"minf", b"mdia", b"trak", b"moov"):
        size = grown.rindex(box, 0, grown.index(b"avcC")) - 4
        grown[size : size + 4] = (int.from_bytes(grown[size : size + 4], "big") + 40).to_bytes(4, "big")
    path.write_bytes(grown)
    movie = timed(path)
    timeline = write_timeline(tmp_path / "timeline.parquet", movie, FACES)
    video, copies = annotated(movie, timeline, 2, tmp_path, EncoderOptions(preset="ultrafast"))
    assert copies
    assert b"clap" in path.read_bytes()
    assert b"clap" not in video.read_bytes()
