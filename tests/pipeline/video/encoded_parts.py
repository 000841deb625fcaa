"""Parts of annotated videos for tests, encoded as the pipeline does, and what is in them."""

import hashlib
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import av.error
import numpy as np
from numpy.typing import NDArray

from pipeline.video.join import exact_time_base

MS = Fraction(1, 1000)
VFR = [844, 880, 884, 1000, 1400, 1433, 1466, 1500, 1501, 1800, 2600, 2640, 2680, 2720, 2760]
STEADY = list(range(0, 2000, 40))


def picture(number: int, width: int = 64, height: int = 48) -> NDArray[np.uint8]:
    """Return a picture ``(h, w, 3)`` with a moving bar, such that the encoder has a reason for B-frames."""
    image = np.full((height, width, 3), 40, np.uint8)
    left = number * 3 % width
    image[:, left : left + 8] = 200
    return image


def write_video(
    path: Path, pts: Sequence[int], time_base: Fraction, crf: int = 30, size: tuple[int, int] = (64, 48)
) -> Path:
    """Write one part the way the encoder does: B-frames, exact clock."""
    with av.open(str(path), "w", format="mp4", options=exact_time_base(time_base)) as sink:
        options = {"preset": "veryfast", "crf": str(crf), "bf": "3", "b-adapt": "0", "threads": "1"}
        stream = sink.add_stream("libx264", rate=25, options=options)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = time_base
        for number, p in enumerate(pts):
            frame = av.VideoFrame.from_ndarray(picture(number, *size), format="rgb24")
            frame.pts, frame.time_base = p, time_base
            sink.mux(stream.encode(frame))
        sink.mux(stream.encode(None))
    return path


def write_parts(folder: Path, pts: Sequence[int], time_base: Fraction, cuts: Sequence[int]) -> list[Path]:
    borders = [0, *cuts, len(pts)]
    return [write_video(folder / f"part{k}.mp4", pts[a:b], time_base) for k, (a, b) in enumerate(pairwise(borders))]


def packets(path: Path, kind: str, number: int = 0) -> list[tuple[Fraction, str]]:
    """Return time in s and checksum of the payload of each packet of a stream, by time; ADTS headers are no payload."""
    found: list[tuple[Fraction, str]] = []
    with av.open(str(path)) as container:
        stream = [s for s in container.streams if s.type == kind][number]
        try:
            for packet in container.demux(stream):
                if packet.pts is not None and packet.size and packet.time_base is not None:
                    data = bytes(packet)
                    if kind == "audio" and data[0] == 0xFF and data[1] & 0xF6 == 0xF0:
                        data = data[7 if data[1] & 1 else 9 :]
                    found.append((packet.pts * packet.time_base, hashlib.md5(data).hexdigest()))
        except av.error.FFmpegError:
            pass
    return sorted(found)


def times(path: Path, kind: str = "video", number: int = 0) -> list[Fraction]:
    return [t for t, _ in packets(path, kind, number)]
