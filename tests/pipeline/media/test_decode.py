"""Decoding in pieces gives what decoding as a whole gives: the same frames, bit by bit, at the same times."""

import os
import random
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av.video.frame
import pytest
from clips import (
    B_FRAMES,
    VARIABLE,
    X264,
    Clip,
    decoded,
    grey_of,
    number_in,
    remuxed,
    spoiled,
    truncated,
)

from pipeline.errors import InputError
from pipeline.media.decode import DecodeFaults, Reader, TimestampError, decode, shown_for
from pipeline.media.movie import UNSPECIFIED, Movie, Orientation, open_movie
from pipeline.media.segments import FIRST_PTS, LAST_PTS, Segment, cut, read_packets

MS = Fraction(1, 1000)
WHOLE = Segment(0, FIRST_PTS, LAST_PTS, 0)
UNTRUSTED = replace(WHOLE, trusted=False)
OPEN_GOP = {**B_FRAMES, "x264-params": "b-adapt=0:open-gop=1:ref=4"}
REFRESH = {**X264, "x264-params": "intra-refresh=1"}
X265 = {
    "preset": "ultrafast",
    "x265-params": "log-level=none:keyint=10:min-keyint=1:open-gop=1:bframes=3:pools=none:frame-threads=1",
}
MPEG2 = {"g": "12", "bf": "2"}
LATE = {"output_ts_offset": "10"}

Shown = tuple[int | None, int, int]
"""pts, painted number and checksum of a picture."""

KINDS: dict[str, Clip] = {
    "no B-frames": Clip(options=X264),
    "B-frames": Clip(options=B_FRAMES),
    "one GOP": Clip(options={**B_FRAMES, "g": "999"}),
    "variable rate, mkv": Clip(".mkv", VARIABLE, MS, options={**B_FRAMES, "g": "5"}),
    "variable rate, mp4, late": Clip(".mp4", [p + 5000 for p in VARIABLE], MS, options={**B_FRAMES, "g": "5"}),
    "open GOP, mkv": Clip(".mkv", options=OPEN_GOP),
    "open GOP, mp4": Clip(options=OPEN_GOP),
    "open GOP, ts": Clip(".ts", options=OPEN_GOP),
    "intra refresh, mp4": Clip(options=REFRESH, size=(128, 96)),
    "intra refresh, ts": Clip(".ts", options=REFRESH, size=(128, 96)),
    "ts, late": Clip(".ts", options=B_FRAMES, muxer=LATE),
    "MPEG-2, ts, late": Clip(".ts", codec="mpeg2video", options=MPEG2, muxer=LATE),
    "MPEG-4, avi": Clip(".avi", codec="mpeg4", options={"g": "12"}),
    "MPEG-4, B-frames, avi": Clip(".avi", codec="mpeg4", options=MPEG2),
    "fragmented mp4": Clip(options=B_FRAMES, muxer={"movflags": "frag_keyframe+empty_moov"}),
    "flv": Clip(".flv", options=B_FRAMES),
    "H.265, open GOP": Clip(codec="libx265", options=X265),
    "VP9": Clip(".webm", range(0, 2400, 40), MS, "libvpx-vp9", options={"g": "10", "deadline": "realtime"}),
    "motion JPEG": Clip(".avi", codec="mjpeg", pixels="yuvj420p"),
    "4:4:4, odd sides": Clip(pixels="yuv444p", size=(65, 47), options=X264),
    "10 bit": Clip(".mkv", pixels="yuv420p10le", options=B_FRAMES),
    "grey, lossless": Clip(".mkv", codec="ffv1", pixels="gray"),
    "gif": Clip(".gif", codec="gif", pixels="gray"),
    "one frame": Clip(pts=[7], options=X264),
}


def seen(pictures: Iterable[tuple[int | None, av.video.frame.VideoFrame]]) -> list[Shown]:
    return [(pts, number_in(grey_of(p)), zlib.crc32(p.to_ndarray().tobytes())) for pts, p in pictures]


