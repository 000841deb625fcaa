"""What results were made from: the fingerprints and keys that identify them, and what their metadata says of it.

Equal keys promise equal results. Units of work lie in folders named by their key, and ``job.json`` names the keys of
the results that stand, so results of two kinds are never mixed.
"""

import hashlib
import json
import os
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from jobs.settings import Settings
from jobs.store.json_values import object_of, text_of
from pipeline.media.manifests.parts import files_of


@dataclass(frozen=True)
class Keys:
    """The keys of a movie's results; "" for what is not there, or not wanted.

    Each contains the one before, but for the last: other tables mean another video and another overlay.

    Attributes:
        analysis: of the observations.
        tables: of the tables.
        video: of the annotated video.
        overlay: of the movie with its labels as subtitles.
    """

    analysis: str = ""
    tables: str = ""
    video: str = ""
    overlay: str = ""

    @classmethod
    def parse(cls, value: Any) -> "Keys":
        """Read what :meth:`to_json` gives; whatever is missing or no text becomes ""."""
        content = object_of(value)
        return cls(*(text_of(content.get(kind)) or "" for kind in ("analysis", "tables", "video", "overlay")))

    def to_json(self) -> dict[str, str]:
        """Return the keys by kind; that of an overlay only where there is one."""
        return {kind: key for kind, key in asdict(self).items() if key or kind != "overlay"}

    @property
    def of_units(self) -> tuple[str, ...]:
        """The names of the folders of units that these keys stand for."""
        return tuple(key for key in (self.analysis, self.video) if key)


@dataclass(frozen=True)
class Equipment:
    """What a worker works with.

    Attributes:
        device: ``cpu``, ``gpu`` (TensorFlow's), or ONNX Runtime's, such as ``cuda``.
        model_digest: SHA-256 of the weights together with their calibration.
        versions: of Python and the libraries, by name.
        prior: that the network's answers are for; "" where it has no choice.
        people: SHA-256 of the network that tells persons apart; "" where that is not wanted.
        runtime: ``onnx`` or ``tensorflow``.
        encoder: of the annotated video.
    """

    device: str
    model_digest: str
    versions: dict[str, str]
    prior: str = ""
    people: str = ""
    runtime: str = "onnx"
    encoder: str = "x264"


@dataclass(frozen=True)
class Provenance:
    """What the tables' metadata says of how they came about: nothing that differs between equal results.

    Attributes:
        movie: the movie's name.
        fingerprint: see :func:`fingerprint_movie`.
        key: of the tables.
        model, model_digest: the network's name, and its identity.
        device: ``cpu`` or ``gpu``; half precision on a GPU gives slightly different probabilities.
        detector, detect_every, tracking: how faces were found and followed.
        sure: support from which labels are shown.
        people: identity of the network that told persons apart; "" where that was not wanted.
        versions: of Python and the libraries, by name.
    """

    movie: str
    fingerprint: str
    key: str
    model: str
    model_digest: str
    device: str
    detector: str
    detect_every: float
    sure: float
    people: str
    tracking: dict[str, Any]
    versions: dict[str, str]

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return asdict(self)


def make_keys(settings: Settings, fingerprint: str, equipment: Equipment) -> Keys:
    """Identify the results of a run over a movie.

    Args:
        settings: of the run.
        fingerprint: the movie's, see :func:`fingerprint_movie`.
        equipment: the device as resolved and the model as loaded: their names alone do not determine results.

    Returns:
        The keys; those of video and overlay are "" where they are not wanted.

    Raises:
        OSError: the detector's file cannot be read.
    """
    analysis = _analysis_key(settings, fingerprint, equipment)
    # Invariant: of one analysis, tables differ in labels and scenes alone, and can be made of one another.
    tables = digest([analysis, repr(settings.track_options()), settings.sure, settings.scenes])
    return Keys(analysis, tables, _video_key(settings, tables, equipment.encoder), _overlay_key(settings, tables))


def _analysis_key(settings: Settings, fingerprint: str, equipment: Equipment) -> str:
    """Identify observations; see :func:`make_keys`. Device and runtime count, or a resumed run would mix them."""
    from pipeline import schema, version
    from pipeline.faces.crops import BOX_SCALE
    from pipeline.faces.detectors import takes_model

    file = settings.detector_model if takes_model(settings.detector) else None
    search = [
        settings.detector,
        digest_file(file) if file else "",
        settings.detect_every,
        repr(settings.track_options()),
        BOX_SCALE,
    ]
    versions = [schema.VERSION, version.OBSERVATIONS, version.LABELS]
    used = [equipment.model_digest, equipment.device, equipment.runtime, equipment.people]
    return digest([*versions, fingerprint, *used, *search])


def _video_key(settings: Settings, tables: str, encoder: str) -> str:
    """Identify an annotated video of these tables; "" for none. Another quality never repeats the analysis."""
    from pipeline import version

    if settings.video != "h264":
        return ""
    other = [] if encoder == "x264" else [encoder]
    return digest([version.DRAWING, tables, settings.video, settings.crf, settings.preset, settings.copies, *other])


def _overlay_key(settings: Settings, tables: str) -> str:
    """Identify the movie with these tables' labels as subtitles; "" for none."""
    from pipeline import version

    return digest([version.DRAWING, tables, settings.video]) if settings.video == "overlay" else ""


def provenance(settings: Settings, movie: str, fingerprint: str, equipment: Equipment, keys: Keys) -> Provenance:
    """Say how tables come about.

    Args:
        settings: of the run.
        movie: the movie's name.
        fingerprint: the movie's.
        equipment: what the workers work with.
        keys: from :func:`make_keys` of the same.
    """
    return Provenance(
        movie=movie,
        fingerprint=fingerprint,
        key=keys.tables,
        model=settings.model,
        model_digest=equipment.model_digest,
        device=equipment.device,
        detector=settings.detector,
        detect_every=settings.detect_every,
        sure=settings.sure,
        people=equipment.people,
        tracking=dict(vars(settings.track_options())),
        versions=equipment.versions,
    )


def digest(facts: Collection[Any]) -> str:
    """Return 16 hexadecimal digits that stand for JSON-serializable ``facts``."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def digest_file(path: Path) -> str:
    """Return the SHA-256 of a file, hexadecimal.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


_SAMPLE_BYTES = 1 << 20


def fingerprint_movie(path: Path) -> str:
    """Identify a movie by its size, its time of modification and samples of its content.

    Hashing all of a film would take as long as copying it; its start, middle and end reveal editing and replacing. Of a
    movie that is several files, sizes and times of all count, and whether they are there.

    Raises:
        OSError: it cannot be read.
    """
    status = path.stat()
    samples = hashlib.sha256()
    with path.open("rb") as file:
        for offset in (0, status.st_size // 2, max(0, status.st_size - _SAMPLE_BYTES)):
            file.seek(offset)
            samples.update(file.read(_SAMPLE_BYTES))
    others = [_facts_of(part, path) for part in files_of(path)[1:]]
    return digest([status.st_size, status.st_mtime_ns, samples.hexdigest(), *others])


def _facts_of(part: Path, movie: Path) -> list[Any]:
    """Return where one of a movie's files lies beside the first one, with size and time of modification."""
    place = os.path.relpath(part, movie.parent)
    try:
        status = part.stat()
    except OSError:
        return [os.fsencode(place).hex()]
    return [os.fsencode(place).hex(), status.st_size, status.st_mtime_ns]
