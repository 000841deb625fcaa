"""outputs/README.md: one line each opens a table of all movies in pandas, DuckDB and Polars."""

import re
from glob import glob
from pathlib import Path

import pandas as pd
import pytest
from made_up import make_up

duckdb = pytest.importorskip("duckdb")
pl = pytest.importorskip("polars")
PAGE = Path(__file__).resolve().parents[3] / "outputs" / "README.md"


@pytest.mark.parametrize("table", ["arc", "scenes", "shots", "tracks", "timeline"])
def test_the_lines_of_the_page(tmp_path, monkeypatch, table):
    names = ["a.mp4", "inner/b [x].mkv", "no face.mp4"]
    for name in names:
        make_up(tmp_path / "outputs", frames=60, faces=int(name != "no face.mp4"), name=name)
    (tmp_path / "outputs" / "movies.parquet").write_bytes(b"not a table of this kind")
    monkeypatch.chdir(tmp_path)
    (block,) = re.findall(r"```python\n(pd\.read_parquet\(glob.*?)```", PAGE.read_text(), re.DOTALL)
    found = []
    for line in block.strip().replace("arc.parquet", f"{table}.parquet").splitlines():
        frame = eval(line, {"pd": pd, "glob": glob, "duckdb": duckdb, "pl": pl})
        found.append(
            frame
            if isinstance(frame, pd.DataFrame)
            else pd.DataFrame(
                frame.df() if "duckdb" in line else {column: frame[column].to_list() for column in frame.columns}
            )
        )
    assert len(found) == 3
    expected = set(names) if table != "tracks" else set(names[:2])
    assert [set(frame["movie"]) for frame in found] == [expected] * 3
    assert len({len(frame) for frame in found}) == 1
    assert [list(frame.columns) for frame in found] == [list(found[0].columns)] * 3
