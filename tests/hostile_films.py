"""Films whose every field of text is hostile: markup, formulas, commands of a terminal, and names of files."""

from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
import numpy as np
from clips import find_portrait

MARKUP: Final = "\"'><img src=x onerror=hit()></script><script>hit()</script><svg onload=hit()>{{7*7}}${7*7}"
TERMINAL: Final = "\x1b]0;owned\x07\x1b[2J\u202egpj.exe\x9b31m"
HOSTILE: Final = f"=cmd|' /C calc'!A0 {MARKUP} {TERMINAL}\r\ninjected: line; -o /tmp/x $(touch x) `touch x`"

KEYS: Final = tuple(
    "title artist album album_artist author comment composer copyright creation_time date description director disc "
    "encoder encoded_by episode_id genre grouping keywords language location lyrics make model network performer "
    "publisher rating service_name service_provider show synopsis track variant_bitrate com.apple".split()
)
STREAM_KEYS: Final = ("title", "language", "handler_name", "vendor_id", "encoder", "comment")

# A folder's end and a name: together "</script>", which no single name can hold.
NAME: Final = "=1+1\"'><img src=x onerror=hit()><svg onload=hit()><script>hit()<"
REST: Final = "script>;@x \u202e{{7*7}} $(touch x)\x1b[2J\n-o.mkv"


def write_hostile(path: Path, sound: str = "aac") -> Path:
    """Write half a second of film with a face and with hostile text in each field that its container has."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", options={"movflags": "use_metadata_tags"} if path.suffix == ".mp4" else {}) as sink:
        sink.metadata.update({key: f"{key} {HOSTILE}" for key in KEYS})
        video: Any = sink.add_stream("libx264", rate=12, options={"threads": "1", "preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = 200, 200, "yuv420p"
        audio: Any = sink.add_stream(sound, rate=48_000, layout="mono")
        for stream in (video, audio):
            stream.metadata.update({key: f"{key} {HOSTILE}" for key in STREAM_KEYS})
        if path.suffix == ".mkv":
            sink.add_attachment(f"../../{HOSTILE}", f"text/html {HOSTILE}", MARKUP.encode())
        if path.suffix != ".ts":
            times = {"start": 0, "end": 250, "time_base": Fraction(1, 1000)}
            sink.set_chapters([{"id": 1, **times, "metadata": {"title": HOSTILE, HOSTILE: HOSTILE}}])
        for number in range(6):
            frame = av.VideoFrame.from_ndarray(_face(number), "bgr24")
            frame.pts, frame.time_base = number, Fraction(1, 12)
            sink.mux(video.encode(frame))
        sink.mux(video.encode(None))
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 24_000), np.float32), "fltp", "mono")
        silence.sample_rate, silence.pts = 48_000, 0
        sink.mux(audio.encode(silence))
        sink.mux(audio.encode(None))
    return path


def _face(number: int) -> Any:
    portrait = find_portrait()
    if portrait is None:
        return np.full((200, 200, 3), 128, np.uint8)
    return np.ascontiguousarray(portrait[0:400:2, 40 + number : 440 + number : 2][:200, :200])
