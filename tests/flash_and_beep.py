"""Films with flashes and beeps at the same moments, their packets muxed with any time stamps, and what is made of them.

Each picture shows its number (:mod:`clips`), except where it flashes.
"""

import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import av
import av.audio.resampler
import av.container
import av.error
import av.packet
import av.stream
import av.video.frame
import numpy as np
import pyarrow.parquet as pq
from av.video.reformatter import Interpolation
from clips import grey_of
from numpy.typing import NDArray

from pipeline import schema
from pipeline.analyze import THUMBNAIL_SIZE
from pipeline.faces.track import TrackOptions
from pipeline.media.decode import DecodeFaults, TimestampError, decode
from pipeline.media.ffmpeg import ffmpeg_exe
from pipeline.media.movie import Movie, open_movie
from pipeline.media.scan import Packets
from pipeline.media.segments import Segment, as_one, cut, read_packets
from pipeline.tables.observations import Observations
from pipeline.tables.timeline import Tables, assemble
from pipeline.video.join import join
from pipeline.video.mux import mux
from pipeline.video.render import EncoderOptions, render

FPS: Final = 25
RATE: Final = 48_000
BEEP_S: Final = 0.08
SIZE: Final = (96, 64)
TINY: Final = (24, 16)

Stamps = tuple[int | None, int | None]
Mover = Callable[[str, int, Fraction], Fraction | None]
"""Takes the kind of stream, the packet's number and its time in s; returns by how many s it is moved; None drops it."""


@dataclass(frozen=True)
class Recording:
    """A recipe for a film.

    Attributes:
        seconds: of pictures.
        moments: s at which it flashes and beeps.
        video, audio: FFmpeg's names of the encoders; no sound with "".
        pixels: pixel format.
        options: of the video's encoder.
        sound_s: s of sound; as long as the pictures by default.
        sound_starts: s of the first sound.
        numbers_from: number that the first picture shows.
    """

    seconds: float = 3.0
    moments: Sequence[float] = (1.0,)
    video: str = "libx264"
    audio: str = "aac"
    pixels: str = "yuv420p"
    options: dict[str, str] = field(default_factory=lambda: {"g": "25", "bf": "2", "preset": "ultrafast"})
    sound_s: float | None = None
    sound_starts: float = 0.0
    numbers_from: int = 0

    def but(self, **changes: Any) -> "Recording":
        """Return this recipe with other values."""
        return replace(self, **changes)

    @property
    def frames(self) -> int:
        """How many pictures it has."""
        return round(self.seconds * FPS)

    def picture(self, number: int) -> NDArray[np.uint8]:
        """Return picture ``number``, grey ``(h, w)``: a moving bar, white where it flashes."""
        if any(0 <= number - round(moment * FPS) < round(BEEP_S * FPS) for moment in self.moments):
            return np.full(SIZE[::-1], 235, np.uint8)
        picture = np.full(SIZE[::-1], 50, np.uint8)
        left = (number + self.numbers_from) * 4 % SIZE[0]
        picture[:, left : left + 12] = 110
        return picture

    def sound(self) -> NDArray[np.float32]:
        """Return the sound, float32 ``(n,)``, -1..1."""
        length = self.seconds - self.sound_starts if self.sound_s is None else self.sound_s
        times = self.sound_starts + np.arange(round(length * RATE)) / RATE
        loud = np.zeros(len(times), np.bool_)
        for moment in self.moments:
            loud |= (times >= moment) & (times < moment + BEEP_S)
        return np.where(loud, 0.5 * np.sin(2 * np.pi * 1000 * times), 0).astype(np.float32)

    def write(self, path: Path, container: str | None = None, muxer: dict[str, str] | None = None) -> Path:
        """Encode it to ``path``."""
        with av.open(str(path), "w", format=container, options=muxer or {}) as sink:
            video: Any = sink.add_stream(self.video, rate=FPS, options={"threads": "1", **self.options})
            video.width, video.height = SIZE
            video.pix_fmt = self.pixels
            audio: Any = sink.add_stream(self.audio, rate=RATE, layout="mono") if self.audio else None
            packets = list(self._video_packets(video)) + list(self._audio_packets(audio))
            for packet in sorted(packets, key=_moment):
                sink.mux(packet)
        return path

    def _video_packets(self, stream: Any) -> Iterator[Any]:
        for number in range(self.frames):
            frame = av.VideoFrame.from_ndarray(self.picture(number), "gray").reformat(format=self.pixels)
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            yield from stream.encode(frame)
        yield from stream.encode(None)

    def _audio_packets(self, stream: Any) -> Iterator[Any]:
        if stream is None:
            return
        sound = self.sound()
        size = stream.codec_context.frame_size or 1024
        resampler = av.audio.resampler.AudioResampler(stream.codec_context.format, "mono", RATE, frame_size=size)
        frame = av.AudioFrame.from_ndarray(sound[None], "fltp", "mono")
        frame.sample_rate, frame.pts = RATE, round(self.sound_starts * RATE)
        frame.time_base = Fraction(1, RATE)
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            yield from stream.encode(piece)
        yield from stream.encode(None)


