"""The file that a movie's results were made from, if it is still the same file."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from jobs.results.job_facts import JobFacts
from jobs.store.provenance import fingerprint_movie


@dataclass(frozen=True)
class Original:
    """The file that a movie's results were made from, or why it cannot be shown; ``path`` is None then."""

    path: Path | None
    why_not: str = ""


def find_original(facts: JobFacts, fingerprint: Callable[[Path], str] = fingerprint_movie) -> Original:
    """Find the original of a movie.

    It lies outside of the output folder, where the results say. So it must be the very file that they were made from:
    another one under its name would show pictures of another film, or what nobody meant to show.

    Args:
        facts: what ``job.json`` says of the movie.
        fingerprint: computes the fingerprint of a file; raises OSError where the file cannot be read.
    """
    if not facts.source or not facts.fingerprint:
        return Original(None, "the results do not say what they were made from")
    path = Path(facts.source)
    if facts.steps:
        return Original(None, f"the clock of the original, {path}, jumps; only the annotated video is continuous")
    try:
        if not path.is_file():
            return Original(None, f"the original, {path}, no longer exists")
        same = fingerprint(path) == facts.fingerprint
    except OSError as error:
        return Original(None, f"the original, {path}, cannot be read: {error.strerror}")
    return Original(path) if same else Original(None, f"the original, {path}, has changed since")
