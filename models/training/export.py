"""A finished training as a model: described, calibrated, and in the formats that other programs run.

All formats give calibrated probabilities, float32 ``(n, 7)``, for float32 ``(n, 48, 48, 1)`` grey crops in 0..1, and
each is run and compared with the network before it counts.
"""

import contextlib
import io
import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from models.data.faces import Faces, to_input
from models.errors import ExportError
from models.evaluation.measure import fit_temperature
from models.inference.keras_classifier import load_network
from models.model_file import ModelFile, Prior, sha256_of
from models.networks import build
from models.training.validate import predict

TOLERANCE: Final = 1e-4
"""Largest difference of a probability between the network and an exported file."""

Output = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def describe_model(
    weights: Path,
    network: str,
    temperature: float,
    calibrated_on: str,
    folder: Path,
    name: str,
    priors: tuple[Prior, ...] = (),
) -> ModelFile:
    """Put ``weights`` into ``folder``, without the optimizer's state, beside a JSON that describes them.

    Args:
        weights: of a training.
        network: name of the network; see :mod:`models.networks`.
        temperature: that probabilities are calibrated with (:func:`temperature_of`).
        calibrated_on: what it was fitted on, in words.
        folder: where to.
        name: of the model; ``moodreel run --model FOLDER/NAME.json`` uses it.
        priors: outputs that combine both heads.
    """
    folder.mkdir(parents=True, exist_ok=True)
    trained = build(network)
    trained.load_weights(weights)
    shipped = folder / f"{name}.weights.h5"
    trained.save_weights(shipped)
    digest = sha256_of(shipped)
    model = ModelFile(name, network, shipped, digest, temperature, calibrated_on, priors=priors)
    fields: dict[str, Any] = {
        "network": network,
        "weights": shipped.name,
        "sha256": digest,
        "temperature": temperature,
        "calibrated_on": calibrated_on,
    }
    if priors:
        fields["priors"] = {p.name: {"label": p.label, "votes": p.votes, "offset": p.offset} for p in priors}
    (folder / f"{name}.json").write_text(json.dumps(fields, indent=2) + "\n", encoding="utf-8")
    return model


def temperature_of(weights: Path, network: str, faces: Faces) -> float:
    """Return the temperature that calibrates a training best (:func:`models.evaluation.measure.fit_temperature`).

    Args:
        weights: of the training.
        network: name of the network; see :mod:`models.networks`.
        faces: that it has not learned from.
    """
    trained = build(network)
    trained.load_weights(weights)
    return fit_temperature(predict(trained, faces.crops), faces.labels)


def export(model: ModelFile, crops: NDArray[np.uint8], folder: Path) -> list[str]:
    """Write the model as Keras, TFLite and ONNX, and its architecture as ``model.json``; return what was done.

    Where there is an ONNX file, the model's description names it from then on, and CPUs will use it. A format whose
    package is not installed is left out, and the lines say so.

    Args:
        model: see :func:`describe_model`.
        crops: uint8 ``(n, 48, 48)`` to compare probabilities on.
        folder: where to.

    Raises:
        ExportError: a file gives other probabilities for ``crops`` than the network.
    """
    network = load_network(model)
    single = keras.Model(network.input, network.output["emotion"], name=model.network)
    (folder / "model.json").write_text(json.dumps(json.loads(single.to_json()), indent=1) + "\n", encoding="utf-8")
    several = keras.Model(network.input, [network.output[name] for name in _outputs(model)], name=model.network)
    inputs = to_input(crops)
    several(inputs[:1])  # what was never called cannot be exported
    expected = np.asarray(single.predict(inputs, verbose=0))
    lines = []
    for suffix, write, read in (
        ("keras", _write_keras, _read_keras),
        ("tflite", _write_tflite, _read_tflite),
        ("onnx", _write_onnx, _read_onnx),
    ):
        path = folder / f"{model.name}.{suffix}"
        try:
            write(several if suffix == "onnx" else single, path)
            found = read(path)(inputs)
        except ImportError as error:
            lines.append(f"{path.name}: left out: {error}; pip install 'moodreel[onnx]'")
            continue
        difference = float(np.abs(found - expected).max(initial=0))
        if not difference <= TOLERANCE:
            raise ExportError(f"{path}: expected the network's probabilities within {TOLERANCE}, found {difference}")
        if suffix == "onnx":
            _name_outputs(path, _outputs(model))
            _name_onnx(model, path)
        lines.append(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB, within {difference:.0e} of the network")
    return lines


def _outputs(model: ModelFile) -> list[str]:
    return ["emotion", *(prior.name for prior in model.priors[1:])]


def _name_outputs(path: Path, names: list[str]) -> None:
    """Call the outputs of an ONNX file as the network does."""
    import onnx

    graph = onnx.load(path)
    for output, name in zip(graph.graph.output, names, strict=True):
        for node in graph.graph.node:
            node.output[:] = [name if found == output.name else found for found in node.output]
        output.name = name
    onnx.save(graph, path)


def _name_onnx(model: ModelFile, path: Path) -> None:
    card = model.weights.with_name(f"{model.name}.json")
    onnx = {"file": path.name, "sha256": sha256_of(path), "temperature": model.temperature}
    content = json.loads(card.read_text(encoding="utf-8"))
    card.write_text(json.dumps(content | {"onnx": onnx}, indent=2) + "\n", encoding="utf-8")


def _write_keras(network: keras.Model, path: Path) -> None:
    network.save(path)


def _read_keras(path: Path) -> Output:
    network = keras.models.load_model(path)
    return lambda inputs: np.asarray(network.predict(inputs, verbose=0))


def _write_tflite(network: keras.Model, path: Path) -> None:
    with contextlib.redirect_stdout(io.StringIO()):  # it names every variable
        path.write_bytes(tf.lite.TFLiteConverter.from_keras_model(network).convert())


def _read_tflite(path: Path) -> Output:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it recommends its successor, which is another package
        interpreter = tf.lite.Interpreter(model_path=str(path))

    def run(inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        source, sink = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
        interpreter.resize_tensor_input(source["index"], inputs.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(source["index"], inputs)
        interpreter.invoke()
        return np.asarray(interpreter.get_tensor(sink["index"]))

    return run


def _write_onnx(network: keras.Model, path: Path) -> None:
    import tf2onnx  # noqa: F401  # Keras exports through it, and says less clearly when it is missing

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tf2onnx looks for names that NumPy has retired
        network.export(path, format="onnx", verbose=False)


def _read_onnx(path: Path) -> Output:
    import onnxruntime

    session: Any = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return lambda inputs: np.asarray(session.run(None, {session.get_inputs()[0].name: inputs})[0])
