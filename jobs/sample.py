"""A short movie to try the program on, made from two public-domain portraits.

The portraits are Grace Hopper (US Navy, shipped inside matplotlib) and Eileen Collins (NASA, shipped inside
scikit-image). The movie has five shots, four hard cuts, a shot with both people, and one without a face.
"""

import importlib.util
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from fractions import Fraction
from itertools import accumulate
from pathlib import Path

import av
import cv2
import numpy as np
from av.container import OutputContainer
from av.video.reformatter import ColorRange, Colorspace
from av.video.stream import VideoStream
from numpy.typing import NDArray

from jobs.errors import SampleError

Image = NDArray[np.uint8]

WIDTH, HEIGHT = 640, 360
FRAMES_PER_SECOND = 24
SAMPLES_PER_SECOND = 48_000
SAMPLES_PER_FRAME = SAMPLES_PER_SECOND // FRAMES_PER_SECOND
GAP = 4  # black pixels between two pictures side by side
LOUDNESS = 0.12  # peak of a chord; 1.0 is full scale
FADE_SECONDS = 0.25
BT709 = 1  # in FFmpeg's lists of primaries and of transfer curves, for which older PyAV has no names
TITLE = "moodreel sample"


@dataclass(frozen=True)
class Portrait:
    """A picture in another package: the import name of the package, its name for pip, and the file inside it."""

    package: str
    distribution: str
    file: str


@dataclass(frozen=True)
class View:
    """What the camera sees of a portrait: centre and width in portrait pixels; the height follows from the screen."""

    x: float
    y: float
    width: float


@dataclass(frozen=True)
class Move:
    """A camera movement over one portrait."""

    portrait: Portrait
    start: View
    end: View

    def view(self, share: float) -> View:
        """Return what the camera sees after ``share`` (0..1) of the movement, whose speed is constant."""
        pairs = zip(astuple(self.start), astuple(self.end), strict=True)
        return View(*(start + (end - start) * share for start, end in pairs))


@dataclass(frozen=True)
class Shot:
    """One shot: a chapter title, its length in frames, a chord as MIDI notes, and the pictures from left to right."""

    title: str
    frames: int
    chord: tuple[int, ...]
    moves: tuple[Move, ...]


HOPPER = Portrait("matplotlib", "matplotlib", "mpl-data/sample_data/grace_hopper.jpg")  # 512x600
COLLINS = Portrait("skimage", "scikit-image", "data/astronaut.png")  # 512x512

SHOTS = (
    Shot("Grace Hopper", 72, (60, 64, 67), (Move(HOPPER, View(256, 214, 508), View(264, 226, 430)),)),
    Shot("Eileen Collins", 72, (57, 60, 64), (Move(COLLINS, View(310, 122, 340), View(172, 118, 340)),)),
    Shot("The shuttle", 60, (53, 57, 60), (Move(COLLINS, View(408, 178, 206), View(408, 60, 206)),)),
    Shot(
        "Side by side",
        72,
        (55, 59, 62),
        (
            Move(HOPPER, View(238, 226, 330), View(290, 226, 330)),
            Move(COLLINS, View(246, 132, 210), View(204, 132, 210)),
        ),
    ),
    Shot("Close", 60, (60, 64, 67, 72), (Move(COLLINS, View(223, 118, 260), View(232, 136, 430)),)),
)


def make_sample(path: Path) -> None:
    """Write the sample movie (14 s, 640x360, 24 fps, H.264 and AAC stereo in MP4) to ``path``.

    Parent folders are created. The file appears under its name only when it is complete, and replaces an older one.

    Raises:
        SampleError: a portrait is missing, and the message says what to install; or the movie cannot be encoded.
        OSError: the folder cannot be created or the file cannot take its place.
    """
    pictures = {portrait: load(portrait) for portrait in (HOPPER, COLLINS)}
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        encode(unfinished, SHOTS, pictures)
        os.replace(unfinished, path)
    except av.FFmpegError as error:
        raise SampleError(f"FFmpeg could not write the sample movie {path}: {error}") from error
    finally:
        unfinished.unlink(missing_ok=True)


