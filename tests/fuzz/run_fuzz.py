"""Fuzz for some minutes, start again after each finding, and say whose fault each is. ``make fuzz`` runs it.

Exit code 1 if our code is to blame for one; what kills the process inside of FFmpeg is kept and reported.
"""

import argparse
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1])]

from damage import lies, seeds  # noqa: E402

TARGET = HERE / "fuzz_media.py"
LOOK_S = 120


def make_corpus(folder: Path) -> None:
    """Write a small whole film of each format, and some that lie, unless they are there."""
    films = seeds(folder.parent / "seeds")
    for name, data in ({f"whole.{suffix}": data for suffix, data in films.items()} | lies(films)).items():
        (folder / name).write_bytes(data)


def blame(finding: Path) -> tuple[str, str]:
    """Look at an input once more, without the fuzzer, and return whose fault it is and the last words."""
    try:
        done = subprocess.run(
            [sys.executable, TARGET, "--look", finding],
            capture_output=True, text=True, errors="replace", timeout=LOOK_S, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return "hang", f"no end within {LOOK_S} s"
    if done.returncode < 0:
        return "ffmpeg", f"killed by {signal.Signals(-done.returncode).name}"
    return ("ours" if done.returncode else "not repeated"), (done.stderr.strip().splitlines() or [""])[-1]


def main() -> int:
    """Fuzz; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--folder", type=Path, default=Path("fuzzing"))
    arguments = parser.parse_args()
    corpus, found = arguments.folder / "corpus", arguments.folder / "found"
    for folder in (corpus, found):
        folder.mkdir(parents=True, exist_ok=True)
    make_corpus(corpus)
    end = time.monotonic() + 60 * arguments.minutes
    seen = set(found.iterdir())
    blamed: Counter[str] = Counter()
    runs = 0
    while (left := round(end - time.monotonic())) > 0:
        log = arguments.folder / "fuzz.log"
        with log.open("w") as output:
            subprocess.run(
                [sys.executable, TARGET, corpus, f"-artifact_prefix={found}/", f"-max_total_time={left}",
                 "-max_len=200000", "-timeout=60", "-rss_limit_mb=4096", "-print_final_stats=1"],
                stdout=output, stderr=output, check=False,
            )  # fmt: skip
        counts = [line.split()[-1] for line in log.read_text(errors="replace").splitlines() if "executed_units" in line]
        runs += int(counts[-1]) if counts else 0
        for finding in sorted(set(found.iterdir()) - seen):
            seen.add(finding)
            whose, words = blame(finding)
            blamed[whose] += 1
            print(f"{whose}: {finding}: {words}", flush=True)
    inputs = sum(1 for _ in corpus.iterdir())
    print(f"{arguments.minutes:g} minutes, {runs} inputs tried, {inputs} kept; findings: {dict(blamed) or 'none'}")
    return 1 if blamed["ours"] or blamed["hang"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
