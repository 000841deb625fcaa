"""Each film of the media matrix: the pictures of FFmpeg's own program, at their time, with their sound."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from flash_and_beep import Outcome, ffmpeg_pictures, heard, seen, through
from media_matrix import Case, company_cases, format_cases, page, timing_cases

PAGE = Path(__file__).parents[3] / "docs" / "media.md"
CASES = [*format_cases(), *company_cases(), *timing_cases()]
SYNC_S = 0.04
ALIKE = 4
"""Levels by which pictures may differ: other releases of FFmpeg scale them otherwise."""


def off(outcome: Outcome) -> float:
    """Return by how many s flashes and beeps are apart at most; each beep counts, and each flash."""
    flashes, beeps = seen(outcome.video), heard(outcome.video)
    assert len(flashes) == len(beeps), (flashes, beeps)
    assert len(flashes) % 2 == 0
    assert flashes
    return max(abs(a - b) for a, b in zip(flashes, beeps, strict=True))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_film_of_the_matrix(tmp_path: Path, case: Case) -> None:
    film = case.make(tmp_path)
    outcome = through(film, tmp_path)
    theirs = ffmpeg_pictures(film, outcome.movie.stream)
    assert len(outcome.pts) == len(theirs) == case.frames
    assert np.abs(theirs.astype(int) - outcome.pictures).mean(axis=(1, 2)).max() < ALIKE
    assert all(a < b for a, b in pairwise(outcome.pts))
    assert outcome.tables.summary["duration"] == pytest.approx(case.seconds, abs=0.1)
    assert outcome.seconds.max() <= case.longest
    assert outcome.packets.fault.startswith(case.fault)
    assert bool(outcome.packets.fault) == bool(case.fault)
    assert (outcome.faults.refused, outcome.faults.missing) == (0, 0)
    assert outcome.shot_starts == [0, *case.joints]
    assert len(outcome.packets.clock.discontinuities) == len(case.joints)
    assert bool(outcome.packets.clock.remark()) == bool(case.joints)
    if case.in_sync and outcome.video_has_sound():
        assert off(outcome) <= SYNC_S


def test_the_page_is_up_to_date() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
    assert PAGE.read_text(encoding="utf-8") == page(), "docs/media.md is stale; run: make media-page"
