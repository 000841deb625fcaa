"""Segments that a movie should have and has not."""

from pathlib import Path

from pipeline.errors import InputError
from pipeline.media.manifests.dash import is_manifest, segments_of
from pipeline.media.manifests.parts import is_playlist, segments_of_playlist


def loss_of(path: Path) -> str:
    """Return what a movie lacks of its segments, in words; "" where nothing, or where it has none."""
    try:
        if is_manifest(path):
            missing, count = segments_of(path)
        elif is_playlist(path):
            there = [segment.is_file() for segment in segments_of_playlist(path)]
            missing, count = there.count(False), len(there)
        else:
            return ""
    except (InputError, OSError, ValueError):
        return ""
    return f"{missing} of {count} segments are missing" if missing else ""
