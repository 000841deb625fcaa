"""Assembling: hand-made observations to tables whose every number can be worked out by hand."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from pipeline import schema
from pipeline.errors import InputError
from pipeline.faces.track import TrackOptions
from pipeline.media.movie import UNSPECIFIED, Movie, Orientation
from pipeline.scenes.shots import ChangeScorer
from pipeline.schema import BOX, EMOTIONS
from pipeline.tables.columns import column_of
from pipeline.tables.observations import Observations
from pipeline.tables.relabel import relabel
from pipeline.tables.shares import FaceRows, emotion_columns, face_columns, view_columns
from pipeline.tables.timeline import Tables, assemble

MS = Fraction(1, 1000)
MOVIE = Movie(Path("m.mkv"), 0, "h264", MS, Fraction(0), 640, 360, Orientation(), Fraction(25), UNSPECIFIED)
SCHEMAS = {"timeline": schema.TIMELINE, "tracks": schema.TRACKS, "shots": schema.SHOTS, "scenes": schema.SCENES}
LOOKS = ("size", "yaw", "sharpness", "quality")
FACE_COLUMNS = ("track", "person", *BOX, "score", *EMOTIONS, *LOOKS, "emotion", "confidence")
ANGRY, HAPPY, SAD = (EMOTIONS.index(name) for name in ("angry", "happy", "sad"))
STEADY = range(0, 2000, 40)
DARK, LIGHT = (np.full((90, 160, 3), level, np.uint8) for level in (20, 220))

Face = tuple[int, int, float]
"""Frame, index of the emotion, left side of a box of 10 px."""


def observations(
    pts: Sequence[int], faces: Sequence[Face] = (), pictures: Mapping[int, NDArray[np.uint8]] | None = None
) -> Observations:
    """Observe a film that is dark but for the ``pictures`` at which it changes."""
    scorer = ChangeScorer()
    shown, change, ends = DARK, [], []
    for frame in range(len(pts)):
        shown = (pictures or {}).get(frame, shown)
        change.append(scorer.score(shown))
        ends.append(shown)
    column = np.array(faces, np.float32).reshape(-1, 3)
    probabilities = np.full((len(column), 7), 0.05, np.float32)
    probabilities[np.arange(len(column)), column[:, 1].astype(int)] = 0.7
    left, zero = column[:, 2], np.zeros(len(column), np.float32)
    return Observations(
        pts=np.array(pts, np.int64),
        change=np.array(change, np.float32),
        ends=np.array(ends[:1] + ends[-1:], np.uint8),
        face_frame=column[:, 0].astype(np.int32),
        boxes=np.stack([left, zero, left + 10, zero + 10], axis=1),
        scores=np.full(len(column), 0.9, np.float32),
        probabilities=probabilities,
        yaw=np.full(len(column), 30, np.float32),
        sharpness=np.full(len(column), 0.2, np.float32),
        contrast=np.full(len(column), 0.2, np.float32),
        miniatures=np.zeros((len(column), 8, 8), np.uint8),
        refused=0,
        damaged=0,
    )


def split(whole: Observations, pictures: Sequence[NDArray[np.uint8]], *borders: int) -> list[Observations]:
    """Split observations as if the segments had been cut at the frames ``borders``."""
    edges = [0, *borders, len(whole.pts)]
    parts = []
    for start, end in pairwise(edges):
        faces = (whole.face_frame >= start) & (whole.face_frame < end)
        change = whole.change[start:end].copy()
        change[:1] = 0
        shown = pictures[start:end]
        parts.append(
            Observations(
                whole.pts[start:end], change, np.array([*shown[:1], *shown[-1:]], np.uint8),
                whole.face_frame[faces] - np.int32(start), whole.boxes[faces], whole.scores[faces],
                whole.probabilities[faces], whole.yaw[faces], whole.sharpness[faces], whole.contrast[faces],
                whole.miniatures[faces], 0, 0,
            )
        )  # fmt: skip
    return parts


def tables(*parts: Observations, movie: Movie = MOVIE, options: TrackOptions | None = None) -> Tables:
    return assemble("day 1.mkv", movie, parts, options or TrackOptions(), {"model": "a", "path": "ä"})


def rows(table: pa.Table) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = table.to_pylist()
    return found


CUT = {25: LIGHT}
FACES = [(f, HAPPY if f < 8 else SAD, 0) for f in range(5, 15)] + [(f, ANGRY, 300) for f in range(30, 34)]
WHOLE = observations(STEADY, FACES, CUT)

PARTS: dict[str, list[Observations]] = {
    "two shots with faces": [WHOLE],
    "no face": [observations(STEADY)],
    "no face in segments": [observations(STEADY[:20]), observations(STEADY[20:])],
    "one frame": [observations([7])],
    "one frame with a face": [observations([7], [(0, SAD, 0)])],
    "an empty segment first": [observations([]), WHOLE],
    "an empty segment last": [WHOLE, observations([])],
    "two faces at once": [
        observations(STEADY, sorted([*((f, HAPPY, 0) for f in range(5)), *((f, SAD, 90) for f in range(3, 9))]))
    ],
}


@pytest.mark.parametrize("parts", PARTS.values(), ids=PARTS)
class TestWhateverIsObserved:
    def test_schemas_are_the_documented_ones(self, parts: list[Observations], tmp_path: Path) -> None:
        result = tables(*parts)
        for name, expected in SCHEMAS.items():
            table = getattr(result, name)
            assert table.schema.remove_metadata() == expected
            table.validate(full=True)
            for field in expected:
                assert field.nullable or table[field.name].null_count == 0, field.name
            pq.write_table(table, tmp_path / f"{name}.parquet", compression="zstd")
            assert pq.read_schema(tmp_path / f"{name}.parquet").remove_metadata() == expected

    def test_every_frame_is_there(self, parts: list[Observations]) -> None:
        pts = [p for part in parts for p in part.pts.tolist()]
        result = tables(*parts)
        found = rows(result.timeline)
        assert sorted({row["frame"] for row in found}) == list(range(len(pts)))
        assert [row["frame"] for row in found] == sorted(row["frame"] for row in found)
        assert all(row["pts"] == pts[row["frame"]] for row in found)
        assert all(row["time"] == pytest.approx(row["pts"] / 1000) for row in found)
        for span in (result.shots, result.scenes):
            assert sum(row["frames"] for row in rows(span)) == len(pts) == result.summary["frames"]
            assert rows(span)[0]["first_frame"] == 0
            assert rows(span)[-1]["last_frame"] == len(pts) - 1

    def test_a_frame_without_a_face_has_one_row_of_nulls(self, parts: list[Observations]) -> None:
        found = rows(tables(*parts).timeline)
        for frame in {row["frame"] for row in found}:
            here = [row for row in found if row["frame"] == frame]
            if here[0]["track"] is None:
                assert len(here) == 1
                assert all(here[0][name] is None for name in FACE_COLUMNS)
            else:
                assert [row["track"] for row in here] == sorted({row["track"] for row in here})
                assert all(row[name] is not None for row in here for name in (*BOX, "emotion", "confidence"))

    def test_shares_and_means_sum_to_one_or_are_null(self, parts: list[Observations]) -> None:
        result = tables(*parts)
        for row in [*rows(result.tracks), *rows(result.shots), *rows(result.scenes), result.summary]:
            for kind in ("share", "mean"):
                values = [row[f"{kind}_{name}"] for name in EMOTIONS]
                if row.get("face_frames", 1):
                    assert sum(values) == pytest.approx(1)
                    assert all(0 <= value <= 1 for value in values)
                    assert row["dominant"] == max(EMOTIONS, key=lambda name: row[f"share_{name}"])
                else:
                    assert values == [None] * 7
                    assert row["dominant"] is None
                    assert (row["coverage"], row["faces_max"], row["tracks"]) == (0, 0, 0)

    def test_spans_agree_with_the_timeline(self, parts: list[Observations]) -> None:
        result = tables(*parts)
        timeline = result.timeline.to_pandas()
        faces = timeline[timeline["track"].notna()]
        for row in rows(result.shots):
            here = faces[faces["shot"] == row["shot"]]
            assert row["face_frames"] == here["frame"].nunique()
            assert row["tracks"] == here["track"].nunique()
            assert row["faces_max"] == here.groupby("frame").size().max() if len(here) else row["faces_max"] == 0
        for row in rows(result.tracks):
            here = faces[faces["track"] == row["track"]]
            assert here["frame"].tolist() == list(range(row["first_frame"], row["last_frame"] + 1))
            assert row["frames"] == len(here)
            assert row["detections"] == here["score"].notna().sum()
        assert result.summary["faces"] == len(faces)

    def test_the_metadata_tells_the_clock(self, parts: list[Observations]) -> None:
        result = tables(*parts, movie=replace(MOVIE, clock_start=Fraction(-1, 3)))
        for name in SCHEMAS:
            assert json.loads(getattr(result, name).schema.metadata[b"moodreel"]) == {
                "schema_version": schema.VERSION, "time_base": "1/1000", "clock_start": "-1/3", "width": 640,
                "height": 360, "model": "a", "path": "ä",
            }  # fmt: skip


def test_two_shots_by_hand() -> None:
    result = tables(WHOLE, options=TrackOptions(smoothing=0, stay=0))
    dark, light = rows(result.shots)
    assert (dark["start"], dark["end"], light["start"], light["end"]) == pytest.approx((0, 1, 1, 2))
    assert (dark["first_frame"], dark["last_frame"], light["first_frame"], light["last_frame"]) == (0, 24, 25, 49)
    assert (dark["face_frames"], light["face_frames"]) == (10, 4)
    assert (dark["coverage"], light["coverage"]) == pytest.approx((10 / 25, 4 / 25))
    assert (dark["share_happy"], dark["share_sad"], dark["share_angry"]) == pytest.approx((0.3, 0.7, 0))
    assert dark["mean_happy"] == pytest.approx((3 * 0.7 + 7 * 0.05) / 10)
    assert (dark["dominant"], light["dominant"]) == ("sad", "angry")
    first, second = rows(result.tracks)
    assert (first["track"], first["shot"], first["first_frame"], first["last_frame"]) == (0, 0, 5, 14)
    assert (second["track"], second["shot"], second["first_frame"], second["last_frame"]) == (1, 1, 30, 33)
    assert (first["start"], first["end"]) == pytest.approx((0.2, 0.6))
    assert first["score"] == pytest.approx(0.9)
    scenes = rows(result.scenes)
    assert [(row["scene"], row["shots"]) for row in scenes] == [(0, 1), (1, 1)]
    same = set(dark) & set(scenes[0])
    assert {k: scenes[0][k] for k in same} == {k: dark[k] for k in same}
    assert result.summary["duration"] == pytest.approx(2)
    assert (result.summary["shots"], result.summary["tracks"], result.summary["faces"]) == (2, 2, 14)
    assert all(type(value) in (int, float, str) for value in result.summary.values())


def test_time_counts_not_frames() -> None:
    """Frames of 0.1, 0.2, 0.3, 0.4 s and, as the last is shown as long as the one before, 0.4 s."""
    pts = [0, 100, 300, 600, 1000]
    seen = observations(pts, [(1, HAPPY, 0), (2, HAPPY, 0), (3, SAD, 0), (4, SAD, 0)])
    result = tables(seen, options=TrackOptions(smoothing=0, stay=0))
    (shot,) = rows(result.shots)
    assert shot["end"] == pytest.approx(1.4)
    assert shot["coverage"] == pytest.approx(1.3 / 1.4)
    assert shot["share_happy"] == pytest.approx(0.5 / 1.3)
    assert shot["share_sad"] == pytest.approx(0.8 / 1.3)
    assert shot["mean_happy"] == pytest.approx((0.5 * 0.7 + 0.8 * 0.05) / 1.3)
    assert shot["dominant"] == "sad"
    assert result.summary["share_sad"] == pytest.approx(0.8 / 1.3)


def test_an_interpolated_face_has_neither_score_nor_probabilities() -> None:
    seen = observations(STEADY, [(0, HAPPY, 0), (1, HAPPY, 0), (4, HAPPY, 3)])
    found = rows(tables(seen).timeline)
    assert [row["track"] for row in found[:6]] == [0, 0, 0, 0, 0, None]
    for row in found[2:4]:
        assert row["score"] is None
        assert all(row[name] is None for name in EMOTIONS)
        assert row["emotion"] == "happy"
        assert row["confidence"] == pytest.approx(0.7)
    assert [row["x1"] for row in found[:5]] == pytest.approx([0, 0, 1, 2, 3])
    (track,) = rows(tables(seen).tracks)
    assert (track["frames"], track["detections"]) == (5, 3)
    assert track["score"] == pytest.approx(0.9)
    assert track["mean_happy"] == pytest.approx(0.7)


def test_probabilities_are_the_networks_and_the_label_is_smoothed() -> None:
    seen = observations(STEADY, [(f, SAD if f == 6 else HAPPY, 0) for f in range(13)])
    found = rows(tables(seen).timeline)
    assert found[6]["sad"] == pytest.approx(0.7)
    assert found[6]["emotion"] == "happy"
    assert found[6]["confidence"] == pytest.approx((12 * 0.7 + 0.05) / 13)
    assert sum(found[6][name] for name in EMOTIONS) == pytest.approx(1)


@pytest.mark.parametrize(
    "borders", [(25,), (24,), (26,), (1,), (49,), (45,), (7, 10, 25), (25, 25), (0, 50), range(1, 50)]
)
def test_how_a_movie_is_split_does_not_matter(borders: Sequence[int]) -> None:
    pictures = [DARK] * 25 + [LIGHT] * 25
    expected, found = tables(WHOLE), tables(*split(WHOLE, pictures, *borders))
    assert len(expected.shots) == 2
    for name in SCHEMAS:
        assert getattr(found, name).equals(getattr(expected, name), check_metadata=True), name
    assert found.summary == expected.summary


def test_a_cut_just_between_two_segments_is_found() -> None:
    before, after = observations(STEADY[:25]), observations(STEADY[25:], pictures={0: LIGHT})
    assert after.change[0] == 0
    result = tables(before, after)
    assert [row["first_frame"] for row in rows(result.shots)] == [0, 25]
    assert after.change[0] == 0  # what a segment observed is not written to


def test_a_track_that_is_hidden_for_a_while_ends_where_it_was_seen_last() -> None:
    front, behind = [(frame, HAPPY, 0) for frame in range(7)], [(frame, SAD, 5) for frame in (0, 1, 5, 6)]
    result = tables(observations(STEADY, sorted(front + behind)))
    assert [row["frame"] for row in rows(result.timeline) if row["track"] == 1] == [0, 1, 5, 6]
    _, hidden = rows(result.tracks)
    assert (hidden["first_frame"], hidden["last_frame"], hidden["frames"], hidden["detections"]) == (0, 6, 4, 4)
    assert (hidden["start"], hidden["end"]) == pytest.approx((0, 0.28))


def test_a_track_continues_across_segments_but_not_across_cuts() -> None:
    faces = [(f, HAPPY, 0) for f in range(25)]
    same = tables(observations(STEADY[:25], faces), observations(STEADY[25:], faces))
    assert [(row["first_frame"], row["last_frame"]) for row in rows(same.tracks)] == [(0, 49)]
    other = tables(observations(STEADY[:25], faces), observations(STEADY[25:], faces, {0: LIGHT}))
    assert [(row["first_frame"], row["last_frame"]) for row in rows(other.tracks)] == [(0, 24), (25, 49)]


@pytest.mark.parametrize("start", [Fraction(0), Fraction(10), Fraction(-1, 2), Fraction(1, 3)])
def test_time_counts_from_the_containers_start(start: Fraction) -> None:
    result = tables(observations([400, 440]), movie=replace(MOVIE, clock_start=start))
    assert [row["time"] for row in rows(result.timeline)] == pytest.approx([0.4 - float(start), 0.44 - float(start)])
    assert result.summary["duration"] == pytest.approx(0.08)


@pytest.mark.parametrize("name", ["a.mp4", "Ünï çødé/映画 №1.mkv", 'it\'s "quoted", with a comma.mp4', ""])
def test_every_table_carries_the_movies_name(name: str) -> None:
    result = assemble(name, MOVIE, [WHOLE], TrackOptions(), {})
    for table in SCHEMAS:
        assert set(getattr(result, table)["movie"].to_pylist()) == {name}


@pytest.mark.parametrize("parts", [[observations([])], [observations([]), observations([])]], ids=["one", "two"])
def test_a_movie_without_a_frame_is_refused(parts: list[Observations]) -> None:
    with pytest.raises(InputError, match=r"m\.mkv: not one frame of its h264 video can be decoded"):
        tables(*parts)


def face_rows(*rows: tuple[int, int, int, int, float], classified: bool = True) -> FaceRows:
    """Build from span, frame, track, emotion and seconds of each face."""
    column = np.array(rows, np.float64).reshape(-1, 5)
    group, frame, track, emotion = (column[:, k].astype(np.int32) for k in range(4))
    probabilities = np.eye(8, 7, dtype=np.float32)[emotion]
    return FaceRows(group, frame, track, emotion, probabilities if classified else probabilities * np.nan, column[:, 4])


def test_spans_without_faces() -> None:
    columns = emotion_columns(face_rows(), 2)
    named = {f"{kind}_{name}" for kind in ("share", "mean") for name in EMOTIONS}
    assert set(columns) == named | {"share_unsure", "dominant"}
    assert all(column_of(column).to_pylist() == [None, None] for column in columns.values())
    counts = face_columns(face_rows(), 2, np.array([0, 0, 1], np.int32), np.ones(3))
    assert {name: column.tolist() for name, column in counts.items()} == {
        "frames": [2, 1], "face_frames": [0, 0], "coverage": [0, 0], "faces_max": [0, 0], "tracks": [0, 0],
    }  # fmt: skip


def test_spans_by_hand() -> None:
    rows_ = face_rows((0, 0, 0, HAPPY, 1), (0, 0, 1, SAD, 1), (0, 1, 0, SAD, 2), (2, 4, 2, SAD, 5))
    frame_group = np.array([0, 0, 1, 2, 2], np.int32)
    counts = face_columns(rows_, 3, frame_group, np.array([1, 2, 3, 4, 5], np.float64))
    assert {name: column.tolist() for name, column in counts.items()} == {
        "frames": [2, 1, 2], "face_frames": [2, 0, 1], "coverage": [1, 0, pytest.approx(5 / 9)],
        "faces_max": [2, 0, 1], "tracks": [2, 0, 1],
    }  # fmt: skip
    columns = emotion_columns(rows_, 3)
    columns = {name: column_of(column).to_pylist() for name, column in columns.items()}
    assert columns["share_happy"] == [pytest.approx(1 / 4), None, 0]
    assert columns["share_sad"] == [pytest.approx(3 / 4), None, 1]
    assert columns["mean_sad"] == [pytest.approx(3 / 4), None, 1]
    assert columns["dominant"] == ["sad", None, "sad"]


def test_a_span_of_unclassified_faces_has_shares_but_no_means() -> None:
    columns = emotion_columns(face_rows((0, 0, 0, HAPPY, 1), classified=False), 1)
    assert column_of(columns["share_happy"]).to_pylist() == [1]
    assert column_of(columns["mean_happy"]).to_pylist() == [None]


def test_shares_are_of_what_is_sure() -> None:
    unsure = schema.UNSURE
    rows_ = face_rows((0, 0, 0, HAPPY, 1), (0, 1, 0, SAD, 3), (0, 2, 0, unsure, 6), (1, 3, 1, unsure, 2))
    columns = {name: column_of(column).to_pylist() for name, column in emotion_columns(rows_, 3).items()}
    assert columns["share_happy"] == [pytest.approx(1 / 4), None, None]
    assert columns["share_sad"] == [pytest.approx(3 / 4), None, None]
    assert columns["share_unsure"] == [pytest.approx(6 / 10), 1, None]
    assert columns["dominant"] == ["sad", "unsure", None]


def test_faces_count_alike_or_by_their_area() -> None:
    """A small face is happy for 6 s and unsure for 2, a large one sad for 2; in the other span nothing is sure."""
    unsure = schema.UNSURE
    rows_ = face_rows(
        (0, 0, 0, HAPPY, 6), (0, 1, 0, unsure, 2), (0, 2, 1, SAD, 2), (1, 3, 1, unsure, 1), (1, 3, 2, unsure, 1)
    )
    area = np.array([1, 1, 9, 9, 1], np.float64)
    found = view_columns(rows_, 3, rows_.track, area)
    columns = {name: column_of(column).to_pylist() for name, column in found.items()}
    assert columns["face_share_happy"] == [pytest.approx(1 / 2), None, None]
    assert columns["face_share_sad"] == [pytest.approx(1 / 2), None, None]
    assert columns["face_share_unsure"] == [pytest.approx((2 / 8 + 0) / 2), 1, None]
    assert columns["size_share_happy"] == [pytest.approx(6 / 24), None, None]
    assert columns["size_share_sad"] == [pytest.approx(18 / 24), None, None]
    assert columns["size_share_unsure"] == [pytest.approx(2 / 26), 1, None]
    none = view_columns(face_rows(), 1, face_rows().track, area[:0])
    assert all(column_of(column).to_pylist() == [None] for column in none.values())


def test_a_face_without_a_sure_label_does_not_count_among_the_sure() -> None:
    rows_ = face_rows((0, 0, 0, HAPPY, 1), (0, 0, 1, schema.UNSURE, 5))
    columns = view_columns(rows_, 1, rows_.track, np.ones(2))
    assert (columns["face_share_happy"].tolist(), columns["face_share_unsure"].tolist()) == ([1], [0.5])


def test_views_agree_where_faces_are_alike() -> None:
    """With faces as large and as long on screen as each other, all three weights are the same."""
    result = tables(observations(STEADY, [(f, (HAPPY, SAD)[k], 90 * k) for f in range(10) for k in range(2)]))
    for row in [*rows(result.scenes), result.summary]:
        for label in (*EMOTIONS, "unsure"):
            assert row[f"face_share_{label}"] == pytest.approx(row[f"share_{label}"])
            assert row[f"size_share_{label}"] == pytest.approx(row[f"share_{label}"])
    assert result.summary["share_happy"] == pytest.approx(1 / 2)


@pytest.mark.parametrize(("sure", "label"), [(0, "sad"), (0.5, "sad"), (0.8, "unsure"), (1, "unsure")])
def test_labels_without_support_are_unsure_and_keep_their_confidence(sure: float, label: str) -> None:
    faces = [(f, SAD, 0) for f in range(10)]  # with a probability of 0.7
    result = assemble("m", MOVIE, [observations(STEADY, faces)], TrackOptions(), {}, sure)
    shown = [row for row in rows(result.timeline) if row["track"] is not None]
    assert {row["emotion"] for row in shown} == {label}
    assert [row["confidence"] for row in shown] == [pytest.approx(0.7)] * 10
    assert rows(result.tracks)[0]["dominant"] == label
    assert result.summary["share_unsure"] == (label == "unsure")


def test_how_faces_are_shown_is_told_where_they_were_seen() -> None:
    faces = [(f, SAD, 0) for f in (0, 1, 2, 5, 6)]
    found = rows(tables(observations(STEADY, faces)).timeline)[:7]
    assert [row["size"] for row in found] == [10, 10, 10, None, None, 10, 10]
    assert [row["yaw"] for row in found] == [30, 30, 30, None, None, 30, 30]
    assert all((row["quality"] is None) == (row["score"] is None) == (row["sharpness"] is None) for row in found)
    assert all(row["emotion"] == "sad" for row in found)


@pytest.mark.parametrize("parts", PARTS.values(), ids=PARTS)
@pytest.mark.parametrize("sure", [0, 0.69, 1])
def test_a_timeline_gives_the_tables_that_observations_give(parts: list[Observations], sure: float) -> None:
    expected = assemble("m", MOVIE, parts, TrackOptions(), {"a": 1}, sure)
    before = assemble("m", MOVIE, parts, TrackOptions(), {"a": 0}, 0.3)
    found = relabel("m", MOVIE, before.timeline, before.shots, TrackOptions(), {"a": 1}, sure)
    for table in SCHEMAS:
        assert getattr(found, table).equals(getattr(expected, table), check_metadata=True), table
    assert found.summary == expected.summary
