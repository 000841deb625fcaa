"""Each step of a run, tried on a clip of two seconds.

These functions run in a worker, so heavy libraries are imported where they are used. They return what they found, and
raise whatever the step raises.
"""

import io
import time
from collections.abc import Sequence
from fractions import Fraction
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from jobs.errors import JobError

RATE, FRAMES = 25, 50
WIDTH, HEIGHT = 320, 180
SOUND_RATE: Final = 48_000
CROPS: Final = 64


def devices() -> str:
    """Return TensorFlow's version and the devices it sees."""
    from models.inference.keras_classifier import list_devices

    return f"{version('tensorflow')} sees {', '.join(list_devices())}"


def accelerators() -> str:
    """Return ONNX Runtime's version and what it can compute on, each tried.

    Raises:
        JobError: several of its packages are installed, whose files overwrite each other.
    """
    from jobs.executors.libraries import ONNX_RUNTIMES, versions_of

    installed = [name for name in ONNX_RUNTIMES if versions_of([name])]
    if len(installed) > 1:
        raise JobError(f"{' and '.join(installed)} are installed, and overwrite each other")
    from jobs.settings import Settings
    from models.errors import DeviceError
    from models.inference.load import load_classifier
    from models.inference.providers import candidates
    from models.model_file import find_model

    works = ["cpu works"]
    for name in candidates("gpu"):
        try:
            load_classifier(find_model(Settings.model_validate({}).model), name, runtime="onnx")
            works.append(f"{name} works")
        except DeviceError as error:
            works.append(f"{name} does not: {error}")
    return f"{installed[0]} {version(installed[0])}: {', '.join(works)}"


def try_encoder(name: str) -> str:
    """Encode one frame in memory; raises what PyAV raises."""
    import av

    with av.open(io.BytesIO(), "w", format="matroska") as sink:
        stream: Any = sink.add_stream(name, RATE)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        sink.mux(stream.encode(av.VideoFrame(WIDTH, HEIGHT, "yuv420p")))
        sink.mux(stream.encode(None))
    return "works"