def pieces(movie: Movie, segments: Sequence[Segment], threads: int = 1) -> tuple[list[Shown], str]:
    """Decode ``segments`` one by one, opening the file for each; return the frames of all and what went wrong.

    A reader that is kept from one to the next must give the same, in whatever order they come.
    """
    faults = DecodeFaults()
    frames = [frame for segment in segments for frame in decode(movie, segment, faults, threads)]
    opened = seen((frame.pts, frame.picture) for frame in frames)
    shuffled = random.Random(2).sample(segments, len(segments))
    again = DecodeFaults()
    with Reader() as reader:
        kept = {segment.index: list(decode(movie, segment, again, threads, reader)) for segment in shuffled}
    assert seen((f.pts, f.picture) for k in sorted(kept) for f in kept[k]) == opened
    assert str(again) == str(faults)
    return opened, str(faults)


def is_open(path: Path) -> bool:
    return any(str(path) == str(link.resolve()) for link in Path("/proc/self/fd").glob("*"))


def spans(*borders: int) -> list[Segment]:
    edges = pairwise([FIRST_PTS, *borders, LAST_PTS])
    return [Segment(index, start, end, 0) for index, (start, end) in enumerate(edges)]


def random_cuts(pts: Sequence[int], times: int) -> list[list[Segment]]:
    """Cut anywhere, on frames and between them, seldom at key frames."""
    rng = random.Random(1)
    inside = range(pts[0] - 1, pts[-1] + 2)
    return [spans(*sorted(rng.sample(inside, min(4, len(inside))))) for _ in range(times)]


@pytest.mark.parametrize("clip", KINDS.values(), ids=KINDS)
def test_every_frame_once_in_order(tmp_path: Path, clip: Clip) -> None:
    path = clip.write(tmp_path / "m")
    movie = open_movie(path)
    expected = seen((p.pts, p) for p in decoded(path))
    assert [number for _, number, _ in expected] == list(range(len(clip.pts)))
    packets = read_packets(movie)
    assert [pts for pts, _, _ in expected] == list(packets.pts)
    for segments in (cut(movie, packets, 0.1), cut(movie, packets, 1), *random_cuts(packets.pts, 4)):
        found, faults = pieces(movie, segments)
        assert found == expected, segments
        assert faults == ""


@pytest.mark.parametrize("kind", ["variable rate, mkv", "open GOP, ts"])
def test_a_segment_for_each_frame(tmp_path: Path, kind: str) -> None:
    path = KINDS[kind].write(tmp_path / "m")
    pts = read_packets(open_movie(path)).pts[:18]
    found, _ = pieces(open_movie(path), spans(*pts))
    assert found == seen((p.pts, p) for p in decoded(path))


@pytest.mark.parametrize("suffix", [".mpg", ".vob"])
def test_small_frames_of_a_program_stream_keep_their_time_stamps(tmp_path: Path, suffix: str) -> None:
    path = Clip(suffix, codec="mpeg2video", options=MPEG2, size=(128, 96)).write(tmp_path / "m")
    movie = open_movie(path)
    packets = read_packets(movie)
    expected = seen((p.pts, p) for p in decoded(path))
    assert [number for _, number, _ in expected] == list(range(60))
    for seconds in (0.1, 0.5, 1):
        assert pieces(movie, cut(movie, packets, seconds))[0] == expected


def test_threads_change_nothing(tmp_path: Path) -> None:
    movie = open_movie(Clip(options=OPEN_GOP).write(tmp_path / "m"))
    segments = cut(movie, read_packets(movie), 0.5)
    assert pieces(movie, segments, threads=3) == pieces(movie, segments)


