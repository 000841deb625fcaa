"""Inputs on the command line -> movies and their names."""

import os
from pathlib import Path

import pytest

from jobs.errors import UsageError
from jobs.run.folders.discover import MovieSource, discover, printable


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def make(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def found(inputs: list[Path], out: Path) -> list[str]:
    return [source.name for source in discover(inputs, out)]


def test_a_file(tmp_path, out):
    make(tmp_path, "film.mp4")
    assert discover([tmp_path / "film.mp4"], out) == [MovieSource(tmp_path / "film.mp4", "film.mp4")]


def test_a_folder_through_all_levels_in_a_stable_order(tmp_path, out):
    films = make(tmp_path / "films", "b.mp4", "z/y/x/deep.mkv", "a/2.avi", "a/10.avi", "B.mp4", "without ending")
    expected = ["B.mp4", "b.mp4", "without ending", "a/10.avi", "a/2.avi", "z/y/x/deep.mkv"]
    assert found([films], out) == expected
    assert [source.path for source in discover([films], out)] == [films / name for name in expected]


def test_passes_over_hidden_files_and_what_is_no_movie_by_its_ending(tmp_path, out):
    films = make(
        tmp_path / "films", "a.mp4", ".hidden.mp4", ".folder/b.mp4", "a.srt", "a.NFO", "cover.JPG", "x/.y/c.mp4"
    )
    assert found([films], out) == ["a.mp4"]


@pytest.mark.parametrize("name", ["a.txt", ".hidden.mp4", "a.zip", "no ending", "a.dat"])
def test_a_file_that_is_named_is_always_taken(tmp_path, out, name):
    make(tmp_path, name)
    assert found([tmp_path / name], out) == [name]


@pytest.mark.parametrize("name", ["a.ts", "a.mov", "a.WMV", "a.xyz", "a.dat", "a.gif", "a"])
def test_what_could_be_a_movie_is_taken(tmp_path, out, name):
    assert found([make(tmp_path / "films", name)], out) == [name]


def test_the_output_folder_inside_the_input_is_passed_over(tmp_path):
    films = make(tmp_path / "films", "a.mp4", "out/a.mp4/annotated.mp4", "out of order/b.mp4")
    assert found([films], films / "out") == ["a.mp4", "out of order/b.mp4"]


def test_the_output_folder_is_recognized_whatever_it_is_called(tmp_path, monkeypatch):
    films = make(tmp_path / "films", "a.mp4", "out/a.mp4/annotated.mp4")
    (tmp_path / "link").symlink_to(films / "out")
    assert found([films], tmp_path / "link") == ["a.mp4"]
    monkeypatch.chdir(films)
    assert found([Path(".")], Path("out")) == ["a.mp4"]


def test_several_inputs_put_the_folders_name_in_front(tmp_path, out):
    one, two = make(tmp_path / "one", "a.mp4"), make(tmp_path / "two", "a.mp4", "c/d.mp4")
    make(tmp_path, "single.mp4")
    expected = ["one/a.mp4", "two/a.mp4", "two/c/d.mp4", "single.mp4"]
    assert found([one, two, tmp_path / "single.mp4"], out) == expected


def test_the_current_folder_has_a_name_too(tmp_path, out, monkeypatch):
    films = make(tmp_path / "films", "a.mp4")
    make(tmp_path, "b.mp4")
    monkeypatch.chdir(films)
    assert found([Path("."), Path("../b.mp4")], out) == ["films/a.mp4", "b.mp4"]


def test_a_movie_that_is_meant_twice_is_taken_once(tmp_path, out):
    films = make(tmp_path / "films", "a.mp4")
    (films / "same.mp4").symlink_to(films / "a.mp4")
    assert found([films, films / "a.mp4", films], out) == ["films/a.mp4"]


def test_two_movies_of_one_name_are_refused(tmp_path, out):
    make(tmp_path, "x/a.mp4", "y/a.mp4")
    with pytest.raises(UsageError, match=r"x/a\.mp4 and .*y/a\.mp4 would both be named 'a\.mp4'"):
        discover([tmp_path / "x" / "a.mp4", tmp_path / "y" / "a.mp4"], out)


def test_two_folders_of_one_name_are_refused_only_if_their_movies_clash(tmp_path, out):
    one, two = make(tmp_path / "x" / "films", "a.mp4"), make(tmp_path / "y" / "films", "b.mp4")
    assert found([one, two], out) == ["films/a.mp4", "films/b.mp4"]
    make(two, "a.mp4")
    with pytest.raises(UsageError, match=r"'films/a\.mp4'"):
        discover([one, two], out)


def test_names_that_are_no_utf8(tmp_path, out):
    films = make(tmp_path / "films", "Käse ☃.mp4")
    raw = os.fsencode(films) + b"/caf\xe9.mp4"
    try:
        Path(os.fsdecode(raw)).touch()
    except OSError:
        pytest.skip("this file system takes only UTF-8")
    sources = {source.name: source.path for source in discover([films], out)}
    assert set(sources) == {"Käse ☃.mp4", "caf\ufffd.mp4"}
    assert os.fsencode(sources["caf\ufffd.mp4"]) == raw
    assert sources["caf\ufffd.mp4"].exists()
    for name in sources:
        name.encode("utf-8")


def test_printable_leaves_good_names_alone():
    assert printable("a b/ü ☃ [x264].mp4") == "a b/ü ☃ [x264].mp4"


def test_no_such_path(tmp_path, out):
    with pytest.raises(UsageError, match=f"^{tmp_path}/nothing: no such file or folder$"):
        discover([tmp_path / "nothing"], out)


@pytest.mark.parametrize("names", [[], ["notes.txt", "cover.jpg"], [".hidden.mp4"]])
def test_a_folder_without_movies(tmp_path, out, names):
    films = make(tmp_path / "films", *names)
    films.mkdir(exist_ok=True)
    with pytest.raises(UsageError, match=f"{films}: no movies found"):
        discover([films], out)


def test_an_empty_folder_beside_a_full_one(tmp_path, out):
    (tmp_path / "empty").mkdir()
    assert found([tmp_path / "empty", make(tmp_path / "films", "a.mp4")], out) == ["films/a.mp4"]


def test_a_broken_link_inside_a_folder_does_not_stop_the_others(tmp_path, out):
    films = make(tmp_path / "films", "a.mp4")
    (films / "broken.mp4").symlink_to(tmp_path / "gone.mp4")
    assert found([films], out) == ["a.mp4", "broken.mp4"]  # it is tried, and fails with a reason
    with pytest.raises(UsageError, match=r"broken\.mp4: no such file"):
        discover([films / "broken.mp4"], out)


def test_links_in_a_circle_come_to_an_end(tmp_path, out):
    films = make(tmp_path / "films", "a.mp4")
    (films / "round").symlink_to(films)
    assert found([films], out) == ["a.mp4"]


def test_results_beside_the_movies_are_refused_at_once(tmp_path):
    films = make(tmp_path / "films", "a.mp4")
    with pytest.raises(UsageError, match="--out"):
        discover([films], films)


@pytest.mark.parametrize("name", ["movies.parquet", ".lock"])
def test_names_of_our_own_files_are_refused(tmp_path, out, name):
    make(tmp_path, name)
    with pytest.raises(UsageError, match=name):
        discover([tmp_path / name], out)
