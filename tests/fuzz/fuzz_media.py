"""Fuzzing of probe, scan and decode, guided by the coverage of our own code: ``make fuzz MINUTES=60`` runs it.

FFmpeg's libraries are not instrumented. What they do wrong shows as the end of this process, which a worker contains in
a run; :mod:`run_fuzz` tells the two apart. Anything but an error of ours (PipelineError) is a finding, and so is a
broken promise: pictures out of order, outside of their segment, twice, or lost without a word.
"""

import os
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["pipeline"]):
    from pipeline.errors import PipelineError
    from pipeline.limits import MediaLimits, limit_media
    from pipeline.media.decode import DecodeFaults, Reader, TimestampError
    from pipeline.media.frames import frames_of
    from pipeline.media.movie import Fits, open_movie
    from pipeline.media.segments import as_one, cut, read_packets

import av.logging

_MOST_PICTURES = 40


def look(path: Path) -> None:
    """Read the film at ``path`` as a run does; ``AssertionError`` where a promise is broken."""
    movie = open_movie(path)
    packets = read_packets(movie)
    movie = packets.timed(movie)
    segments = cut(movie, packets, 1.0)
    assert all(a.end == b.start for a, b in pairwise(segments)), "time between segments"
    try:
        _decode(movie, segments)
    except TimestampError:
        _decode(movie, [as_one(packets)])


def _decode(movie, segments) -> None:  # type: ignore[no-untyped-def]
    last = None
    with Reader() as reader:
        for segment in segments[:4]:
            faults = DecodeFaults()
            fits = Fits(movie)
            found = 0
            for frame in frames_of(movie, segment, faults, 1, reader):
                assert last is None or frame.pts > last, f"{frame.pts} after {last}"
                assert segment.start <= frame.pts < segment.end, f"{frame.pts} is not of {segment}"
                last = frame.pts
                fit = fits.of(frame.picture)
                assert 0 <= fit.x <= fit.x + fit.width <= movie.width, fit
                assert 0 <= fit.y <= fit.y + fit.height <= movie.height, fit
                found += 1
                if found >= _MOST_PICTURES:
                    return
            if "vp" not in movie.codec and "av1" not in movie.codec and 2 * found < segment.frames - 1:
                assert faults.missing or faults.leading, f"a silent loss: {found} of {segment.frames}"


def one_input(folder: Path) -> Callable[[bytes], None]:
    """Return what atheris calls with each input."""
    path = folder / f"{os.getpid()}.film"

    def one(data: bytes) -> None:
        if not data:
            return
        path.write_bytes(data)
        with suppress(PipelineError):
            look(path)

    return one


def main() -> None:
    """Fuzz, with libFuzzer's arguments; or look at one file without it: ``--look FILE``."""
    limit_media(MediaLimits(pixels=4_000_000))
    av.logging.set_level(None)
    if sys.argv[1:2] == ["--look"]:
        try:
            look(Path(sys.argv[2]))
        except PipelineError as error:
            print(error)
        return
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        atheris.Setup(sys.argv, one_input(Path(folder)))
        atheris.Fuzz()


if __name__ == "__main__":
    main()