def test_a_span_without_a_frame_holds_none(tmp_path: Path) -> None:
    movie = open_movie(Clip(".mkv", VARIABLE, MS, options=X264).write(tmp_path / "m"))
    for start, end in ((83, 200), (2501, 9000), (9000, LAST_PTS), (FIRST_PTS, 0), (1000, 1000)):
        assert pieces(movie, [Segment(0, start, end, 0)]) == ([], "")


@pytest.mark.parametrize(
    ("clip", "step"),
    [
        (Clip(".h264", options=X264), 48_000),
        (Clip(".h264", options=B_FRAMES), 48_000),
        (Clip(".avi", options=B_FRAMES), 1),
        (Clip(".avi", codec="mpeg4", options=MPEG2), 1),
        (Clip(".mkv", options=B_FRAMES), 40),
    ],
    ids=["raw", "raw, B-frames", "avi, B-frames", "avi, MPEG-4", "mkv"],
)
def test_time_stamps_are_repaired_from_the_order_of_decoding(tmp_path: Path, clip: Clip, step: int) -> None:
    movie = open_movie(clip.write(tmp_path / "m"))
    found, faults = pieces(movie, [UNTRUSTED])
    assert [number for _, number, _ in found] == list(range(60))
    pts = [p for p, _, _ in found if p is not None]
    assert [b - a for a, b in pairwise(pts)] == [step] * 59
    assert faults == ""


def test_time_stamps_that_restart_continue_the_clock(tmp_path: Path) -> None:
    """Two recordings in one file, the clock of the second beginning where that of the first began."""
    one = Clip(".ts", pts=range(30), options=X264).write(tmp_path / "one")
    both = tmp_path / "both.ts"
    both.write_bytes(one.read_bytes() * 2)
    packets = read_packets(open_movie(both))
    movie = packets.timed(open_movie(both))
    (segment,) = cut(movie, packets, 0.1)
    found, faults = pieces(movie, [segment])
    assert [number for _, number, _ in found] == [*range(30), *range(30)]
    assert {b - a for a, b in pairwise(p for p, _, _ in found if p is not None)} == {3600}
    assert faults == ""


def test_contradicting_time_stamps_are_not_passed_on(tmp_path: Path) -> None:
    movie = open_movie(Clip(".avi", options=B_FRAMES).write(tmp_path / "m"))
    with pytest.raises(TimestampError, match=r"m\.avi: time stamps go from \d+ to \d+, expected them to rise"):
        pieces(movie, [WHOLE])


