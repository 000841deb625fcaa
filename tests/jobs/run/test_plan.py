"""What is left to do for a movie, decided from what stands; no disk is touched."""

from dataclasses import replace

import pytest

from jobs.run.plan import TABLES, VIDEO, Earlier, Todo, other_movie, units_left, units_of, what_is_left
from jobs.store.job_file import JobFile
from jobs.store.provenance import Keys
from jobs.store.run_files import Plan
from pipeline.media.segments import FIRST_PTS, LAST_PTS, Segment

KEYS = Keys("a" * 16, "b" * 16, "c" * 16)
NO_VIDEO = replace(KEYS, video="")
OTHER = Keys("d" * 16, "e" * 16, "f" * 16)
FINGERPRINT = "0" * 16
DONE = JobFile("film.mp4", "done", keys=KEYS, source="/film.mp4", fingerprint=FINGERPRINT, finished="2026-01-01")
ALL = TABLES | {VIDEO, "job.json"}


def left(job: JobFile | None, keys: Keys = KEYS, files: frozenset[str] = ALL, force: bool = False) -> Todo:
    return what_is_left(Earlier(job, None, files), keys, FINGERPRINT, force)


def test_nothing_stands():
    todo = left(None, files=frozenset())
    assert (todo.tables, todo.video, todo.nothing, todo.why) == (True, True, False, ())


def test_all_stands():
    assert left(DONE).nothing
    assert left(replace(DONE, status="partial", reason="it breaks off")).nothing


@pytest.mark.parametrize("name", sorted(TABLES))
def test_a_table_is_missing(name):
    todo = left(DONE, files=ALL - {name})
    assert (todo.tables, todo.video, todo.replaces) == (True, True, False)
    assert "some of their files are missing" in todo.why[0]


def test_a_table_is_missing_and_no_video_is_wanted():
    todo = left(DONE, NO_VIDEO, files=ALL - {"scenes.csv"})
    assert (todo.tables, todo.video, todo.replaces) == (True, False, False)
    assert todo.video_key == KEYS.video  # equal keys promise equal tables: the video beside them shows them still


def test_the_video_is_missing():
    todo = left(DONE, files=ALL - {VIDEO})
    assert (todo.tables, todo.video, todo.video_key) == (False, True, KEYS.video)


def test_a_video_that_is_not_wanted_stays():
    todo = left(DONE, NO_VIDEO)
    assert todo.nothing
    assert todo.video_key == KEYS.video


def test_an_overlay_that_could_not_be_made_is_not_tried_again():
    wanted = replace(NO_VIDEO, overlay="9" * 16)
    job = replace(DONE, status="partial", keys=replace(KEYS, overlay=wanted.overlay), no_overlay="no")
    todo = left(job, wanted)
    assert todo.nothing
    assert (todo.overlay_key, todo.no_overlay) == (wanted.overlay, "no")
    assert left(replace(job, no_overlay=""), wanted).overlay
    todo = left(job, replace(KEYS, video=OTHER.video))
    assert (todo.video, todo.overlay, todo.overlay_key, todo.no_overlay) == (True, False, "", "")


def test_another_quality_makes_only_the_video():
    todo = left(DONE, replace(KEYS, video=OTHER.video))
    assert (todo.tables, todo.video, todo.replaces, todo.why) == (False, True, False, ())


def test_other_tables_replace_everything():
    todo = left(DONE, OTHER)
    assert (todo.tables, todo.video, todo.replaces) == (True, True, True)
    assert todo.why == (
        "the results of 2026-01-01 are replaced: "
        "they were made with other settings, another model or device, or by another version",
    )


def test_a_video_of_replaced_tables_has_no_key():
    todo = left(DONE, replace(OTHER, video=""))
    assert (todo.tables, todo.video, todo.replaces, todo.video_key) == (True, False, True, "")


def test_results_of_an_earlier_version_are_replaced_and_it_is_said():
    todo = left(replace(DONE, format=None), OTHER)
    assert todo.tables
    assert "they were made by an earlier version" in todo.why[0]


def test_an_edited_movie_is_said():
    assert "the movie has changed since" in left(replace(DONE, fingerprint="1"), OTHER).why[0]


def test_what_was_being_replaced_does_not_stand():
    todo = left(DONE.being_replaced())
    assert (todo.tables, todo.video, todo.replaces) == (True, True, True)


def test_a_failure_is_no_result():
    assert left(replace(DONE, status="failed")).tables


def test_force_makes_all_again():
    todo = left(DONE, force=True)
    assert (todo.tables, todo.video, todo.replaces, todo.why) == (True, True, True, ())


@pytest.mark.parametrize(("version", "words"), [(None, "an earlier version"), (1, "other settings")])
def test_units_of_other_keys_are_not_used_and_it_is_said(version, words):
    plan = Plan(0, 2, OTHER, (("start_end", 10),), version)
    todo = what_is_left(Earlier(None, plan, frozenset()), KEYS, FINGERPRINT, force=False)
    assert len(todo.why) == 1
    assert words in todo.why[0]


@pytest.mark.parametrize(
    ("job", "other"),
    [(None, None), (DONE, "/film.mp4"), (replace(DONE, status="failed"), None), (replace(DONE, source="/x"), None)],
)
def test_another_movie(job, other):
    assert other_movie(Earlier(job), "/x") == other


class TestUnits:
    BORDERS = (FIRST_PTS, 100, 500, LAST_PTS)
    SEGMENTS = tuple(
        Segment(index, start, end, frames)
        for index, (start, end, frames) in enumerate(zip(BORDERS, BORDERS[1:], (10, 40, 20), strict=False))
    )

    def test_are_named_by_key_and_span(self):
        files = [unit.file for unit in units_of(self.SEGMENTS, "k", ".npz")]
        assert files == [".work/k/start_100.npz", ".work/k/100_500.npz", ".work/k/500_end.npz"]

    def test_the_largest_come_first(self):
        left = units_left(units_of(self.SEGMENTS, "k", ".npz"), frozenset())
        assert [unit.segment.index for unit in left] == [1, 2, 0]

    def test_what_is_committed_is_not_left(self):
        units = units_of(self.SEGMENTS, "k", ".npz")
        files = {".work/k/100_500.npz", ".work/other/500_end.npz", ".work/k/start_100.mp4"}
        assert [unit.segment.index for unit in units_left(units, files)] == [2, 0]
        assert units_left([], files) == []

    def test_a_movie_whose_time_stamps_are_counted_shares_no_unit_with_one_that_is_trusted(self):
        whole = Segment(0, FIRST_PTS, LAST_PTS, 10)
        counted = replace(whole, trusted=False)
        files = [units_of([one], "k", ".npz")[0].file for one in (whole, counted)]
        assert len(set(files)) == 2
