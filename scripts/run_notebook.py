"""Run a notebook from its first cell to its last and store what each prints, returns and draws.

    python scripts/run_notebook.py docs/tutorial.ipynb

Cells are plain Python without magics, so nothing but matplotlib and pandas is needed. The working folder is a new one.
"""

import ast
import base64
import contextlib
import io
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import pandas as pd

Notebook = dict[str, Any]


def run_notebook(notebook: Notebook, folder: Path) -> Notebook:
    """Return the notebook with new outputs; cells run in ``folder``. What a cell raises is raised."""
    names: dict[str, Any] = {"__name__": "__main__"}
    cells, number = [], 0
    wide = ("display.width", 120, "display.max_columns", 20, "display.max_colwidth", 60)
    with contextlib.chdir(folder), pd.option_context(*wide):  # whatever the terminal
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                number += 1
                outputs = _outputs("".join(cell["source"]), names, f"cell {number}", number)
                cell = {**cell, "execution_count": number, "outputs": outputs}
            cells.append(cell)
    return {**notebook, "cells": cells}


def _outputs(source: str, names: dict[str, Any], title: str, number: int) -> list[dict[str, Any]]:
    printed = io.StringIO()
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    value = None
    with contextlib.redirect_stdout(printed):
        exec(compile(tree, title, "exec"), names)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), title, "eval"), names)
    outputs: list[dict[str, Any]] = []
    if printed.getvalue():
        outputs.append({"output_type": "stream", "name": "stdout", "text": _lines(printed.getvalue())})
    for figure in map(plt.figure, plt.get_fignums()):
        png = io.BytesIO()
        figure.savefig(png, format="png", dpi=72)
        data = {"image/png": base64.b64encode(png.getvalue()).decode(), "text/plain": ["a figure"]}
        outputs.append({"output_type": "display_data", "metadata": {}, "data": data})
    if value is not None and not plt.get_fignums():
        data = {"text/plain": _lines(repr(value))}
        if hasattr(value, "_repr_html_"):
            data["text/html"] = _lines(value._repr_html_())
        outputs.append({"output_type": "execute_result", "metadata": {}, "execution_count": number, "data": data})
    plt.close("all")
    return outputs


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def main() -> None:
    """Rewrite the notebook that the command line names."""
    path = Path(sys.argv[1])
    notebook = json.loads(path.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        done = run_notebook(notebook, Path(folder))
    path.write_text(json.dumps(done, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