def make_clip(path: Path) -> None:
    """Write two seconds of a moving gradient with some noise, and silence in a codec that mp4 cannot hold."""
    import av
    import numpy as np

    noise = np.random.default_rng(0).integers(0, 32, (HEIGHT, WIDTH, 3), np.uint8)
    ramp = np.linspace(0, 220, WIDTH).astype(np.uint8)[None, :, None]
    with av.open(str(path), "w") as sink:
        video: Any = sink.add_stream("mpeg4", RATE)
        video.width, video.height, video.pix_fmt, video.gop_size = WIDTH, HEIGHT, "yuv420p", RATE
        audio: Any = sink.add_stream("pcm_s16le", SOUND_RATE, layout="mono")
        for number in range(FRAMES):
            frame = av.VideoFrame.from_ndarray(np.roll(ramp, 4 * number, axis=1) + noise, "rgb24")
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            sink.mux(video.encode(frame))
        silence = av.AudioFrame.from_ndarray(np.zeros((1, SOUND_RATE * FRAMES // RATE), np.int16), "s16", "mono")
        silence.sample_rate, silence.pts = SOUND_RATE, 0
        sink.mux(audio.encode(silence))
        sink.mux(video.encode(None))
        sink.mux(audio.encode(None))


def try_decoding(clip: Path, threads: int) -> str:
    """Make the clip and decode it as a run does.

    Raises:
        JobError: not all of its frames were decoded.
    """
    from pipeline.media.decode import DecodeFaults, decode
    from pipeline.media.movie import open_movie
    from pipeline.media.segments import cut, read_packets

    make_clip(clip)
    begun = time.perf_counter()
    movie = open_movie(clip)
    segments = cut(movie, read_packets(movie), FRAMES / RATE / 2)
    frames = sum(1 for segment in segments for _ in decode(movie, segment, DecodeFaults(), threads))
    if frames != FRAMES:
        raise JobError(f"expected {FRAMES} frames in the clip, decoded {frames}")
    return _pace(frames, "frames", begun)


def try_detecting(clip: Path, threads: int) -> str:
    """Search the clip's frames, which show no face, with the default detector."""
    from jobs.settings import Settings
    from pipeline.faces.detectors import make_detector
    from pipeline.faces.search import Scaler
    from pipeline.media.decode import DecodeFaults, decode
    from pipeline.media.movie import open_movie
    from pipeline.media.segments import cut, read_packets

    detector = make_detector(Settings.model_validate({}).detector)
    movie = open_movie(clip)
    scaler = Scaler(movie, detector.long_side)
    (segment,) = cut(movie, read_packets(movie), FRAMES)
    frames = (frame.picture for frame in decode(movie, segment, DecodeFaults(), threads))
    pictures = [scaler.upright_bgr(picture, scaler.fit(picture)) for picture in frames]
    begun = time.perf_counter()
    for picture in pictures:
        detector.detect(picture)
    return f"{detector.name}: {_pace(len(pictures), 'frames', begun)} of {WIDTH}x{HEIGHT}"


def try_classifying(threads: int) -> str:
    """Classify random crops with the default network.

    Raises:
        JobError: what it returns are no probabilities.
    """
    import numpy as np

    from jobs.settings import Settings
    from models.inference.load import load_classifier
    from models.model_file import find_model

    settings = Settings.model_validate({})
    classifier = load_classifier(find_model(settings.model), settings.device, threads)
    crops = np.random.default_rng(0).integers(0, 256, (CROPS, 48, 48), np.uint8)
    begun = time.perf_counter()
    probabilities = classifier.predict(crops)
    pace = _pace(len(crops), "faces", begun)
    if not np.allclose(probabilities.sum(axis=1), 1, atol=1e-3):
        raise JobError(f"expected probabilities that add up to 1, found {probabilities.sum(axis=1)}")
    return f"model {settings.model} on the {classifier.device}: {pace}"


def try_encoding(clip: Path, threads: int) -> str:
    """Draw a face on each frame of the clip, encode it in two parts, join them and add the sound.

    Raises:
        JobError: the video lacks frames, or has another codec.
    """
    from jobs.settings import Settings
    from jobs.store.table_files import write_table
    from pipeline.media.movie import open_movie
    from pipeline.media.segments import cut, read_packets
    from pipeline.video.join import join
    from pipeline.video.mux import mux
    from pipeline.video.render import EncoderOptions, render

    settings, movie = Settings.model_validate({}), open_movie(clip)
    packets = read_packets(movie)
    table, picture, video = (clip.with_name(name) for name in ("timeline.parquet", "picture.mp4", "annotated.mp4"))
    write_table(_faces(packets.pts), table)
    options = EncoderOptions(settings.crf, settings.preset, threads)
    begun = time.perf_counter()
    segments = cut(movie, packets, FRAMES / RATE / 2)
    parts = [clip.with_name(f"{segment.name}.mp4") for segment in segments]
    frames = sum(render(movie, segment, table, part, options) for segment, part in zip(segments, parts, strict=True))
    join(parts, picture)
    mux(picture, movie, video, "")
    if frames != FRAMES or open_movie(video).codec != "h264":
        raise JobError(f"expected {FRAMES} frames of h264 in the annotated video, found {frames}")
    return f"{_pace(frames, 'frames', begun)} of {WIDTH}x{HEIGHT}, with sound"


def _faces(pts: Sequence[int]) -> Any:
    """Return a timeline (a pyarrow table) with a face in the middle of the frame at each of ``pts``."""
    import pyarrow as pa

    from pipeline.schema import TIMELINE

    face = {"movie": "clip", "shot": 0, "scene": 0, "track": 0, "emotion": "happy", "confidence": 0.9}
    box = {"x1": 120.0, "y1": 60.0, "x2": 180.0, "y2": 130.0}
    rows = [face | box | {"frame": frame, "pts": p, "time": frame / RATE} for frame, p in enumerate(pts)]
    return pa.Table.from_pylist(rows, schema=TIMELINE)


def _pace(count: int, what: str, begun: float) -> str:
    """Return a rate in words: ``count`` of ``what`` since ``begun`` (``time.perf_counter``)."""
    return f"{count / (time.perf_counter() - begun):.0f} {what}/s"
