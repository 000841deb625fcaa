"""What the project promises, on real movies, against independent readings of them."""

import hashlib
import json
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from shared_data import MOVIES

from pipeline import schema

FACES = sorted(path.name for path in (MOVIES / "faces").glob("*"))
TIMED = [f"{folder}/{path.name}" for folder in ("faces", "noface") for path in sorted((MOVIES / folder).glob("*"))]
TABLES = ("timeline", "tracks", "shots", "scenes", "people", "scene_people", "relative", "arc")
FAILING = {
    "audio_only.m4a": "found only audio",
    "random_bytes.mp4": "FFmpeg cannot read",
    "text.mp4": "FFmpeg cannot read",
    "truncated_no_moov.mp4": "FFmpeg cannot read",
    "zero_bytes.mp4": "empty file",
}
PARTIAL = {
    "bitflips.mp4": "damaged",
    "truncated.mkv": "promises 4.0 s, the data end at 1.7 s",
    "truncated_faststart.mp4": "the index lists 96 pictures, the data hold 38",
}


def read_times(path: Path) -> tuple[list[int], list[float]]:
    """Return pts and player's time of every frame, as PyAV alone reads them."""
    with av.open(str(path)) as container:
        stream = container.streams.best("video")
        start = Fraction(container.start_time or 0, 1_000_000)
        pts = []
        for packet in container.demux(stream):
            try:
                pts += [frame.pts for frame in packet.decode()]
            except av.error.FFmpegError:
                continue
        return pts, [float(p * stream.time_base - start) for p in pts]


def audio_packets(path: Path) -> list[tuple[str, list[str]]]:
    """Return codec and checksums of the packets of every audio stream."""
    with av.open(str(path)) as container:
        streams = container.streams.audio
        sums: dict[int, list[str]] = {stream.index: [] for stream in streams}
        if streams:
            for packet in container.demux(*streams):
                if packet.size:
                    sums[packet.stream.index].append(hashlib.sha256(bytes(packet)).hexdigest())
        return [(stream.codec_context.codec.canonical_name, sums[stream.index]) for stream in streams]


def frames_of(timeline: Path) -> pd.DataFrame:
    return pd.read_parquet(timeline).drop_duplicates("frame")


def test_all_movies_with_faces_are_done(moodreel_run):
    out, process = moodreel_run("faces")
    assert process.returncode == 0, process.stdout + process.stderr
    movies = pd.read_parquet(out / "movies.parquet")
    assert sorted(movies.movie) == FACES
    assert len(FACES) == 18
    assert set(movies.status) == {"done"}
    for name in FACES:
        folder = out / name
        files = {f"{table}.parquet" for table in TABLES} | {"annotated.mp4", "tracks.csv"}
        files |= {"report.html", "poster.jpg", "moments.arrow"}
        assert {path.name for path in folder.iterdir()} == files | {"scenes.csv", "job.json"}


def test_a_battle_of_17_shots_has_few_scenes(moodreel_run):
    """Down the tower at 47.0 s, and into the church at 57.4 s: there, any viewer would cut."""
    out, _ = moodreel_run("faces")
    shots, scenes = (
        pd.read_parquet(out / "tears_of_steel_battle.webm" / f"{name}.parquet") for name in ("shots", "scenes")
    )
    assert len(shots) == 17
    assert len(scenes) < 8
    for border in (47.0, 57.4):
        assert (scenes.start - border).abs().min() < 0.1


@pytest.mark.parametrize("name", TIMED)
def test_every_frame_is_there_at_its_time(moodreel_run, name):
    folder, movie = name.split("/")
    out, _ = moodreel_run(folder)
    frames = frames_of(out / movie / "timeline.parquet")
    pts, times = read_times(MOVIES / name)
    assert frames.frame.tolist() == list(range(len(pts)))
    assert frames.pts.tolist() == pts
    assert frames.time.to_numpy() == pytest.approx(times, abs=1e-9)
    _, annotated = read_times(out / movie / "annotated.mp4")
    assert len(annotated) == len(times)
    assert np.abs(np.array(annotated) - times).max() <= 1e-3


@pytest.mark.parametrize("name", TIMED)
def test_sound_is_the_sources_own(moodreel_run, name):
    folder, movie = name.split("/")
    out, _ = moodreel_run(folder)
    source, annotated = audio_packets(MOVIES / name), audio_packets(out / movie / "annotated.mp4")
    assert len(annotated) == len(source)
    for (codec, packets), (codec_out, packets_out) in zip(source, annotated, strict=True):
        if codec in ("aac", "mp3"):
            assert codec_out == codec
            assert packets_out == packets
        else:
            assert codec_out == "aac"
            assert packets_out


@pytest.mark.parametrize("name", FACES)
def test_tables_keep_their_schemas(moodreel_run, name):
    out, _ = moodreel_run("faces")
    for table in TABLES:
        found = pq.read_schema(out / name / f"{table}.parquet")
        assert found.equals(getattr(schema, table.upper()))
        assert json.loads(found.metadata[b"moodreel"])["schema_version"] == schema.VERSION


def test_she_smiles_at_the_end(moodreel_run):
    out, _ = moodreel_run("faces")
    timeline = pd.read_parquet(out / "pexels_langer_sad_to_happy.mp4" / "timeline.parquet")
    end = timeline[timeline.time.between(12.4, 19.6) & timeline.track.notna()]
    assert len(end) > 100
    assert (end.emotion == "happy").mean() >= 0.9


def test_faces_are_where_they_are(moodreel_run):
    out, _ = moodreel_run("faces")
    timeline = pd.read_parquet(out / "pyfeat_face_noface.mov" / "timeline.parquet")
    with_face = set(timeline[timeline.track.notna()].frame)
    assert with_face >= set(range(72))
    assert not with_face & set(range(73, 169))


def test_few_false_faces(moodreel_run):
    out, process = moodreel_run("noface")
    assert process.returncode == 0, process.stdout + process.stderr
    timeline = pd.concat(pd.read_parquet(path) for path in out.rglob("timeline.parquet"))
    frames = timeline.drop_duplicates(["movie", "frame"])
    assert len(frames) == 95 + 150 + 1189 + 1394 + 390
    assert timeline.track.notna().sum() / len(frames) <= 5 / 1000


def test_awkward_files(moodreel_run):
    out, process = moodreel_run("robust")
    assert process.returncode == 1
    movies = pd.read_parquet(out / "movies.parquet").set_index("movie")
    assert len(movies) == 36
    assert set(movies.index[movies.status == "failed"]) == set(FAILING)
    assert set(movies.index[movies.status == "partial"]) == set(PARTIAL)
    for name, reason in {**FAILING, **PARTIAL}.items():
        assert reason in movies.reason[name], name
    for name in FAILING:
        assert sum(f" failed: {name}: " in line for line in process.stderr.splitlines()) == 1


@pytest.mark.parametrize("name", sorted(path.name for path in (MOVIES / "robust").glob("*")))
def test_awkward_files_keep_their_times(moodreel_run, name):
    if name in FAILING:
        pytest.skip("no movie")
    out, _ = moodreel_run("robust")
    pts, times = read_times(MOVIES / "robust" / name)
    frames = frames_of(out / name / "timeline.parquet")
    assert frames.pts.tolist() == pts
    assert frames.time.to_numpy() == pytest.approx(times, abs=1e-9)
    _, annotated = read_times(out / name / "annotated.mp4")
    assert len(annotated) == len(times)
    assert np.abs(np.array(annotated) - times).max() <= 1e-3
