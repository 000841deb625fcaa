"""The pages: lines that can be read, links and paths that lead somewhere, the journey from command to frame."""

import re
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    [
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "outputs/README.md")),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "models" / "weights").glob("*.md"),
    ]
)
LONGEST_LINE = 200
MOST_HOPS = 7


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def test_no_line_is_too_long():
    wide = {name_of(p) for p in PAGES if any(len(line) > LONGEST_LINE for line in p.read_text().splitlines())}
    assert wide == set(), f"lines over {LONGEST_LINE} characters"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page):
    for target, anchor in re.findall(r"\]\(([^)#:\s]*)(?:#([^)]+))?\)", page.read_text()):
        found = page.parent / target if target else page
        assert found.exists(), target
        if anchor and found.suffix == ".md":
            assert anchor in anchors(found), f"{target}#{anchor}"


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub makes of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_path_named_exists(page):
    prose = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    for path in re.findall(r"`((?:pipeline|models|jobs|tests|scripts|docs|\.ci)/[\w./-]*)`", prose):
        assert (ROOT / path).exists() or (ROOT / path).with_suffix(".py").exists(), path


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_module_named_exists(page):
    for dotted in re.findall(r"`((?:pipeline|models|jobs)(?:\.\w+)+)`", page.read_text()):
        *package, last = dotted.split(".")
        module = ROOT.joinpath(*package).with_suffix(".py")
        whole = ROOT.joinpath(*package, last)
        known = module.exists() and re.search(rf"\b{last}\b", module.read_text())
        assert known or whole.exists() or whole.with_suffix(".py").exists(), dotted


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_make_target_named_exists(page):
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:^|`)make ([a-z][\w-]*)", page.read_text(), re.MULTILINE)) <= targets


def test_decisions_have_their_parts_and_are_listed():
    folder = ROOT / "docs" / "decisions"
    listed = re.findall(r"^- \[(.+)\]\((.+)\)$", (folder / "README.md").read_text(), re.MULTILINE)
    titles = {}
    for page in folder.glob("*.md"):
        if page.name != "README.md":
            title, date, *rest = page.read_text().split("\n\n")
            assert re.match(r"\d{4}-\d\d-\d\d\b", date), page.name
            assert [part for part in rest if part.startswith("## ")] == ["## Context", "## Decision", "## Figures"]
            titles[page.name] = title.removeprefix("# ")
    assert {name: title for title, name in listed} == titles


def test_from_the_command_to_a_frame_in_seven_files():
    page = (ROOT / "docs" / "architecture.md").read_text()
    journey = re.findall(r"^\d\. `([\w/]+)\.py`", page, re.MULTILINE)
    assert journey[0] == "jobs/cli"
    assert journey[-1].startswith("pipeline/media/")
    assert len(journey) <= MOST_HOPS
    for name, onward in pairwise(journey):
        package, _, module = onward.replace("/", ".").rpartition(".")
        imports = rf"^ *from ({re.escape(package)} import .*\b{module}\b|{re.escape(package)}\.{module} import )"
        assert re.search(imports, (ROOT / f"{name}.py").read_text(), re.MULTILINE), f"{name} imports no {onward}"
