"""Each format is read back by other means and compared with the tables, to a frame."""

import csv
import itertools
import json
import re
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made_up import make_up

from jobs.export.formats import find_format, format_names, summary_of
from jobs.export.options import DEFAULTS, TABLES, Options, Sheet
from jobs.export.result import Result, read_result
from jobs.export.sheets import LAYOUTS
from jobs.store.sidecar.corrections import Correction, FaceMark, add_correction
from jobs.store.sidecar.review_file import change_review
from jobs.store.workspace import MovieFolder
from pipeline import schema
from pipeline.schema import BOX, EMOTIONS, LABELS

NTSC = 1001 / 30000
"""s a frame: no time but every thousandth frame's is a whole number of ms."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> MovieFolder:
    made = make_up(tmp_path_factory.mktemp("made"), frames=610, faces=2, name="a b & <c>.mp4")
    for path in (made.timeline, made.tracks, made.shots, made.scenes):
        table = pq.read_table(path)
        for name in ("time", "start", "end"):
            if name in table.column_names:
                times = pa.array(np.round(table[name].to_numpy() * 25) * NTSC)
                table = table.set_column(table.column_names.index(name), table.schema.field(name), times)
        pq.write_table(table, path)
    return made


@pytest.fixture(scope="module")
def result(folder) -> Result:
    """Results in which no person is known."""
    found = read_result(folder)
    return with_persons(found, [None] * len(found.tables.timeline))


def with_persons(result: Result, persons: list[int | None], names: dict[int, str] | None = None) -> Result:
    timeline = result.tables.timeline
    place = timeline.column_names.index("person")
    timeline = timeline.set_column(place, "person", pa.array(persons, pa.int32()))
    changes = replace(result.tables.changes, person_names=names or {})
    return replace(result, tables=replace(result.tables, timeline=timeline, changes=changes))


@pytest.fixture(scope="module")
def with_people(result) -> Result:
    """The same, with a column ``person``: even tracks are person 0, the others are not known."""
    persons = [None if t is None or t % 2 else 0 for t in result.tables.timeline["track"].to_pylist()]
    return with_persons(result, persons, {0: "Ann\nB. <i>{x}"})


def written(result: Result, name: str, tmp_path: Path, options: Options = DEFAULTS) -> Path:
    path = tmp_path / f"x{find_format(name).SUFFIX}"
    find_format(name).write(result, path, options)
    return path


def labels_by_frame(result: Result, least: float = 0.5) -> list[list[str]]:
    """Return what subtitles should say on each frame, from the table alone, row by row."""
    runs: list[dict[str, int]] = []
    last: dict[int, dict[str, int]] = {}
    for row in result.tables.timeline.to_pylist():
        if row["track"] is None:
            continue
        run = last.get(row["track"])
        if run is None or run["label"] != row["emotion"] or run["last"] != row["frame"] - 1:
            run = {"track": row["track"], "label": row["emotion"], "first": row["frame"], "last": row["frame"]}
            runs.append(run)
            last[row["track"]] = run
        run["last"] = row["frame"]
    frames: list[list[str]] = [[] for _ in range(len(result.time) - 1)]
    for run in sorted(runs, key=lambda run: run["track"]):
        if result.time[run["last"] + 1] - result.time[run["first"]] >= least - 1e-6:
            for frame in range(run["first"], run["last"] + 1):
                frames[frame].append(f"face #{run['track']}: {run['label']}")
    return frames


def seconds(text: str) -> float:
    hours, minutes, rest = text.replace(",", ".").split(":")
    return 3600 * int(hours) + 60 * int(minutes) + float(rest)


def shown_by(cues: list[tuple[float, float, list[str]]], result: Result) -> list[list[str]]:
    """Return what a player shows on each frame: the cues whose span its time is in."""
    return [[line for start, end, lines in cues if start <= time < end for line in lines] for time in result.time[:-1]]


def without_percent(lines: list[str]) -> list[str]:
    return [re.sub(r" \d+%$", "", line) for line in lines]


def srt_cues(text: str) -> list[tuple[float, float, list[str]]]:
    found = []
    for number, block in enumerate(text.strip().split("\n\n"), 1):
        head, span, *lines = block.splitlines()
        assert head == str(number)
        start, end = re.fullmatch(r"(\d\d:\d\d:\d\d,\d{3}) --> (\d\d:\d\d:\d\d,\d{3})", span).groups()
        found.append((seconds(start), seconds(end), without_percent(lines)))
    return found


def vtt_cues(text: str) -> list[tuple[float, float, list[str]]]:
    head, *blocks = text.strip().split("\n\n")
    assert head == "WEBVTT"
    found = []
    for block in blocks:
        if block.startswith(("NOTE", "STYLE")):
            continue
        span, *lines = block.splitlines()
        start, end = re.fullmatch(r"(\d\d:\d\d:\d\d\.\d{3}) --> (\d\d:\d\d:\d\d\.\d{3}) line:0", span).groups()
        plain = [re.fullmatch(r"<c\.(\w+)>(.*)</c>", line).group(2) for line in lines]
        found.append((seconds(start), seconds(end), without_percent(plain)))
    return found


def ass_cues(text: str) -> list[tuple[float, float, list[str]]]:
    found = []
    for line in text.split("[Events]\n")[1].splitlines()[1:]:
        _, start, end, *_, words = line.split(",", 9)
        plain = re.sub(r"\{[^}]*\}", "", words).split(r"\N")
        found.append((seconds(start), seconds(end), without_percent(plain)))
    return found


@pytest.mark.parametrize(("name", "parse"), [("srt", srt_cues), ("vtt", vtt_cues), ("ass", ass_cues)])
class TestSubtitles:
    def test_say_on_each_frame_what_the_table_says(self, result, tmp_path, name, parse):
        found = shown_by(parse(written(result, name, tmp_path).read_text()), result)
        expected = labels_by_frame(result)
        assert any(expected)
        assert found == expected

    def test_never_overlap(self, result, tmp_path, name, parse):
        cues = parse(written(result, name, tmp_path).read_text())
        assert all(start < end for start, end, _ in cues)
        assert all(first[1] <= second[0] for first, second in itertools.pairwise(cues))

    def test_ffmpeg_reads_the_same(self, result, tmp_path, name, parse):
        path = written(result, name, tmp_path)
        cues = parse(path.read_text())
        with av.open(str(path)) as container:
            packets = [packet for packet in container.demux() if packet.size]
            base = container.streams[0].time_base
            found = [(float(p.pts * base), float((p.pts + p.duration) * base)) for p in packets]
        assert found == [pytest.approx((start, end)) for start, end, _ in cues]

    def test_a_name_cannot_break_the_file(self, with_people, tmp_path, name, parse):
        cues = parse(written(with_people, name, tmp_path).read_text())
        lines = {line.rpartition(":")[0] for *_, lines in cues for line in lines}
        (named,) = [line for line in lines if line.startswith("Ann")]
        assert "\n" not in named

    def test_nothing_to_say(self, tmp_path, name, parse):
        faceless = read_result(make_up(tmp_path, frames=50, faces=0, name="no.mp4"))
        text = written(faceless, name, tmp_path).read_text()
        assert (parse(text) if name != "srt" else text) in ([], "")


def test_short_moments_are_left_out_only_of_subtitles(result, tmp_path):
    moments = pd.read_csv(written(result, "csv", tmp_path))
    assert (moments.end - moments.start).min() < 0.5
    long = pd.read_csv(written(result, "csv", tmp_path, Options(seconds=0.5, confidence=0.3)))
    assert 0 < len(long) < len(moments)
    assert (long.end - long.start).min() >= 0.5 - 1e-6
    assert long.confidence_mean.min() >= 0.3


class TestCsv:
    def test_moments_hold_every_frame_of_every_face_once(self, result, tmp_path):
        moments = pd.read_csv(written(result, "csv", tmp_path))
        found = {
            (row.track, frame): row.label
            for row in moments.itertuples()
            for frame in range(row.first_frame, row.last_frame + 1)
        }
        rows = result.tables.timeline.to_pylist()
        assert found == {(row["track"], row["frame"]): row["emotion"] for row in rows if row["track"] is not None}
        assert set(moments.who) == {f"face #{track}" for track in set(moments.track)}
        assert moments.start.tolist() == pytest.approx([result.time[k] for k in moments.first_frame])
        assert moments.end.tolist() == pytest.approx([result.time[k + 1] for k in moments.last_frame])

    @pytest.mark.parametrize("table", [name for name in TABLES if name != "moments"])
    def test_tables_read_back(self, result, tmp_path, table):
        found = pd.read_csv(written(result, "csv", tmp_path, Options(table=table)))
        expected = getattr(result.tables, table).to_pandas().drop(columns=["look"], errors="ignore")
        if table in ("people", "scene_people"):
            assert found.pop("who").tolist() == [f"P{person + 1}" for person in expected.person]
        assert list(found.columns) == list(expected.columns)
        assert len(found) == len(expected)
        for name in ("time", "start", "share_happy", "happy", "x1"):
            if name in expected:
                np.testing.assert_allclose(found[name], expected[name], rtol=1e-5, atol=1e-6)

    def test_for_excel_where_numbers_have_a_comma(self, result, tmp_path):
        path = written(result, "csv", tmp_path, Options(sheet=Sheet(";", ",", True)))
        data = path.read_bytes()
        assert data.startswith(b"\xef\xbb\xbfmovie;track;")
        found = pd.read_csv(path, sep=";", decimal=",")
        plain = pd.read_csv(written(result, "csv", tmp_path))
        pd.testing.assert_frame_equal(found, plain)

    def test_a_name_is_no_formula(self, tmp_path):
        path = written(read_result(make_up(tmp_path, frames=60, name="=1+2.mp4")), "csv", tmp_path)
        assert next(csv.DictReader(path.read_text().splitlines()))["movie"] == "'=1+2.mp4"


class TestParquet:
    @pytest.mark.parametrize("table", TABLES)
    def test_holds_the_table_with_its_types_and_origin(self, result, tmp_path, table):
        found = pq.read_table(written(result, "parquet", tmp_path, Options(table=table)))
        assert found.schema.equals(LAYOUTS[table].with_metadata(found.schema.metadata))
        assert found.schema.metadata[b"moodreel"] == result.tables.timeline.schema.metadata[b"moodreel"]
        if table == "moments":
            plain = pd.read_csv(written(result, "csv", tmp_path))
            pd.testing.assert_frame_equal(found.to_pandas(), plain, check_dtype=False, check_categorical=False)
        elif table not in ("people", "scene_people"):
            assert found.equals(getattr(result.tables, table))

    @pytest.mark.parametrize("table", ["moments", "people", "scenes"])
    def test_many_movies_in_one_file(self, result, tmp_path, table):
        path = tmp_path / "all.parquet"
        find_format("parquet").write_all(iter([result, result]), path, Options(table=table))
        one = written(result, "parquet", tmp_path, Options(table=table))
        assert pd.read_parquet(path).equals(pd.concat([pd.read_parquet(one)] * 2, ignore_index=True))
        find_format("parquet").write_all(iter([]), path, Options(table=table))
        assert len(pd.read_parquet(path)) == 0


@pytest.mark.parametrize(("decimal", "sheet"), [(",", Sheet(";", ",", True)), (".", Sheet(",", ".", True))])
def test_excel_follows_the_country(monkeypatch, decimal, sheet):
    asked = []
    monkeypatch.setattr("locale.setlocale", lambda *asked_for: asked.append(asked_for))
    monkeypatch.setattr("locale.localeconv", lambda: {"decimal_point": decimal})
    assert Sheet.for_excel() == sheet
    assert asked[-1][1] == "C"


def test_arc_has_every_second(result, tmp_path):
    arc = pd.read_csv(written(result, "arc", tmp_path))
    assert list(arc.columns) == schema.ARC.names
    assert arc.second.tolist() == list(range(int(np.ceil(result.time[-1]))))
    assert arc[[f"share_{name}" for name in EMOTIONS]].sum(axis=1).tolist() == pytest.approx([1] * len(arc))


def test_json_has_all_of_it(with_people, tmp_path):
    found = json.loads(written(with_people, "json", tmp_path).read_text())
    assert found["movie"] == "a b & <c>.mp4"
    assert found["labels"] == list(LABELS)
    assert len(found["moments"]) == len(with_people.moments)
    assert len(found["scenes"]) == len(with_people.tables.scenes)
    assert len(found["arc"]) == len(with_people.tables.arc)
    assert found["person_names"] == {"0": "Ann\nB. <i>{x}"}


@pytest.mark.parametrize("name", ["csv", "arc", "json"])
def test_many_movies_in_one_file(result, tmp_path, name):
    other = replace(result, facts=replace(result.facts, movie="other.mp4"))
    path = tmp_path / "all"
    find_format(name).write_all(iter([result, other]), path, Options())
    if name == "json":
        names = [movie["movie"] for movie in json.loads(path.read_text())]
    else:
        names = list(dict.fromkeys(pd.read_csv(path).movie))
    if name != "json":  # their tables name the movie
        table = result.tables.arc if name == "arc" else result.tables.moments
        column = "second" if name == "arc" else "track"
        assert pd.read_csv(path)[column].tolist() == table[column].to_pylist() * 2
        names.append("other.mp4")
    assert names == [result.name, "other.mp4"]
    find_format(name).write_all(iter([]), path, Options())
    assert path.read_text().strip() in ("", "[\n]", "[]", ",".join(schema.ARC.names))


def test_csv_of_movies_with_other_columns(with_people, result, tmp_path):
    path = tmp_path / "all.csv"
    find_format("csv").write_all(iter([with_people, result]), path, Options(table="timeline"))
    found = pd.read_csv(path)
    assert found.person.notna().sum() == with_people.tables.timeline["person"].drop_null().length()
    assert len(found) == len(result.tables.timeline) * 2


def test_formats_say_what_they_are_for():
    assert format_names() == ["arc", "ass", "csv", "eaf", "json", "parquet", "srt", "vtt"]
    assert all(len(summary_of(name)) > 20 for name in format_names())


class TestEaf:
    def test_follows_elans_schema(self, with_people, tmp_path):
        xmlschema = pytest.importorskip("xmlschema")
        grammar = xmlschema.XMLSchema(Path(__file__).with_name("eaf.xsd"))
        path = written(with_people, "eaf", tmp_path)
        grammar.validate(path)
        spoiled = path.read_text().replace('LINGUISTIC_TYPE_REF="face"', 'LINGUISTIC_TYPE_REF="none"')
        assert not grammar.is_valid(spoiled)  # it is able to find something

    def test_pympi_reads_what_the_table_says(self, with_people, tmp_path):
        elan = pytest.importorskip("pympi.Elan")
        found = elan.Eaf(str(written(with_people, "eaf", tmp_path)))
        names = list(found.get_tier_names())
        assert names[:2] == ["scenes", "shots"]
        assert {"Ann B. <i>{x}", "Ann B. <i>{x} sure", "faces 1"} <= set(names)
        shots = with_people.tables.shots.to_pylist()
        assert [(a, b) for a, b, _ in found.get_annotation_data_for_tier("shots")] == [
            (int(np.ceil(1000 * s["start"] - 1e-3)), int(np.ceil(1000 * s["end"] - 1e-3))) for s in shots
        ]
        person = next(name for name in names if name.startswith("Ann") and not name.endswith("sure"))
        notes = sorted(found.get_annotation_data_for_tier(person))
        moments = [moment for moment in with_people.moments if moment.person == 0]
        frames = with_people.time
        assert [
            (
                np.searchsorted(frames, a / 1000 + 1e-6, "right") - 1,
                np.searchsorted(frames, b / 1000 + 1e-6, "right") - 1,
                text,
            )
            for a, b, text in notes
        ] == [(moment.first_frame, moment.last_frame + 1, moment.label) for moment in moments]
        sure = found.get_ref_annotation_data_for_tier(f"{person} sure")
        assert len(sure) == len(notes)
        unknown = [moment for moment in with_people.moments if moment.person is None]
        assert len(found.get_annotation_data_for_tier("faces 1")) == len(unknown)

    def test_no_tier_overlaps_itself(self, result, tmp_path):
        elan = pytest.importorskip("pympi.Elan")
        found = elan.Eaf(str(written(result, "eaf", tmp_path)))
        for name in found.get_tier_names():
            if not name.endswith(" sure"):
                notes = sorted((a, b) for a, b, _ in found.get_annotation_data_for_tier(name))
                assert all(first[1] <= second[0] for first, second in itertools.pairwise(notes)), name

    def test_people_of_one_name_have_a_tier_each(self, result, tmp_path):
        elan = pytest.importorskip("pympi.Elan")
        persons = [None if t is None else t % 2 for t in result.tables.timeline["track"].to_pylist()]
        twins = with_persons(result, persons, {0: "scenes", 1: "scenes"})
        names = list(elan.Eaf(str(written(twins, "eaf", tmp_path))).get_tier_names())
        assert names == ["scenes", "shots", "scenes [2]", "scenes [2] sure", "scenes [3]", "scenes [3] sure"]


def test_corrections_are_applied(tmp_path):
    folder = make_up(tmp_path, frames=200, name="film.mp4")
    row = next(row for row in pq.read_table(folder.timeline).to_pylist() if row["track"] == 1)
    mark = FaceMark(1, row["frame"], row["time"], tuple(row[corner] for corner in BOX))
    rejected = Correction("a", "reject", "ann", "2026-01-01T00:00:00+00:00", (mark,))
    before = read_result(folder)
    change_review(folder.root, "film.mp4", "0", lambda content: add_correction(content, rejected, 0))
    after = read_result(folder)
    assert {moment.track for moment in before.moments} - {moment.track for moment in after.moments} == {1}
    assert after.tables.arc["faces"][0].as_py() < before.tables.arc["faces"][0].as_py()
    tables = {name: pd.read_csv(written(after, "csv", tmp_path, Options(table=name))) for name in TABLES}
    for name in ("moments", "timeline", "tracks", "relative"):
        assert 1 not in set(tables[name].track), name
    assert tables["people"].tracks.tolist() == [2, 1]
    assert [tuple(row) for row in tables["scene_people"][["scene", "person"]].values] == [(0, 0), (1, 0), (1, 1)]
    assert tables["arc"].tracks.tolist() == [1] * 6 + [2] * 2
    content = json.loads(written(after, "json", tmp_path).read_text())
    assert [one["tracks"] for one in content["people"]] == [2, 1]
    assert len(content["scene_people"]) == 3


def test_people_have_numbers_from_one_and_a_tier_each(folder, tmp_path):
    elan = pytest.importorskip("pympi.Elan")
    found = read_result(folder)
    assert {moment.who for moment in found.moments} == {"P1", "P2"}
    names = list(elan.Eaf(str(written(found, "eaf", tmp_path))).get_tier_names())
    assert names == ["scenes", "shots", "P1", "P1 sure", "P2", "P2 sure"]
    assert "P2: " in written(found, "srt", tmp_path).read_text()
