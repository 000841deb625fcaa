"""Do people of some groups smile more in the pictures, or does the network only say so? One viewer against the network.

    python scripts/group_audit.py sheet --faces groups64.npz --out sheets
    python scripts/group_audit.py compare --faces groups64.npz --answers answers.txt [--model default]

``sheet`` draws as many faces of each pair of ``race`` and ``gender``, shuffles them, and writes numbered mosaics.
Nothing on them says what group a face is of, or what the network says. A viewer writes a letter for each face, in
order, separated by spaces or lines: H happy, h a slight smile, N neutral, A angry, D disgust, F fear, S sad,
U surprise.

``compare`` says, for each group, how often the viewer and the network call a face happy; in how many of the faces that
the viewer calls happy the network does (sensitivity), and in how many of the others it does not (specificity); and how
far the groups are apart in each. Intervals are 95 % bootstraps of faces within each group. A slight smile counts as
happy in the first table, not in the second.
"""

import argparse
from itertools import product
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from models.data.face_set import read_face_set
from models.emotions import EMOTIONS
from models.inference.load import load_classifier
from models.model_file import find_model

_SEED: Final = 20261128
_SIDE, _ACROSS, _DOWN = 176, 8, 5
"""Px of a face, and faces across and down a mosaic."""

_LETTERS: Final = frozenset("HhNADFSU")
_SAMPLES: Final = 2000

Flags = NDArray[np.bool_]


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    sheet, compare = commands.add_parser("sheet"), commands.add_parser("compare")
    for command, run in ((sheet, _sheet), (compare, _compare)):
        command.set_defaults(run=run)
        command.add_argument("--faces", type=Path, required=True, help="groups64.npz: jpg, offset, race, gender")
        command.add_argument("--each", type=int, default=45, help="faces of each pair of race and gender")
    sheet.add_argument("--out", type=Path, required=True, help="folder for the mosaics")
    compare.add_argument("--answers", type=Path, required=True, help="the viewer's letters")
    compare.add_argument("--model", default="default")
    arguments = parser.parse_args()
    arguments.run(arguments)


def _drawn(race: NDArray[np.int64], gender: NDArray[np.int64], each: int) -> NDArray[np.int64]:
    """Return the rows of the faces on the mosaics, in order."""
    generator = np.random.default_rng(_SEED)
    cells = product(np.unique(race), np.unique(gender))
    rows = [generator.choice(np.flatnonzero((race == r) & (gender == g)), each, replace=False) for r, g in cells]
    shuffled = np.concatenate(rows)
    generator.shuffle(shuffled)
    return shuffled


def _read(path: Path) -> dict[str, NDArray[Any]]:
    with np.load(path) as columns:
        return {name: columns[name] for name in columns.files}


def _sheet(arguments: argparse.Namespace) -> None:
    found = _read(arguments.faces)
    rows = _drawn(found["race"], found["gender"], arguments.each)
    arguments.out.mkdir(parents=True, exist_ok=True)
    page = _ACROSS * _DOWN
    for number, first in enumerate(range(0, len(rows), page)):
        canvas = np.full((_DOWN * (_SIDE + 22), _ACROSS * (_SIDE + 8)), 255, np.uint8)
        for place, row in enumerate(rows[first : first + page]):
            face = cv2.imdecode(found["jpg"][found["offset"][row] : found["offset"][row + 1]], cv2.IMREAD_GRAYSCALE)
            top, left = place // _ACROSS * (_SIDE + 22) + 20, place % _ACROSS * (_SIDE + 8) + 4
            large = cv2.resize(face, (_SIDE, _SIDE), interpolation=cv2.INTER_CUBIC)
            canvas[top : top + _SIDE, left : left + _SIDE] = large
            cv2.putText(canvas, str(first + place), (left, top - 5), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 0, 1, cv2.LINE_AA)
        cv2.imwrite(str(arguments.out / f"sheet-{number}.png"), canvas)


def _compare(arguments: argparse.Namespace) -> None:
    found = _read(arguments.faces)
    rows = _drawn(found["race"], found["gender"], arguments.each)
    letters = arguments.answers.read_text(encoding="utf-8").split()
    if len(letters) != len(rows) or not set(letters) <= _LETTERS:
        wrong = sorted(set(letters) - _LETTERS)
        raise SystemExit(
            f"{arguments.answers}: expected {len(rows)} of {''.join(sorted(_LETTERS))}, found {len(letters)}"
            + (f", among them {' '.join(wrong)}" if wrong else "")
        )
    crops = read_face_set(arguments.faces).crops[rows]
    said = load_classifier(find_model(arguments.model), device="cpu").predict(crops).argmax(axis=1)
    network = said == EMOTIONS.index("happy")
    for name, smiles in (("a slight smile counts as happy", "Hh"), ("a slight smile does not", "H")):
        viewer = np.isin(letters, list(smiles))
        print(f"\n{len(rows)} faces; {name}; agreement {100 * (viewer == network).mean():.1f} %\n")
        print("| group | faces | viewer: happy, % | network: happy, % | sensitivity, % | specificity, % |")
        print("|---|" + "---:|" * 5)
        for column in ("race", "gender"):
            print_groups(column, found[column][rows], viewer, network)


def rates_of(viewer: Flags, network: Flags) -> NDArray[np.float64]:
    """Return five rates for who calls which faces happy, bool ``(n,)`` each.

    They are: happy by the viewer, by the network, sensitivity, specificity, and how much more often the network says
    happy than the viewer. NaN where there is nothing to count.
    """
    found, left = (viewer & network).sum() / max(viewer.sum(), 1), (~viewer & ~network).sum() / max((~viewer).sum(), 1)
    sensitivity, specificity = (found if viewer.any() else np.nan), (np.nan if viewer.all() else left)
    return np.array([viewer.mean(), network.mean(), sensitivity, specificity, network.mean() - viewer.mean()])


def print_groups(column: str, group: NDArray[np.int64], viewer: Flags, network: Flags) -> None:
    """Print the rates of each group, and the largest difference between two groups of each rate."""
    generator = np.random.default_rng(0)
    rates, drawn = [], []
    for value in np.unique(group):
        mine = np.flatnonzero(group == value)
        rates.append(rates_of(viewer[mine], network[mine]))
        samples = [generator.choice(mine, len(mine)) for _ in range(_SAMPLES)]
        drawn.append(np.stack([rates_of(viewer[some], network[some]) for some in samples]))
        cells = [_with_interval(rates[-1][k], drawn[-1][:, k]) for k in range(4)]
        print(f"| {column} {value} | {len(mine)} | " + " | ".join(cells) + " |")
    cells = []
    for k in range(5):
        order = np.argsort([rate[k] for rate in rates])
        high, low = order[-1], order[0]
        cells.append(_with_interval(rates[high][k] - rates[low][k], drawn[high][:, k] - drawn[low][:, k]))
    print(f"| largest difference | | {' | '.join(cells[:4])} |")
    print(f"| the same of network less viewer | | | {cells[4]} | | |")


def _with_interval(rate: float, drawn: NDArray[np.float64]) -> str:
    low, high = np.nanquantile(drawn, (0.025, 0.975))
    return f"{100 * rate:.0f} ({100 * low:.0f} to {100 * high:.0f})"


if __name__ == "__main__":
    main()
