"""Segments that a movie should have and has not."""

from fractions import Fraction
from pathlib import Path
from typing import Final

from pipeline.errors import InputError
from pipeline.media.manifests.dash import is_manifest, segments_of
from pipeline.media.manifests.hls import is_playlist, segments_of_playlist, slack_of

_SLACK_S: Final = Fraction(1, 2)
"""s by which pictures may be shorter than a manifest or playlist says in all."""


def slack_of_promise(path: Path) -> Fraction:
    """Return by how many s pictures may be shorter than the times of the segments that a movie is made of."""
    try:
        return _SLACK_S + (slack_of(path) if is_playlist(path) else 0)
    except (OSError, ValueError):
        return _SLACK_S


def loss_of(path: Path) -> str:
    """Return what a movie lacks of its segments, in words; "" where nothing, or where it has none."""
    try:
        if is_manifest(path):
            missing, count = segments_of(path)
        elif is_playlist(path):
            there = [segment.is_file() and segment.stat().st_size > 0 for segment in segments_of_playlist(path)]
            missing, count = there.count(False), len(there)
        else:
            return ""
    except (InputError, OSError, ValueError):
        return ""
    return f"{missing} of {count} segments are missing" if missing else ""
