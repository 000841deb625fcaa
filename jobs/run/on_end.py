"""How programs are told that a run ended: a last line of JSON, and a command with environment variables."""

import json
import os
import subprocess
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.console import say_error

if TYPE_CHECKING:  # see jobs.run.command
    from jobs.store.movie_result import MovieResult


@dataclass
class RunEnd:
    """How a run ended.

    Attributes:
        out: the output folder.
        code: the exit code.
        seconds: it took.
        results: of its movies; none where it could not begin.
        log: its log; None where it could not begin.
        reason: why it could not begin, or did not come to its end.
    """

    out: Path
    code: int = 0
    seconds: float = 0.0
    results: "Sequence[MovieResult]" = ()
    log: Path | None = None
    reason: str = ""

    def environment(self) -> dict[str, str]:
        """Return the variables that the command gets."""
        counts = Counter(result.status for result in self.results)
        failed = [result.name for result in self.results if result.status == "failed"]
        return {
            "MOODREEL_OUT": str(self.out.absolute()),
            "MOODREEL_EXIT_CODE": str(self.code),
            "MOODREEL_SECONDS": str(round(self.seconds)),
            **{
                f"MOODREEL_{status.upper()}": str(counts[status]) for status in ("done", "partial", "failed", "stopped")
            },
            "MOODREEL_FAILED_MOVIES": "\n".join(failed[:_MOST_NAMES]),
            "MOODREEL_LOG": "" if self.log is None else str(self.log.absolute()),
            "MOODREEL_SUMMARY": self._summary(),
        }

    def _summary(self) -> str:
        if not self.results:
            return self.reason or "nothing was done"
        counts = Counter(result.status for result in self.results)
        parts = [f"{count} {status}" for status, count in sorted(counts.items())]
        return f"{len(self.results)} movies: {', '.join(parts)}"


_MOST_NAMES = 100
"""Of failed movies in a variable: the system limits how long they all may be together."""


def tell(command: str, end: RunEnd) -> None:
    """Run ``command`` in the shell; if it fails, that is said, and the run ends as it would have."""
    safe = {name: value.replace("\0", "") for name, value in end.environment().items()}
    try:
        code = subprocess.run(command, shell=True, env={**os.environ, **safe}, check=False).returncode
    except (OSError, ValueError) as error:
        say_error(f"--on-end: the command cannot be run: {error}")
        return
    if code:
        say_error(f"--on-end: the command ended with exit code {code}")


def last_line(results: "Sequence[MovieResult]", code: int, seconds: float) -> str:
    """Return the run in one line of JSON, for schedulers.

    Args:
        results: of all its movies.
        code: the exit code.
        seconds: it took.
    """
    counts = Counter(result.status for result in results)
    frames = sum(result.summary.frames or 0 for result in results if result.fresh and result.ok)
    return json.dumps(
        {
            "exit_code": code,
            **{status: counts[status] for status in ("done", "partial", "failed", "stopped")},
            "frames": frames,
            "seconds": round(seconds, 3),
        }
    )
