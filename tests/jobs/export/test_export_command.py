"""``moodreel export``: where files go, and what is said of what cannot be read or written."""

import os
import shutil
from pathlib import Path

import pandas as pd
import pytest
from made_up import make_up
from typer.testing import CliRunner

from jobs.cli import app


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("export") / "outputs"
    for name in ("a.mp4", "inner/b.mkv"):
        make_up(out, frames=100, name=name)
    return out


def export(*arguments: object):
    return CliRunner().invoke(app, ["export", *map(str, arguments)])


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--format", "srt"), ["a.mp4.srt", "inner/b.mkv.srt"]),
        (("--format", "csv"), ["a.mp4.moments.csv", "inner/b.mkv.moments.csv"]),
        (("--format", "csv", "--table", "scenes"), ["a.mp4.scenes.csv", "inner/b.mkv.scenes.csv"]),
        (("--format", "csv", "--one-file"), ["moments.csv"]),
        (("--format", "csv", "--one-file", "--table", "tracks"), ["tracks.csv"]),
        (("--format", "parquet", "--table", "scenes"), ["a.mp4.scenes.parquet", "inner/b.mkv.scenes.parquet"]),
        (("--format", "parquet", "--one-file", "--table", "people"), ["people.parquet"]),
        (("--format", "arc", "--one-file"), ["arc.csv"]),
        (("--format", "json", "--one-file"), ["movies.json"]),
        (("--format", "eaf"), ["a.mp4.eaf", "inner/b.mkv.eaf"]),
    ],
)
def test_each_movie_has_a_file_of_its_name(made, tmp_path, arguments, expected):
    done = export(made, "--to", tmp_path / "to", *arguments)
    assert (done.exit_code, files(tmp_path / "to")) == (0, expected)
    plural = "" if len(expected) == 1 else "s"
    assert f"{len(expected)} file{plural} written" in done.stdout


def test_a_single_movie(made, tmp_path):
    done = export(made / "inner" / "b.mkv", "--format", "vtt", "--to", tmp_path)
    assert (done.exit_code, files(tmp_path)) == (0, ["b.mkv.vtt"])


def test_one_file_has_all_movies(made, tmp_path):
    export(made, "--one-file", "--to", tmp_path)
    assert set(pd.read_csv(tmp_path / "moments.csv").movie) == {"a.mp4", "inner/b.mkv"}


def test_files_that_are_there_stay(made, tmp_path):
    (tmp_path / "a.mp4.srt").write_text("mine")
    done = export(made, "--format", "srt", "--to", tmp_path)
    assert done.exit_code == 1
    assert "a.mp4.srt: exists already and was kept; --force overwrites it" in done.stderr
    assert (tmp_path / "a.mp4.srt").read_text() == "mine"
    assert (tmp_path / "inner" / "b.mkv.srt").exists()
    assert export(made, "--format", "srt", "--to", tmp_path, "--force").exit_code == 0
    assert (tmp_path / "a.mp4.srt").read_text() != "mine"


def test_a_movie_that_cannot_be_read_does_not_stop_the_others(made, tmp_path):
    out = Path(shutil.copytree(made, tmp_path / "out"))
    (out / "a.mp4" / "timeline.parquet").write_bytes(b"no table")
    for more in ((), ("--one-file",)):
        done = export(out, "--to", tmp_path / f"to{len(more)}", *more)
        assert done.exit_code == 1
        assert "timeline.parquet: expected a Parquet file, found damaged data" in done.stderr
        assert len(files(tmp_path / f"to{len(more)}")) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--format", "docx"), "--format docx: expected one of arc, ass, csv, eaf, json, parquet, srt, vtt"),
        (("--table", "boxes"), "--table boxes: expected one of moments, timeline, tracks, shots, scenes"),
        (("--format", "srt", "--one-file"), "--one-file: srt holds one movie a file; expected one of arc, csv, json"),
    ],
)
def test_wrong_usage(made, tmp_path, arguments, words):
    done = export(made, "--to", tmp_path / "to", *arguments)
    assert done.exit_code == 2
    assert words in done.stderr
    assert not (tmp_path / "to").exists()


def test_a_folder_that_cannot_be_made(made, tmp_path):
    (tmp_path / "file").touch()
    done = export(made, "--to", tmp_path / "file" / "to")
    assert done.exit_code == 2
    assert "expected a folder or a name for a new one" in done.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written(made, tmp_path):
    tmp_path.chmod(0o500)
    done = export(made, "--to", tmp_path)
    assert done.exit_code == 2
    assert "expected a writable folder" in done.stderr


def test_nothing_to_export(tmp_path):
    assert "no such folder" in export(tmp_path / "none").stderr
    folder = make_up(tmp_path / "out", frames=10)
    folder.job.write_text(folder.job.read_text().replace('"done"', '"failed"'))
    done = export(tmp_path / "out", "--to", tmp_path / "to")
    assert done.exit_code == 2
    assert "expected at least one movie that is done, found none" in done.stderr