@pytest.mark.parametrize("number", [0, 3, 10, 17])
def test_a_spoiled_packet_costs_only_what_leans_on_it(tmp_path: Path, number: int) -> None:
    path = Clip(options=X264, size=(128, 96)).write(tmp_path / "m")
    movie = open_movie(spoiled(path, number))
    expected, faults = pieces(movie, [WHOLE])
    assert faults == f"1 packets could not be decoded, {60 - len(expected)} frames are missing"
    numbers = {n for _, n, _ in expected}
    assert numbers >= set(range(20, 60)) | set(range(number // 10 * 10))
    assert number not in numbers
    packets = read_packets(movie)
    for segments in (cut(movie, packets, 0.1), *random_cuts(packets.pts, 4)):
        assert pieces(movie, segments) == (expected, faults)


def test_each_fault_is_counted_by_its_own_segment(tmp_path: Path) -> None:
    path = Clip(options=X264, size=(128, 96)).write(tmp_path / "m")
    movie = open_movie(spoiled(spoiled(path, 3), 33))
    faults = [pieces(movie, [segment])[1] for segment in cut(movie, read_packets(movie), 0.4)]
    one = "1 packets could not be decoded, 1 frames are missing"
    assert faults == [one, "", "", one, "", ""]


@pytest.mark.parametrize("codec", ["libx264", "mpeg4", "libvpx-vp9"])
@pytest.mark.parametrize("number", [5, 33, 57, 59])
def test_threads_lose_nothing_behind_a_spoiled_packet(tmp_path: Path, codec: str, number: int) -> None:
    options = B_FRAMES if codec == "libx264" else {"g": "10"}
    movie = open_movie(spoiled(Clip(codec=codec, options=options, size=(128, 96)).write(tmp_path / "m"), number))
    segments = cut(movie, read_packets(movie), 1)
    alone, faults = pieces(movie, segments)
    assert len(alone) < 60
    for threads in (3, 8):
        assert pieces(movie, segments, threads) == (alone, faults)


def test_what_is_missing_is_counted(tmp_path: Path) -> None:
    """All that depends on a key frame is lost with it, though a single packet was refused."""
    film = Clip(options={**X264, "keyint_min": "20", "g": "20", "refs": "1"}, size=(128, 96)).write(tmp_path / "m")
    movie = open_movie(spoiled(film, 20))
    for threads in (1, 3):
        found, missing = 0, 0
        for segment in cut(movie, read_packets(movie), 0.4):
            faults = DecodeFaults()
            found += len(list(decode(movie, segment, faults, threads)))
            missing += faults.missing
        assert found < 60
        assert found + missing == 60


def test_the_end_of_a_file_that_shrinks_is_missing(tmp_path: Path) -> None:
    movie = open_movie(Clip(".mkv", options=X264, size=(128, 96)).write(tmp_path / "m"))
    truncated(movie.path, 0.5)
    faults = DecodeFaults()
    found = len(list(decode(movie, replace(WHOLE, frames=60), faults)))
    assert 0 < found < 40
    assert found + faults.missing == 60


@pytest.mark.parametrize(
    "border",
    [
        10240,
        10241,
        10752,
    ],
)
def test_a_spoiled_key_frame_is_counted_once_wherever_a_segment_begins(tmp_path: Path, border: int) -> None:
    movie = open_movie(spoiled(Clip(options=X264, size=(128, 96)).write(tmp_path / "m"), 20))
    assert pieces(movie, spans(border)) == pieces(movie, [WHOLE])


def test_a_late_picture_behind_a_spoiled_key_frame(tmp_path: Path) -> None:
    path = Clip(options=B_FRAMES, size=(128, 96)).write(tmp_path / "m")
    movie = open_movie(spoiled(path, 10))
    with pytest.raises(TimestampError):
        pieces(movie, [WHOLE])
    found, faults = pieces(movie, [UNTRUSTED])
    assert all(a < b for a, b in pairwise(p for p, _, _ in found if p is not None))
    assert {n for _, n, _ in found} >= {*range(10), *range(20, 60)}
    assert faults == f"1 packets could not be decoded, {60 - len(found)} frames are missing"


@pytest.mark.parametrize(
    "clip",
    [
        Clip(".mkv", options=B_FRAMES),
        Clip(options=B_FRAMES, muxer={"movflags": "faststart"}),
        Clip(".ts", options=B_FRAMES),
        Clip(".avi", codec="mpeg4", options={"g": "12"}, pts=range(200), size=(128, 96)),
    ],
    ids=lambda clip: clip.suffix,
)
def test_a_truncated_file_is_decoded_to_its_end(tmp_path: Path, clip: Clip) -> None:
    movie = open_movie(truncated(clip.write(tmp_path / "m"), 0.6))
    packets = read_packets(movie)
    expected, _ = pieces(movie, [WHOLE])
    sound = [number for _, number, _ in expected][:-2]  # the last packet is cut through, and what depends on it
    assert sound == list(range(len(sound)))
    assert len(packets.pts) - 3 <= len(expected) <= len(packets.pts)
    for segments in (cut(movie, packets, 0.1), *random_cuts(packets.pts, 4)):
        assert pieces(movie, segments)[0] == expected


def test_no_picture_changes_when_reading_continues(tmp_path: Path) -> None:
    movie = open_movie(Clip(options=B_FRAMES).write(tmp_path / "m"))
    at_once = [zlib.crc32(f.picture.to_ndarray().tobytes()) for f in decode(movie, WHOLE, DecodeFaults())]
    kept = list(decode(movie, WHOLE, DecodeFaults()))
    assert [zlib.crc32(f.picture.to_ndarray().tobytes()) for f in kept] == at_once


def test_the_file_may_be_gone_by_then(tmp_path: Path) -> None:
    path = Clip(options=X264).write(tmp_path / "m")
    movie = open_movie(path)
    path.unlink()
    with pytest.raises(InputError, match=r"m\.mp4: cannot be read"):
        next(decode(movie, WHOLE, DecodeFaults()))


def test_a_decoder_left_early_closes_the_file(tmp_path: Path) -> None:
    path = Clip(options=X264).write(tmp_path / "m")
    frames = decode(open_movie(path), WHOLE, DecodeFaults())
    assert next(frames).pts == 0
    assert is_open(path)
    frames.close()
    assert not is_open(path)


def test_a_reader_closes_the_file_on_close_and_after_faults(tmp_path: Path) -> None:
    path = Clip(options=X264).write(tmp_path / "m")
    movie = open_movie(path)
    with Reader() as reader:
        sound = list(decode(movie, WHOLE, DecodeFaults(), reader=reader))
        assert is_open(path)
        reader.close()
        assert not is_open(path)
        late = spans(sound[5].pts)[1]
        assert [f.pts for f in decode(movie, late, DecodeFaults(), reader=reader)] == [f.pts for f in sound[5:]]
        assert is_open(path)
        path = spoiled(path, 9)
        faults = DecodeFaults()
        list(decode(replace(movie, path=path), WHOLE, faults, reader=reader))
        assert str(faults)
        assert not is_open(path)


def test_a_reader_opens_what_has_taken_the_files_place(tmp_path: Path) -> None:
    path = Clip(options=X264).write(tmp_path / "m")
    other = Clip(pts=range(0, 4000, 80), options=X264).write(tmp_path / "other")
    movie, late = open_movie(path), spans(200)[1]
    with Reader() as reader:
        before = [frame.pts for frame in decode(movie, late, DecodeFaults(), reader=reader)]
        os.replace(other, path)
        assert [frame.pts for frame in decode(movie, late, DecodeFaults(), reader=reader)] != before
        path.unlink()
        with pytest.raises(InputError, match=r"m\.mp4: cannot be read"):
            next(decode(movie, late, DecodeFaults(), reader=reader))


def test_streams_beside_the_first_are_no_obstacle(tmp_path: Path) -> None:
    source = Clip(".mkv", options=B_FRAMES).write(tmp_path / "source")
    doubled = remuxed(source, tmp_path / "doubled.mkv", "-map", "0:v", "-map", "0:v", "-disposition:v:1", "default")
    movie = open_movie(doubled)
    assert [n for _, n, _ in pieces(movie, cut(movie, read_packets(movie), 0.5))[0]] == list(range(60))


@pytest.mark.parametrize(
    ("refused", "damaged", "said"),
    [
        (0, 0, ""),
        (2, 0, "2 packets could not be decoded"),
        (0, 3, "3 frames are damaged"),
        (2, 3, "2 packets could not be decoded, 3 frames are damaged"),
    ],
)
def test_faults_in_words(refused: int, damaged: int, said: str) -> None:
    faults = DecodeFaults()
    faults.refused, faults.damaged = refused, damaged
    assert str(faults) == said


@pytest.mark.parametrize(
    ("pts", "seconds"),
    [([], Fraction(1, 24)), ([5], Fraction(1, 24)), ([0, 40], Fraction(4, 100)), ([0, 40, 41], Fraction(1, 1000))],
)
def test_shown_for(pts: list[int], seconds: Fraction) -> None:
    movie = Movie(Path("m"), 0, "h264", MS, Fraction(0), 64, 48, Orientation(), Fraction(24), UNSPECIFIED)
    assert shown_for(movie, pts) == seconds