def _moment(packet: Any) -> Fraction:
    return Fraction((packet.pts if packet.dts is None else packet.dts) * packet.time_base)


def remuxed_with(source: Path, out: Path, move: Mover, muxer: dict[str, str] | None = None, **kinds: Any) -> Path:
    """Copy the packets of ``source`` to ``out`` with other time stamps, in the order of those."""
    with av.open(str(source)) as container, av.open(str(out), "w", options=muxer or {}, **kinds) as sink:
        targets = {s.index: sink.add_stream_from_template(s) for s in container.streams}
        numbers = dict.fromkeys(targets, -1)
        moved = []
        for packet in container.demux():
            if packet.dts is None and packet.pts is None:
                continue
            stream = packet.stream
            numbers[stream.index] += 1
            shift = move(stream.type, numbers[stream.index], _moment(packet))
            if shift is None:
                continue
            ticks = round(shift / Fraction(packet.time_base))
            packet.dts = None if packet.dts is None else packet.dts + ticks
            packet.pts = None if packet.pts is None else packet.pts + ticks
            packet.stream = targets[stream.index]
            moved.append(packet)
        for packet in sorted(moved, key=_moment):
            sink.mux(packet)
    return out


def ffmpeg_pictures(path: Path, stream: int) -> NDArray[np.uint8]:
    """Return what FFmpeg's own program decodes with ``-fps_mode passthrough``: tiny grey pictures ``(n, h, w)``."""
    width, height = TINY
    read = [ffmpeg_exe(), "-hide_banner", "-nostdin", "-loglevel", "fatal", "-noautorotate", "-threads", "1"]
    scaled = f"scale={width}:{height}:flags=area,format=gray"
    write = ["-map", f"0:{stream}", "-vf", scaled, "-fps_mode", "passthrough", "-f", "rawvideo", "-"]
    done = subprocess.run([*read, "-i", f"file:{path}", *write], check=False, capture_output=True)
    return np.frombuffer(done.stdout, np.uint8).reshape(-1, height, width)


def tiny(frame: av.video.frame.VideoFrame) -> NDArray[np.uint8]:
    """Return a picture as :func:`ffmpeg_pictures` does, ``(h, w)``."""
    scaled = frame.reformat(*TINY, "gray", interpolation=Interpolation.AREA)
    return np.asarray(scaled.to_ndarray(), np.uint8)


