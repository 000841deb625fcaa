"""The limits that keep the code easy to find one's way in. Lists of exceptions may only get shorter."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("pipeline", "models", "jobs")
MOST_LINES, MOST_MODULES, WIDE = 300, 12, 3

LONG_WITHOUT_REASON: set[str] = set()
"""Files of more than 300 lines that do not yet say in their first lines why they are one file."""

WITHOUT_ARGS = Path(__file__).with_name("without_args.txt")
"""Functions of three parameters or more whose docstrings do not yet describe them."""

COMMANDS = ("jobs/cli.py", "jobs/model_commands.py", "jobs/export/command_line.py")
"""Their parameters have their help beside them, and docs/reference.md shows it."""

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


def files(*suffixes: str) -> list[Path]:
    return sorted(path for package in PACKAGES for suffix in suffixes for path in (ROOT / package).rglob(f"*.{suffix}"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def public_functions(body: list[ast.stmt], prefix: str) -> Iterator[tuple[str, Function]]:
    """Yield public functions, methods and constructors with their qualified names."""
    for node in body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from public_functions(node.body, f"{prefix}{node.name}.")
        elif isinstance(node, Function) and (not node.name.startswith("_") or node.name == "__init__"):
            yield prefix + node.name, node


def lacks_args(function: Function) -> bool:
    parameters = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    named = [one for one in parameters if one.arg not in ("self", "cls")]
    return len(named) >= WIDE and "Args:" not in (ast.get_docstring(function) or "")


def gives_reason(path: Path) -> bool:
    """Say whether the first lines explain the length: "one file because ...", "long because ..."."""
    return bool(
        re.search(r"\b(one (file|module)|long)\b", "\n".join(path.read_text().splitlines()[:20]), re.IGNORECASE)
    )


def test_a_long_file_says_why():
    long = {name_of(p) for p in files("py", "js", "css", "html") if len(p.read_text().splitlines()) > MOST_LINES}
    unexplained = {name for name in long if not gives_reason(ROOT / name)}
    assert unexplained - LONG_WITHOUT_REASON == set(), (
        f"over {MOST_LINES} lines: split it, or say why in the first lines"
    )
    assert LONG_WITHOUT_REASON - unexplained == set(), "no longer exceptions: take them off LONG_WITHOUT_REASON"


def test_no_package_is_crowded():
    crowded = {}
    for folder in {path.parent for path in files("py")}:
        modules = [path.name for path in folder.glob("*.py") if path.name != "__init__.py"]
        if len(modules) > MOST_MODULES:
            crowded[name_of(folder)] = len(modules)
    assert crowded == {}, f"more than {MOST_MODULES} modules: find the subpackage that is missing"


def wide_functions_without_args() -> set[str]:
    return {
        f"{name_of(path)}: {name}"
        for path in files("py")
        if name_of(path) not in COMMANDS
        for name, function in public_functions(ast.parse(path.read_text()).body, "")
        if lacks_args(function)
    }


def test_wide_functions_describe_their_parameters():
    found, allowed = wide_functions_without_args(), set(WITHOUT_ARGS.read_text().splitlines())
    assert found - allowed == set(), f"{WIDE} parameters or more: add 'Args:' to the docstring"
    assert allowed - found == set(), f"no longer exceptions: run {Path(__file__).name} to take them off"


if __name__ == "__main__":  # takes off what is no exception any more, and never adds one
    still = wide_functions_without_args() & set(WITHOUT_ARGS.read_text().splitlines())
    WITHOUT_ARGS.write_text("".join(f"{name}\n" for name in sorted(still)))
