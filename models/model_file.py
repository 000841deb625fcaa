"""What is on the disk of a trained network: its description, its weights, and the same as ONNX."""

import hashlib
import json
import math
import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from models.emotions import EMOTIONS
from models.errors import WeightsError

_KERAS: Final = (".h5", ".hdf5", ".keras")
WEIGHTS_FOLDER: Final = Path(__file__).parent / "weights"


@dataclass(frozen=True)
class OnnxFile:
    """A network as ONNX.

    Attributes:
        path: of the file.
        temperature: that is folded into it.
    """

    path: Path
    temperature: float


@dataclass(frozen=True)
class Prior:
    """An output that combines the two heads of a network, for material in which emotions are about so frequent.

    Its logits are ``label`` times those of the head that follows FER2013's labels, plus ``votes`` times those of the
    head that follows FER+'s votes, plus ``offset``.

    Attributes:
        name: of the output: ``film``, as people look in films; ``balanced``, every emotion equally frequent.
        label: weight of the one head.
        votes: weight of the other.
        offset: for each of :data:`models.emotions.EMOTIONS`.
    """

    name: str
    label: float
    votes: float
    offset: tuple[float, ...]


@dataclass(frozen=True)
class ModelFile:
    """What ``weights/<name>.json`` says of a trained network.

    Attributes:
        name: of the model.
        network: name of the network; see :mod:`models.networks`; empty for a network of other tools, as ONNX alone.
        weights: file of its weights.
        sha256: of that file, hexadecimal.
        temperature: the logits are divided by this before the softmax (Guo et al. 2017, arXiv:1706.04599).
        calibrated_on: the rows that the temperature was fitted on, in words.
        onnx: the calibrated network for CPUs, where it was exported.
        priors: outputs that combine both heads, the usual one first; none: the head ``emotion`` is used alone.
        chosen: name of the prior to use instead of the usual one; "" for that.
    """

    name: str
    network: str
    weights: Path
    sha256: str
    temperature: float
    calibrated_on: str = ""
    onnx: OnnxFile | None = None
    priors: tuple[Prior, ...] = ()
    chosen: str = ""

    @property
    def digest(self) -> str:
        """What the network's answers depend on: weights, temperature, and how its heads are combined.

        Keys of results contain it. Without priors it is what it was before there were any.
        """
        calibrated = f"{self.sha256}/{self.temperature}"
        if not self.priors:
            return calibrated
        combined = hashlib.sha256(repr(self.priors).encode()).hexdigest()[:16]
        return "/".join([calibrated, combined, *([self.chosen] if self.chosen else [])])

    @property
    def prior(self) -> str:
        """Name of the prior in use; "" for a model without any."""
        return self.chosen or (self.priors[0].name if self.priors else "")

    def with_prior(self, name: str) -> "ModelFile":
        """Return the model with its answers for the prior ``name``; unchanged if it has no such output."""
        names = [prior.name for prior in self.priors]
        return replace(self, chosen="" if name not in names or name == names[0] else name)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def find_model(name: str, folder: Path = WEIGHTS_FOLDER) -> ModelFile:
    """Find a model, and check that its weights are those that were described.

    Args:
        name: of a model in ``folder``, or the path of a model's JSON file elsewhere, such as a training leaves, or of
            any network as ONNX; :class:`models.inference.onnx_classifier.OnnxClassifier` says what it must take and
            give.
        folder: of models that are given by name.

    Raises:
        WeightsError: there is no such model, or its weights are missing or altered.
    """
    if name.endswith(".onnx") and Path(name).is_file():
        path = Path(name)
        return ModelFile(path.stem, "", path, sha256_of(path), 1.0, onnx=OnnxFile(path, 1.0))
    if name.lower().endswith(_KERAS) and Path(name).is_file():
        raise WeightsError(_instead_of(Path(name)))
    card = Path(name) if name.endswith(".json") else folder / f"{name}.json"
    if not card.is_file():
        known = sorted(path.stem for path in folder.glob("*.json"))
        raise WeightsError(
            f"no model is called {name!r}; known models: {', '.join(known) or 'none'}, "
            "or the path of a model's .json or .onnx"
        )
    folder, name = card.parent, card.stem
    try:
        fields = json.loads(card.read_text(encoding="utf-8"))
        network, sha256, temperature = str(fields["network"]), str(fields["sha256"]), float(fields["temperature"])
        weights, calibrated_on = folder / str(fields["weights"]), str(fields.get("calibrated_on", ""))
        priors = tuple(_prior(key, value) for key, value in fields.get("priors", {}).items())
        exported = {key: fields["onnx"][key] for key in ("file", "sha256", "temperature")} if "onnx" in fields else None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise WeightsError(f"{card}: expected network, weights, sha256 and temperature; {error!r}") from error
    if not 0 < temperature < math.inf:
        raise WeightsError(f"{card}: expected a temperature above 0, found {temperature}")
    _check(weights, sha256, f"the weights of {name!r}")
    onnx = None
    if exported:
        onnx = OnnxFile(folder / str(exported["file"]), float(exported["temperature"]))
        _check(onnx.path, str(exported["sha256"]), f"the network {name!r} as ONNX")
    return ModelFile(name, network, weights, sha256, temperature, calibrated_on, onnx, priors)


def _instead_of(path: Path) -> str:
    """Return what to do with a file of Keras, which may hold code and does not name its outputs."""
    cards = (card for card in path.parent.glob("*.json") if card.stem == path.name.split(".")[0])
    for card in sorted(cards):
        return f"{path} belongs to {card}: use --model {shlex.quote(str(card))}"
    onnx = path.with_suffix(".onnx")
    code = (
        f"import keras; m = keras.saving.load_model({json.dumps(str(path))}); m(keras.ops.zeros((1, 48, 48, 1))); "
        f'm.export({json.dumps(str(onnx))}, format="onnx")'
    )
    return (
        f"{path}: expected a model's .json or .onnx, found Keras' own, which may run its maker's code and does not "
        "say which emotions its outputs are\n"
        "If you trust it, if it takes grey crops (n, 48, 48, 1) in 0..1, and if its seven outputs are "
        f"{', '.join(EMOTIONS)}, in this order, convert it (with pip install 'moodreel[onnx]'):\n"
        f"    python -c {shlex.quote(code)}\n"
        f"and use --model {shlex.quote(str(onnx))}"
        "; a file of weights alone needs the code that built its network, too"
    )


def _prior(name: str, fields: dict[str, Any]) -> Prior:
    offset = tuple(float(value) for value in fields["offset"])
    if len(offset) != len(EMOTIONS):
        raise ValueError(f"prior {name!r}: expected {len(EMOTIONS)} offsets, found {len(offset)}")
    return Prior(name, float(fields["label"]), float(fields["votes"]), offset)


def _check(path: Path, sha256: str, what: str) -> None:
    """Make sure that a file is what it was when the model was described."""
    if not path.is_file():
        raise WeightsError(f"{path}: {what}: the file is missing; expected SHA-256 {sha256}")
    found = sha256_of(path)
    if found != sha256:
        raise WeightsError(f"{path}: {what}: the file is altered: expected SHA-256 {sha256}, found {found}")
