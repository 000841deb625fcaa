"""Make a model of weights that 'scripts/distil learn' or 'refine' left: in the formats that other programs run.

    python scripts/export_pupil.py --pupil pupils/0.npz --priors priors.json --data fer2013.npz --out export

``priors.json`` says how both heads make each output, and is chosen by hand: ``{"film": {"label": 0.1, "votes":
1.0, "offset": [...]}, "balanced": ...}``. Nothing is fitted here.
"""

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np

from models.data import read_dataset
from models.model_file import Prior
from models.networks import build
from models.training.export import describe_model, export


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pupil", type=Path, required=True, help="its weights, npz")
    parser.add_argument("--priors", type=Path, required=True, help="JSON: how both heads make each output")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    fields = json.loads(arguments.priors.read_text(encoding="utf-8"))
    calibrated_on = fields.pop("calibrated_on", "")
    priors = tuple(Prior(name, f["label"], f["votes"], tuple(f["offset"])) for name, f in fields.items())
    crops = read_dataset(arguments.data).split("train").crops[:64]
    network = build("default")
    with np.load(arguments.pupil) as arrays:
        network.set_weights([arrays[name] for name in arrays.files if name.startswith("arr_")])
    with tempfile.TemporaryDirectory() as folder:
        network.save_weights(path := Path(folder) / "pupil.weights.h5")
        model = describe_model(path, "default", 1.0, calibrated_on, arguments.out, "default", priors)
    for line in export(model, crops, arguments.out):
        print(line)


if __name__ == "__main__":
    main()