def package_folder(package: str) -> Path | None:
    """Return the folder of a package, or None if it is not installed. Importing the package would take seconds."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0])


def load(portrait: Portrait) -> Image:
    """Read a portrait as uint8 RGB of shape (height, width, 3).

    Raises:
        SampleError: the package is not installed, or came without its sample pictures.
    """
    advice = 'pip install "moodreel[sample]"'
    folder = package_folder(portrait.package)
    if folder is None:
        raise SampleError(f"the sample movie needs a picture from {portrait.distribution}, not installed; {advice}")
    file = folder / portrait.file
    # Not called for a missing file, about which it prints a warning.
    picture = cv2.imread(str(file), cv2.IMREAD_COLOR) if file.is_file() else None
    if picture is None:
        raise SampleError(f"{portrait.distribution} is installed without a readable picture {file}; {advice}")
    return np.ascontiguousarray(picture[:, :, ::-1], dtype=np.uint8)


def draw_frames(shot: Shot, pictures: Mapping[Portrait, Image]) -> Iterator[Image]:
    """Yield the ``shot.frames`` images of a shot, uint8 RGB of shape (360, 640, 3), each a new array."""
    count = len(shot.moves)
    width = (WIDTH - GAP * (count - 1)) // count
    for index in range(shot.frames):
        share = index / max(1, shot.frames - 1)
        frame = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        for place, move in enumerate(shot.moves):
            left = place * (width + GAP)
            frame[:, left : left + width] = look(pictures[move.portrait], move.view(share), width)
        yield frame


def look(picture: Image, view: View, width: int) -> Image:
    """Return what ``view`` sees of a picture.

    An affine warp samples between pixels; a crop to whole pixels would make slow movements jitter.

    Args:
        picture: uint8 RGB of shape (height, width, 3).
        view: what the camera sees of it.
        width: of the result in pixels.

    Returns:
        uint8 RGB of shape (360, ``width``, 3).
    """
    scale = view.width / width
    # Pixel centres are at half coordinates in both pictures, hence the halves.
    left = view.x + scale * (0.5 - width / 2) - 0.5
    top = view.y + scale * (0.5 - HEIGHT / 2) - 0.5
    matrix = np.array([[scale, 0, left], [0, scale, top]], np.float64)
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    warped = cv2.warpAffine(picture, matrix, (width, HEIGHT), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(warped, dtype=np.uint8)


def play(shot: Shot) -> NDArray[np.float32]:
    """Return the chord of a shot: float32 (2, samples), left and right, within -0.12..0.12, silent at both ends."""
    samples = shot.frames * SAMPLES_PER_FRAME
    seconds = np.arange(samples) / SAMPLES_PER_SECOND
    notes = np.array(shot.chord, np.float64)[:, None]
    hertz = 440.0 * 2.0 ** ((notes - 69) / 12)
    # A difference of a fraction of a hertz between the ears makes plain sine waves sound less dull.
    sides = [np.sin(2 * np.pi * (hertz + detuning) * seconds).mean(axis=0) for detuning in (0.0, 0.4)]
    edge = np.minimum(seconds, seconds[::-1]) / FADE_SECONDS
    fade = np.sin(np.clip(edge, 0, 1) * np.pi / 2) ** 2
    return np.asarray(LOUDNESS * fade * np.stack(sides), dtype=np.float32)


def encode(path: Path, shots: Sequence[Shot], pictures: Mapping[Portrait, Image]) -> None:
    """Encode shots one after another.

    Args:
        path: of the MP4 file.
        shots: in order.
        pictures: the portraits in them, uint8 RGB of shape (height, width, 3).

    Raises:
        av.FFmpegError: FFmpeg cannot write the file.
    """
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        container.metadata["title"] = TITLE
        add_chapters(container, shots)
        video = add_video(container)
        audio = container.add_stream("aac", SAMPLES_PER_SECOND, layout="stereo")
        first = 0
        for shot in shots:
            for index, image in enumerate(draw_frames(shot, pictures), first):
                picture = av.VideoFrame.from_ndarray(image, "rgb24")
                picture = picture.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU709)
                picture.pts, picture.time_base = index, Fraction(1, FRAMES_PER_SECOND)
                container.mux(video.encode(picture))
            sound = av.AudioFrame.from_ndarray(play(shot), "fltp", "stereo")
            sound.sample_rate, sound.pts = SAMPLES_PER_SECOND, first * SAMPLES_PER_FRAME
            container.mux(audio.encode(sound))
            first += shot.frames
        container.mux(video.encode())
        container.mux(audio.encode())


def add_video(container: OutputContainer) -> VideoStream:
    """Add the H.264 stream, with its colours declared as BT.709, so that players need not guess."""
    video = container.add_stream("libx264", FRAMES_PER_SECOND, {"preset": "veryfast", "crf": "20"})
    video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    # One thread: x264's result depends on their number, and the movie must not depend on the machine's cores.
    video.thread_count = 1
    video.colorspace, video.color_range = Colorspace.ITU709, ColorRange.MPEG
    video.color_primaries = video.color_trc = BT709
    return video


def add_chapters(container: OutputContainer, shots: Sequence[Shot]) -> None:
    """Add a chapter per shot, timed in frames."""
    base = Fraction(1, FRAMES_PER_SECOND)
    ends = accumulate(shot.frames for shot in shots)
    container.set_chapters(
        [
            {"id": id, "start": end - shot.frames, "end": end, "time_base": base, "metadata": {"title": shot.title}}
            for id, (shot, end) in enumerate(zip(shots, ends, strict=True), 1)
        ]
    )