@dataclass(frozen=True)
class Outcome:
    """What the pipeline makes of a film.

    Attributes:
        movie, packets: as scanned.
        pts: of its frames.
        pictures: the frames, as :func:`tiny`, ``(n, h, w)``.
        tables: without faces.
        video: the annotated video.
        remarks: on its sound.
        faults: of decoding.
    """

    movie: Movie
    packets: Packets
    pts: list[int]
    pictures: NDArray[np.uint8]
    tables: Tables
    video: Path
    remarks: list[str]
    faults: DecodeFaults

    @property
    def seconds(self) -> NDArray[np.float64]:
        """How long each frame is shown, in s."""
        times = [self.movie.time_of(p) for p in self.pts]
        return np.array([b - a for a, b in pairwise(times)])

    def video_has_sound(self) -> bool:
        """Whether the annotated video has any."""
        with av.open(str(self.video), metadata_errors="replace") as container:
            return bool(container.streams.audio)

    @property
    def shot_starts(self) -> list[int]:
        """Frames that begin a shot."""
        return [row["first_frame"] for row in self.tables.shots.to_pylist()]


def through(path: Path, folder: Path, seconds: float = 1.0) -> Outcome:
    """Take a film through scan, decoding, tables, drawing, join and mux, without looking for faces."""
    movie = open_movie(path)
    packets = read_packets(movie)
    movie = packets.timed(movie)
    segments = cut(movie, packets, seconds)
    try:
        faults, pictures = DecodeFaults(), []
        parts = [_observed(movie, segment, faults, pictures) for segment in segments]
    except TimestampError:
        faults, pictures, segments = DecodeFaults(), [], [as_one(packets)]
        parts = [_observed(movie, segment, faults, pictures) for segment in segments]
    tables = assemble("m", movie, parts, TrackOptions(), {})
    timeline = folder / "timeline.parquet"
    pq.write_table(tables.timeline, timeline)
    encoded = []
    for segment in segments:
        part = folder / f"{segment.name}.mp4"
        if render(movie, segment, timeline, part, EncoderOptions(crf=30, preset="ultrafast")):
            encoded.append(part)
    join(encoded, folder / "joined.mp4")
    video = folder / "annotated.mp4"
    remarks = mux(folder / "joined.mp4", movie, video, "")
    pts = [int(p) for part in parts for p in part.pts]
    return Outcome(movie, packets, pts, np.array(pictures, np.uint8), tables, video, remarks, faults)


def _observed(movie: Movie, segment: Segment, faults: DecodeFaults, pictures: list[NDArray[np.uint8]]) -> Observations:
    stamps = []
    for frame in decode(movie, segment, faults):
        stamps.append(frame.pts)
        pictures.append(tiny(frame.picture))
    pts = np.array(stamps, np.int64)
    none = np.zeros((0, 4), np.float32)
    return Observations(
        pts=pts,
        change=np.zeros(len(pts), np.float32),
        ends=np.zeros((2 if len(pts) else 0, *THUMBNAIL_SIZE[::-1], 3), np.uint8),
        face_frame=np.zeros(0, np.int32),
        boxes=none,
        scores=none[:, 0],
        probabilities=np.zeros((0, len(schema.EMOTIONS)), np.float32),
        refused=0,
        damaged=0,
    )


def seen(path: Path) -> list[float]:
    """Return when a video begins to flash, in s of its own time stamps."""
    found: list[float] = []
    was_bright = False
    with av.open(str(path), metadata_errors="replace") as container:
        for frame in container.decode(container.streams.video[0]):
            is_bright = bool(grey_of(frame).mean() > 140)
            if is_bright and not was_bright and frame.time is not None:
                found.append(frame.time)
            was_bright = is_bright
    return found


def heard(path: Path, number: int = 0) -> list[float]:
    """Return when a sound track begins to beep, in s of its own time stamps."""
    found: list[float] = []
    last = -1.0
    with av.open(str(path), metadata_errors="replace") as container:
        resampler = av.audio.resampler.AudioResampler("fltp", "mono")
        for frame in container.decode(container.streams.audio[number]):
            for piece in resampler.resample(frame):
                assert piece.time is not None
                for place in np.flatnonzero(np.abs(piece.to_ndarray()[0]) > 0.1).tolist():
                    time = piece.time + place / piece.sample_rate
                    if time - last > BEEP_S:
                        found.append(time)
                    last = time
    return found
