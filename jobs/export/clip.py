"""A clip: a span of a movie as a small mp4 with sound, whose first frame is exactly the one that was asked for."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Final

import av.error

from jobs.errors import UsageError
from jobs.results.job_facts import job_facts
from jobs.results.stills.original import find_original
from jobs.store.atomic import commit, temporary_beside
from jobs.store.workspace import MovieFolder
from pipeline.errors import FfmpegError
from pipeline.media.decode import DecodeFaults, frame_before
from pipeline.media.ffmpeg import ffmpeg_exe, run, url
from pipeline.media.frames import frames_of
from pipeline.media.manifests.parts import is_several_files
from pipeline.media.movie import Movie, open_movie, opened
from pipeline.media.segments import LAST_PTS, Segment, read_packets
from pipeline.video.join import exact_time_base
from pipeline.video.moved_source import LEAD_S, write_moved_source
from pipeline.video.render import EncoderOptions, PartWriter, Upright, output_time_base

_COPY: Final = MovieFolder(Path()).overlay.name
_QUALITY: Final = EncoderOptions(crf=18, preset="veryfast", threads=0)
_TIME: Final = re.compile(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d*)?)")
_GUESSED: Final = ("mpeg",)
"""FFmpeg's demuxers of files whose end is guessed from the last time stamp that is found, which may be any one's."""

_ROUNDING: Final = Fraction(1, 2000)
"""s; pages and tables show times that are rounded to a thousandth."""


@dataclass(frozen=True)
class Clip:
    """What was written.

    Attributes:
        path: the file.
        frames: how many.
        start, end: of the movie, s: when the first frame appears, and until when it was cut.
        notes: what the user should know.
    """

    path: Path
    frames: int
    start: float
    end: float
    notes: tuple[str, ...] = ()


def clip_to_file(
    movie: Path, begin: str, until: str, out: Path | None = None, annotated: bool = False, force: bool = False
) -> Clip:
    """Do what ``moodreel clip`` does.

    Args:
        movie: folder with a movie's results, or a movie.
        begin: time of the first frame, as people write it.
        until: time at which the clip ends.
        out: file to write; None for one in the current folder, named after movie and times.
        annotated: take the annotated video.
        force: replace a file that is there.

    Raises:
        UsageError: a time cannot be read, there is no such movie, or a file is in the way.
        InputError: the movie cannot be read.
        FfmpegError: the clip cannot be encoded.
    """
    start, end = parse_time(begin, "--from"), parse_time(until, "--to")
    path = out or Path(f"{movie.resolve().stem} {start:.3f}-{end:.3f}.mp4")
    if path.suffix.lower() != ".mp4":
        raise UsageError(f"--out {path}: expected a name that ends in .mp4, found {path.suffix or 'no ending'}")
    if path.exists() and not force:
        raise UsageError(f"{path}: exists already and was kept; --force overwrites it")
    if movie.is_dir():
        return write_clip(MovieFolder(movie), start, end, path, annotated)
    if not movie.exists():
        raise UsageError(f"{movie}: no such file or folder; expected a movie, or the folder with its results")
    if annotated:
        raise UsageError(f"--annotated: expected the folder with a movie's results, found a file, {movie}")
    opened_movie = open_movie(movie)
    packets = read_packets(opened_movie)
    if not packets.trusted:
        raise UsageError(f"{movie}: its time stamps are unreliable; process it and cut its annotated video")
    return _cut(packets.timed(opened_movie), start, end, path, ())


def parse_time(text: str, option: str = "time") -> float:
    """Return the seconds that ``12.5``, ``1:02.5`` or ``1:02:03`` stands for; ``option`` is named in errors.

    Raises:
        UsageError: it stands for no time.
    """
    found = _TIME.fullmatch(text.strip())
    if found is None:
        raise UsageError(f"{option} {text}: expected a time as 12.5, 1:02.5 or 1:02:03 (s, m:ss, h:mm:ss)")
    hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return 3600 * hours + 60 * minutes + seconds


def write_clip(folder: MovieFolder, start: float, end: float, path: Path, annotated: bool = False) -> Clip:
    """Cut a clip out of a movie that was processed.

    Args:
        folder: its results.
        start: s; the first frame is the one that is shown then.
        end: s; frames that appear later are left out.
        path: mp4 to write, whole or not at all; one that is there is replaced.
        annotated: take the annotated video. Where the original is gone, its copy of ``--video overlay`` is taken, or
            else the annotated video, and that is said.

    Raises:
        UsageError: there are no results, no video, or no such span in it.
        InputError: the video cannot be read.
        FfmpegError: the clip cannot be encoded.
    """
    job = folder.read_job_file()
    if job is None or not job.has_results:
        raise UsageError(f"{folder.root}: expected the results of a movie, found none")
    if annotated:
        if not folder.video.is_file():
            raise UsageError(_no_annotated(folder))
        return _cut(_without_start(folder.video), start, end, path, ())
    original = find_original(job_facts(job))
    if original.path is not None and job.trusted:
        movie = open_movie(original.path)
        if job.summary.width and job.summary.height:
            movie = movie.with_picture(job.summary.width, job.summary.height)
        return _cut(movie, start, end, path, ())
    why = original.why_not or f"the time stamps of the original, {original.path}, cannot be trusted"
    if folder.overlay.is_file():  # the same pictures and sound
        return _cut(_without_start(folder.overlay), start, end, path, (f"{why}; the clip is from its copy, {_COPY}",))
    if folder.video.is_file():
        return _cut(_without_start(folder.video), start, end, path, (f"{why}; the clip is from the annotated video",))
    raise UsageError(f"{folder.video}: expected the annotated video, found none ({why}): nothing to take a clip from")


def _without_start(video: Path) -> Movie:
    # It counts on the player's clock of the original, whatever its first stream begins with.
    return replace(open_movie(video), clock_start=Fraction(0))


def _no_annotated(folder: MovieFolder) -> str:
    if folder.overlay.is_file():
        return (
            f"{folder.video}: expected the annotated video, found only {_COPY}, the movie with its labels as "
            "subtitles, which clips leave out; moodreel run --video h264 makes the annotated one"
        )
    return f"{folder.video}: expected the annotated video, found none; moodreel run --video h264 makes it"


def _cut(movie: Movie, start: float, end: float, path: Path, notes: Sequence[str]) -> Clip:
    if end <= start:
        raise UsageError(f"expected --to after --from, found {start:g} to {end:g} s")
    span = _span(movie, start, end)
    try:
        with temporary_beside(path.with_name(f"picture-{path.name}")) as picture:
            frames, first, last = _write_picture(movie, span, picture)
            if frames == 0:
                raise UsageError(f"{movie.path}: expected a frame between {start:g} and {end:g} s, found none")
            begins = float(first * movie.time_base - movie.clock_start)
            shown_until = _end_of(movie)
            ends = min(end, shown_until) if shown_until > begins else end
            said = [*notes]
            if end > shown_until + 0.001 and last >= first:
                said.append(f"the movie ends at {shown_until:.3f} s, so the clip ends there, too")
            seconds = Fraction(ends) - (first * movie.time_base - movie.clock_start)
            commit(path, lambda part: said.extend(_add_sound(movie, picture, first, seconds, part)))
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from error
    return Clip(path, frames, begins, ends, tuple(said))


def _span(movie: Movie, start: float, end: float) -> Segment:
    """Return the frames that are shown from ``start`` on and appear before ``end``, both in s."""
    ends = _end_of(movie)
    if start >= ends:
        raise UsageError(f"{movie.path}: expected a clip within the movie, found {start:g} s; it ends at {ends:.3f} s")

    def tick(time: float) -> int:
        return (Fraction(time) + movie.clock_start + _ROUNDING) // movie.time_base

    before = frame_before(movie, Segment(0, tick(start) + 1, LAST_PTS, 0))
    first = tick(start) if before is None else before.pts
    return Segment(0, first, max(tick(end - 2 * float(_ROUNDING)) + 1, first + 1), 0)


def _end_of(movie: Movie) -> float:
    """Return when a movie ends by what its header says, s, if it does; a clip's frames are what is really there."""
    with opened(movie.path) as container:
        if container.format.name in _GUESSED:
            return float("inf")
        stream = container.streams[movie.stream]
        if stream.duration and stream.time_base:
            begin = (stream.start_time or 0) * stream.time_base
            return float(begin + stream.duration * stream.time_base - movie.clock_start)
        start = Fraction(container.start_time or 0, 1_000_000)
        whole = Fraction(container.duration or 0, 1_000_000)
    return float(start + whole - movie.clock_start) if whole else float("inf")


