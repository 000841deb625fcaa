"""What a worker keeps from one unit to the next: detector, network, an open movie."""

import ctypes
import gc
import sys
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pipeline import schema
from pipeline.faces.detect import FaceDetector
from pipeline.faces.detectors import make_detector, make_detector_on
from pipeline.media.decode import Reader

if TYPE_CHECKING:
    from models.inference.onnx_embedder import OnnxEmbedder

_LONG: Final = 50_000
"""Frames, half an hour of film: from then on tables need as much memory as networks."""

READER: Final = Reader()
"""Of this worker, which does one unit after the other, mostly of the same movie."""


def make_room(frames: int) -> None:
    """Before a unit that holds a whole long movie, give back what analyzing needs; it is loaded again in 0.2 s.

    So a worker's peak does not grow with the movie: its tables take the place of the networks.
    """
    if frames <= _LONG:
        return
    detector_of.cache_clear()
    classifier_of.cache_clear()
    embedder_of.cache_clear()
    READER.close()
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:  # glibc keeps what is freed
        trim(0)


@lru_cache(maxsize=1)
def detector_of(name: str, model: Path | None, device: str = "cpu") -> FaceDetector:
    """Return the detector of these settings, loaded once.

    Args:
        name: see :class:`jobs.settings.Settings`.
        model: its file.
        device: that the network was found to run on; the detector runs there, too, where it can.
    """
    from models.inference.providers import PROVIDERS, provider_of

    found = make_detector_on(name, (provider_of(device),)) if device in PROVIDERS else None
    return found or make_detector(name, model)


@lru_cache(maxsize=1)
def classifier_of(model: str, prior: str, device: str, threads: int, runtime: str = "auto") -> Any:
    """Return the network of these settings, loaded once.

    Args:
        model: see :class:`jobs.settings.Settings`, as for the rest.
        prior: how frequent emotions are.
        device: where it runs.
        threads: that it may use.
        runtime: what computes it.
    """
    # Imported here: only analyzing needs it.
    from models.emotions import EMOTIONS
    from models.inference.load import load_classifier
    from models.model_file import find_model

    assert EMOTIONS == schema.EMOTIONS, "models and pipeline disagree on the order of emotions"
    return load_classifier(find_model(model).with_prior(prior), device, threads, runtime=runtime)


@lru_cache(maxsize=1)
def embedder_of(threads: int) -> "OnnxEmbedder":
    """Return the network that tells persons apart, loaded once."""
    from models.inference.onnx_embedder import OnnxEmbedder  # as above

    return OnnxEmbedder(threads=threads)


def take_notes(*workers: Any) -> list[str]:
    """Return what detector and network have to say to the user since they were asked last."""
    found: list[str] = []
    for one in workers:
        notes = getattr(one, "notes", [])
        found += notes
        notes.clear()
    return found
