import json

from jobs.run.event_log import EventLog


def written(path, as_json, *events):
    event_log = EventLog(path, as_json)
    for event, facts in events:
        event_log.write(event, **facts)
    event_log.close()
    return path.read_text().splitlines()


def test_a_line_an_event(tmp_path):
    lines = written(
        tmp_path / "logs" / "run.log",
        False,
        ("run begun", {}),
        ("no report", {"movie": "a b\n.mp4", "seconds": 1.5}),
    )
    assert [line.split(" ", 1)[1] for line in lines] == ["run begun", 'no report movie="a b\\n.mp4" seconds=1.5']


def test_json_can_be_read_back(tmp_path):
    (line,) = written(tmp_path / "run.log", True, ("movie ended", {"movie": "日本\n.mp4", "seconds": 2.0}))
    event = json.loads(line)
    assert event.pop("time").endswith("+00:00")
    assert event == {"event": "movie ended", "movie": "日本\n.mp4", "seconds": 2.0}


def test_names_that_are_no_text_do_not_stop_the_run(tmp_path):
    for as_json in (False, True):
        assert written(tmp_path / f"{as_json}.log", as_json, ("no report", {"movie": "\udcff.mp4"}))


def test_a_later_run_appends(tmp_path):
    written(tmp_path / "run.log", False, ("one", {}))
    assert len(written(tmp_path / "run.log", False, ("two", {}))) == 2


def test_units_are_told_to_programs_alone(tmp_path):
    events = [("unit", {"movie": "a.mp4"}), ("movie begun", {"movie": "a.mp4"}), ("run ended", {"reason": ""})]
    assert len(written(tmp_path / "log.json", True, *events)) == 3
    (line,) = written(tmp_path / "log.txt", False, *events)
    assert line.endswith("run ended")  # what is empty is left out


def test_a_thousand_movies_leave_less_than_100_kb(tmp_path):
    facts = {"status": "done", "reason": "", "seconds": 123.456, "count": "999/2000", "left": "3 h 05 min"}
    units = [("unit", {"movie": "film 0001.mp4", "task": "analyze_segment", "seconds": 12.345})] * 20
    film = [*units, ("movie begun", {"movie": "film 0001.mp4", "segments": 8})]
    written(tmp_path / "log", False, *([*film, ("movie ended", {"movie": "film 0001.mp4", **facts})] * 1000))
    assert (tmp_path / "log").stat().st_size < 100_000


def test_what_the_log_says_of_a_movie(tmp_path):
    facts = {"movie": "a.mp4", "seconds": 12.345, "count": "3/20"}
    done = ("movie ended", facts | {"status": "done", "reason": "", "left": "3 h 05 min"})
    failed = ("movie ended", facts | {"status": "failed", "reason": "found only audio", "left": ""})
    lines = written(tmp_path / "log", False, done, failed)
    assert [line.split(" ", 1)[1] for line in lines] == [
        "done: a.mp4 (12.3 s, 3/20, 3 h 05 min left)",
        "failed: a.mp4 (12.3 s, 3/20): found only audio",
    ]
