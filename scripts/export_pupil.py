"""Make a model of a pupil that 'scripts/distil learn' left: calibrated, and in the formats that other programs run.

    python scripts/export_pupil.py --pupil pupils/0/weights.npz --data fer2013.npz \
        --calibrated held-out/0/weights.npz --out export

A pupil that has learned from all rows cannot be calibrated on any of them. So its temperature is that of one which
went through the same course with a fold held out (``--course '{"held_out": true}'``), fitted there.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np

from models.data import read_dataset
from models.data.faces import in_fold
from models.networks import build
from models.training.export import describe_model, export, temperature_of


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pupil", type=Path, required=True, help="its weights.npz")
    parser.add_argument("--calibrated", type=Path, required=True, help="weights.npz of one with a fold held out")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    train = read_dataset(arguments.data).split("train").only_clean()
    held_out = train.only(in_fold(train.crops, fold=0))
    with tempfile.TemporaryDirectory() as folder:
        temperature = temperature_of(_as_keras(arguments.calibrated, Path(folder)), "default", held_out)
        weights = _as_keras(arguments.pupil, Path(folder))
        told = "fold 0 of 10 of train, by a network that did not learn from it"
        model = describe_model(weights, "default", temperature, told, arguments.out, "default")
    for line in export(model, held_out.crops[:64], arguments.out):
        print(line)


def _as_keras(weights: Path, folder: Path) -> Path:
    network = build("default")
    with np.load(weights) as arrays:
        network.set_weights([arrays[name] for name in arrays.files])
    network.save_weights(path := folder / "pupil.weights.h5")
    return path


if __name__ == "__main__":
    main()
