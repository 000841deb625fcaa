"""Train and measure the network that tells persons apart. It needs torch and onnx, which moodreel does not.

npm pack @vladmandic/face-api && tar xzf vladmandic-face-api-*.tgz
python scripts/persons prepare --lfw lfw_faces88.npz --fer2013 fer2013_train_public.npz --work work
python scripts/persons ask --teacher package/model/face_recognition_model-weights_manifest.json --work work
python scripts/persons train --work work --epochs 38
python scripts/persons common --work work
python scripts/persons measure --work work --movies clips --plan scripts/persons/films.csv --groups groups64.npz

Each step goes on where it was interrupted.
"""

import argparse
import json
from pathlib import Path

import torch
from common import common
from faces import prepare
from measure import between_groups, films, verification
from pupil import export, train
from teacher import DlibNetwork, ask

from pipeline.people.persons import COMMON_FACES

torch.set_num_threads(2)
parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("step", choices=["prepare", "ask", "train", "common", "measure"])
parser.add_argument("--work", type=Path, required=True, help="folder of intermediate files")
for name in ("lfw", "fer2013", "teacher", "movies", "plan", "network", "groups"):
    parser.add_argument(f"--{name}", type=Path)
parser.add_argument("--epochs", type=int, default=38)
wanted = parser.parse_args()
wanted.work.mkdir(exist_ok=True)
network = wanted.network or wanted.work / "persons.onnx"
if wanted.step == "prepare":
    prepare(wanted.lfw, wanted.fer2013, wanted.work)
elif wanted.step == "ask":
    for faces in ("lfw", "fer"):
        ask(DlibNetwork(wanted.teacher), wanted.work / f"{faces}.npz", wanted.work)
elif wanted.step == "train":
    train(wanted.work, wanted.epochs)
    export(wanted.work, network)
elif wanted.step == "common":
    common(wanted.work, network, COMMON_FACES)
else:
    if (wanted.work / "lfw.npz").exists():
        print(json.dumps(verification(wanted.work, network), indent=2))
    if wanted.plan:
        for film, found in films(wanted.plan, wanted.movies, wanted.work, network).items():
            print(film, json.dumps(found))
    if wanted.groups:
        print(json.dumps(between_groups(wanted.groups, network), indent=2))