def _write_picture(movie: Movie, span: Segment, out: Path) -> tuple[int, int, int]:
    """Encode the frames of a span; return how many, and the pts of the first and the last."""
    upright, time_base = Upright(movie), output_time_base(movie)
    writer: PartWriter | None = None
    first = last = span.start
    try:
        for frame in frames_of(movie, span, DecodeFaults(), threads=1):
            if writer is None:
                writer, first = PartWriter(out, movie, time_base, _QUALITY), frame.pts
            last = frame.pts
            writer.write(upright.yuv420p(frame.picture), round((frame.pts - first) * movie.time_base / time_base))
        if writer is not None:
            writer.finish()
    except av.error.FFmpegError as error:
        raise FfmpegError(f"{movie.path}: the clip cannot be encoded: {error}") from error
    finally:
        if writer is not None:
            writer.close()
    return (writer.frames if writer else 0), first, last


def _add_sound(movie: Movie, picture: Path, first: int, seconds: Fraction, out: Path) -> list[str]:
    """Write ``picture`` with the sound of the span that begins at pts ``first``; return remarks."""
    with opened(movie.path) as container:
        tracks = len(container.streams.audio)
    from_picture = ["-i", url(picture)]
    kept = ["-map", "0:v:0", "-c:v", "copy"]
    for option, value in exact_time_base(_time_base_of(picture)).items():
        kept += [f"-{option}", value]
    if tracks:
        # What is missing at the beginning is silence, or the sound would begin with the picture.
        encode = ["-map", "1:a", "-c:a", "aac", "-b:a", "192k", "-af", "aresample=async=1:first_pts=0"]
        try:
            with _sound_file(movie, out) as (source, late):
                micro = round((first * movie.time_base + late) * 1_000_000)
                span = ["-seek_timestamp", "1", "-ss", f"{micro}us", "-t", f"{round(seconds * 1_000_000)}us"]
                run(_command([*from_picture, *span, "-i", url(source), *kept, *encode], out), out)
            return []
        except FfmpegError as error:
            failure = str(error).splitlines()[-1]
        run(_command([*from_picture, *kept], out), out)
        return [f"without sound, which could not be read: {failure}"]
    run(_command([*from_picture, *kept], out), out)
    return []


@contextmanager
def _sound_file(movie: Movie, out: Path) -> Iterator[tuple[Path, Fraction]]:
    """Yield a file with the movie's sound that the program ffmpeg can read, and by how many s it is late there."""
    if not is_several_files(movie.path):
        yield movie.path, Fraction(0)
        return
    with temporary_beside(out.with_name(f"sound-{out.stem}.nut")) as path:
        with opened(movie.path) as container:
            sound = [stream.index for stream in container.streams.audio]
        write_moved_source(movie, sound, path)
        yield path, LEAD_S - movie.clock_start


def _command(words: Sequence[str], out: Path) -> list[str]:
    quiet = ["-hide_banner", "-nostdin", "-nostats", "-loglevel", "error"]
    return [ffmpeg_exe(), *quiet, *words, "-f", "mp4", "-movflags", "+faststart", "-y", url(out)]


def _time_base_of(video: Path) -> Fraction:
    with opened(video) as container:
        return Fraction(container.streams.video[0].time_base or Fraction(1, 90_000))
