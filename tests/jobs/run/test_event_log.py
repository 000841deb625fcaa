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
        ("unit", {"movie": "a b\n.mp4", "seconds": 1.5}),
    )
    assert [line.split(" ", 1)[1] for line in lines] == ["run begun", 'unit movie="a b\\n.mp4" seconds=1.5']


def test_json_can_be_read_back(tmp_path):
    (line,) = written(tmp_path / "run.log", True, ("movie ended", {"movie": "日本\n.mp4", "seconds": 2.0}))
    event = json.loads(line)
    assert event.pop("time").endswith("+00:00")
    assert event == {"event": "movie ended", "movie": "日本\n.mp4", "seconds": 2.0}


def test_names_that_are_no_text_do_not_stop_the_run(tmp_path):
    for as_json in (False, True):
        assert written(tmp_path / f"{as_json}.log", as_json, ("unit", {"movie": "\udcff.mp4"}))


def test_a_later_run_appends(tmp_path):
    written(tmp_path / "run.log", False, ("one", {}))
    assert len(written(tmp_path / "run.log", False, ("two", {}))) == 2
