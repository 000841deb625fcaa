"""docs/tutorial.ipynb is run on the sample, and the SQL of docs/tables.md on its results."""

import importlib.util
import json
import re
import shutil
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "docs" / "tutorial.ipynb"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("run_notebook", ROOT / "scripts" / "run_notebook.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def ran(script, demo, tmp_path_factory) -> tuple[dict, Path]:
    folder = tmp_path_factory.mktemp("tutorial")
    shutil.copytree(demo / "outputs", folder / "outputs")
    return script.run_notebook(json.loads(NOTEBOOK.read_text()), folder), folder


def outputs(notebook: dict, kind: str) -> list[str]:
    found = [out.get("data", {}).get(kind) for cell in notebook["cells"] for out in cell.get("outputs", [])]
    return ["".join(one) for one in found if one]


def test_it_runs_to_its_end_and_draws_its_figures(ran):
    notebook, folder = ran
    figures = outputs(notebook, "image/png")
    assert len(figures) == 4
    assert all(len(figure) > 5_000 for figure in figures)
    assert (folder / "happy.pdf").read_bytes().startswith(b"%PDF")
    assert "<svg" in (folder / "happy.svg").read_text()


def test_the_stored_outputs_are_those_of_a_run(ran):
    stored = json.loads(NOTEBOOK.read_text())
    assert [cell["source"] for cell in stored["cells"]] == [cell["source"] for cell in ran[0]["cells"]]
    columns = [text.splitlines()[0].split() for text in outputs(stored, "text/plain") if text != "a figure"]
    assert columns == [text.splitlines()[0].split() for text in outputs(ran[0], "text/plain") if text != "a figure"]


def test_its_tables_say_what_is_known_of_the_sample(ran):
    (scenes,) = [text for text in outputs(ran[0], "text/plain") if "evidence" in text.splitlines()[0]]
    assert [line.split()[1] for line in scenes.splitlines()[1:]] == ["1", "2"]
    (lines,) = [text for text in outputs(ran[0], "text/plain") if "The view from up there!" in text]
    assert lines.splitlines()[-1].split()[-3:] == ["0", "NaN", "NaN"]  # nobody is seen meanwhile
    (movies,) = [text for text in outputs(ran[0], "text/plain") if "shorter.mp4" in text]
    assert [float(line.split()[2]) for line in movies.splitlines()[1:]] == pytest.approx([14, 11], abs=0.1)


def test_it_is_a_valid_notebook():
    notebook = json.loads(NOTEBOOK.read_text())
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids)
    text = NOTEBOOK.read_text()
    assert "/tmp/" not in text
    assert str(ROOT) not in text
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert (NOTEBOOK.parent / target).exists(), target


def test_the_sql_of_the_tables_page(ran, monkeypatch):
    duckdb = pytest.importorskip("duckdb")
    monkeypatch.chdir(ran[1])
    (block,) = re.findall(r"```sql\n(.*?)```", (ROOT / "docs" / "tables.md").read_text(), re.DOTALL)
    queries = [query for query in block.split(";\n") if query.strip()]
    happiest, means, parts = (duckdb.sql(query).df() for query in queries)
    assert happiest.share_happy.is_monotonic_decreasing
    assert set(happiest.scene) <= {1, 2, 3, 4, 5}
    assert means.movie.tolist() == ["sample.mp4", "shorter.mp4"]
    assert means.happy.between(0, 1).all()
    assert parts.groupby("movie").size().tolist() == [10, 10]
