"""Make trained weights a model: ``python -m models.ship --weights best.weights.h5 --data fer2013.npz``."""

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.classifier import WEIGHTS_FOLDER, EmotionClassifier, ModelFile
from models.data import load_fer2013
from models.networks import NETWORKS, build


def ship(weights: Path, network: str, data: Path, name: str, folder: Path = WEIGHTS_FOLDER) -> None:
    """Put ``weights`` into ``folder``, without the optimizer's state, and describe them: network, SHA-256, temperature.

    The temperature is fitted on every second picture of PublicTest (rows 0, 2, 4, ...), so that calibration can be
    measured on the others.
    """
    shipped = folder / f"{name}.weights.h5"
    trained = build(network)
    trained.load_weights(weights)
    trained.save_weights(shipped)
    digest = hashlib.sha256(shipped.read_bytes()).hexdigest()
    raw = EmotionClassifier(ModelFile(name, network, shipped, digest, temperature=1.0))
    faces = load_fer2013(data, "public")
    temperature = fit_temperature(raw.predict(faces.crops[::2]), faces.labels[::2])
    description = {"network": network, "weights": shipped.name, "sha256": digest, "temperature": temperature}
    (folder / f"{name}.json").write_text(json.dumps(description, indent=2) + "\n")


def fit_temperature(probabilities: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Return the temperature, to two decimals, under which the labels are most likely (Guo et al. 2017)."""
    logits = np.log(np.maximum(probabilities.astype(np.float64), 1e-12))

    def loss(temperature: float) -> float:
        scaled = logits / temperature
        normalizer = np.log(np.exp(scaled - scaled.max(axis=1, keepdims=True)).sum(axis=1)) + scaled.max(axis=1)
        return float((normalizer - scaled[np.arange(len(labels)), labels]).mean())

    candidates = [round(0.5 + step / 100, 2) for step in range(251)]
    return min(candidates, key=loss)


def main() -> None:
    """Read the command line and write the model."""
    parser = argparse.ArgumentParser(description="Make trained weights a model.")
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True, help="FER2013 as npz")
    parser.add_argument("--network", default="seed", choices=sorted(NETWORKS))
    parser.add_argument("--name", default="seed")
    arguments = parser.parse_args()
    ship(arguments.weights, arguments.network, arguments.data, arguments.name)


if __name__ == "__main__":
    main()
