"""The commands about networks: ``moodreel train``, ``evaluate`` and ``data describe``."""

import os
import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from jobs.errors import JobError, UsageError
from jobs.exit import end
from models.errors import ModelError

EXIT_STOPPED = 130

data = typer.Typer(no_args_is_help=True, help="Data sets of labelled faces.")

Data = Annotated[
    Path, typer.Option(help="fer2013.csv, icml_face_data.csv, folders train/<emotion>/*.png, or FER2013 as npz.")
]
Ferplus = Annotated[Path | None, typer.Option(help="fer2013new.csv: FER+ votes for FER2013's csv.", show_default=False)]


@data.command()
def describe(
    path: Annotated[Path, typer.Argument(help="As for train.")],
    ferplus: Ferplus = None,
    picture: Annotated[Path, typer.Option(help="Where to save the picture.")] = Path("dataset.png"),
) -> None:
    """Count the pictures of each class and split, and save samples and a bar chart as a picture."""
    from models.data import read_dataset
    from models.data.describe import count_table, draw_dataset

    try:
        dataset = read_dataset(path, ferplus)
        print(count_table(dataset))
        draw_dataset(dataset, picture)
    except (ModelError, OSError) as error:
        end(error)
    print(f"\nsamples and counts: {picture}")


def train(
    data: Data,
    out: Annotated[Path, typer.Option(help="Folder for weights, history, curves and exports.")] = Path("training"),
    recipe: Annotated[str, typer.Option(help="default, or seed: the recipe of the original project.")] = "default",
    ferplus: Ferplus = None,
    seed: Annotated[int, typer.Option(min=0, help="Random seed.")] = 0,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Number of epochs; by default the recipe's.", show_default=False)
    ] = None,
    dtype: Annotated[
        str, typer.Option(help="auto, float32, mixed_bfloat16 or mixed_float16; auto mixes where it is faster.")
    ] = "auto",
    teacher: Annotated[
        list[str],
        typer.Option(
            help="Name, or path of a model's .json or .onnx: learn from its predictions, too. Repeatable.",
            show_default=False,
        ),
    ] = [],  # noqa: B006  # typer wants a list
    resume: Annotated[bool, typer.Option("--resume", help="Resume after the last completed epoch.")] = False,
) -> None:
    """Train a network for run --model OUT/export/NAME.json. After Ctrl-C, continue with --resume."""
    from models.data import read_dataset
    from models.networks import find_recipe

    try:
        chosen = find_recipe(recipe)
        dataset = read_dataset(data, ferplus)
        for line in dataset.faults.lines():
            print(line)
        _load_tensorflow()
        from models.model_file import find_model
        from models.training.export import describe_model, export, temperature_of
        from models.training.folder import TrainingFolder
        from models.training.plan import choose_dtype, plan
        from models.training.train import train as train_network

        run = plan(
            dataset,
            replace(chosen, epochs=epochs or chosen.epochs),
            TrainingFolder(out),
            seed,
            choose_dtype(dtype),
            [find_model(name) for name in teacher],
        )
        print(run.in_words())
        train_network(run, resume)
        temperature = temperature_of(run.folder.best, chosen.network, run.calibration)
        model = describe_model(
            run.folder.best, chosen.network, temperature, run.calibrated_on, run.folder.export, recipe
        )
        for line in export(model, run.validation.crops[:64], run.folder.export):
            print(line)
    except (ModelError, OSError) as error:
        end(error)
    except KeyboardInterrupt:
        print(
            "moodreel: stopped; the same command with --resume continues after the last completed epoch",
            file=sys.stderr,
        )
        raise typer.Exit(EXIT_STOPPED) from None
    print(f"model: {run.folder.export / recipe}.json; curves: {run.folder.curves}")


def evaluate(
    movie: Annotated[str | None, typer.Argument(help="With --video: only this movie.", show_default=False)] = None,
    data: Annotated[
        list[Path],
        typer.Option(
            help="As for train, or an npz of faces with votes, labels or groups. Repeatable.",
            show_default=False,
        ),
    ] = [],  # noqa: B006
    video: Annotated[
        Path | None,
        typer.Option(
            help="Folder with results: compare them with your labels from moodreel review --edit.",
            show_default=False,
        ),
    ] = None,
    changed: Annotated[
        bool, typer.Option("--changed", help="With --video: also use labels of movies that have changed since.")
    ] = False,
    model: Annotated[
        list[str],
        typer.Option(help="Name, or path of a model's .json or .onnx; several are reported with mean and spread."),
    ] = ["default"],  # noqa: B006  # typer wants a list
    split: Annotated[
        str | None, typer.Option(help="Split to measure on; by default all except train.", show_default=False)
    ] = None,
    ferplus: Ferplus = None,
    prior: Annotated[
        str | None,
        typer.Option(help="film or balanced: adapt the output to such material.", show_default=False),
    ] = None,
    side: Annotated[
        list[str],
        typer.Option(
            help="NAME=NUMBER: pictures in NAME.npz measure NUMBER times the face's box; crop them as a run does.",
            show_default=False,
        ),
    ] = [],  # noqa: B006
    device: Annotated[str, typer.Option(help="auto, cpu or gpu.")] = "auto",
    out: Annotated[
        Path | None, typer.Option(help="Folder for JSON, Markdown, CSV and pictures.", show_default=False)
    ] = None,
) -> None:
    """Measure networks: accuracy with its interval, macro-F1, calibration, agreement with raters, groups."""
    if prior not in (None, "film", "balanced"):
        end(UsageError(f"--prior {prior}: expected film or balanced"))
    if movie is not None and video is None:
        end(UsageError(f"{movie}: a movie goes with --video"))
    if not data and video is None:
        end(UsageError("expected --data, or --video with the folder of results that you labelled"))
    if video is not None:
        from jobs.own_film import evaluate_own

        try:
            print(evaluate_own(video, movie, changed, out))
        except (JobError, OSError) as error:
            end(error)
    if not data:
        return
    from models.data import read_for_evaluation
    from models.data.dataset import Dataset

    try:
        sides = _sides(side)
        if ferplus and not any(path.suffix.lower() == ".csv" for path in data):
            raise UsageError(f"{ferplus}: FER+ votes go with FER2013's csv; no --data is one")
        several = [read_for_evaluation(path, _goes_with(path, ferplus), sides.pop(path.stem, None)) for path in data]
        if sides:
            raise UsageError(f"--side: no --data is called {', '.join(sides)}")
        for dataset in several:
            for line in dataset.faults.lines() if isinstance(dataset, Dataset) else ():
                print(line)
        _load_tensorflow()
        from models.evaluation.evaluate import as_markdown, evaluate_all, save
        from models.evaluation.predictor import load_predictors
        from models.model_file import find_model

        predictors = load_predictors([find_model(name) for name in model], device, prior or "")
        for note in filter(None, (predictor.note for predictor in predictors)):
            print(note)
        evaluation, sets = evaluate_all(predictors, several, split)
        print(as_markdown(evaluation, sets))
        if out:
            save(evaluation, sets, out)
    except (ModelError, JobError, OSError) as error:
        end(error)


def _goes_with(path: Path, ferplus: Path | None) -> Path | None:
    """Return FER+'s votes for FER2013's csv, and None for other data."""
    return ferplus if path.suffix.lower() == ".csv" else None


def _sides(given: list[str]) -> dict[str, float]:
    sides = {}
    for text in given:
        name, _, number = text.rpartition("=")
        try:
            sides[name] = float(number)
        except ValueError:
            sides[name] = 0.0
        if not (name and 0.1 <= sides[name] <= 100):
            raise UsageError(f"--side {text}: expected NAME=NUMBER, such as lfw=1.6")
    return sides


def _load_tensorflow() -> None:
    """Import TensorFlow without its messages about the processor, some of which no setting turns off."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        os.dup2(nowhere.fileno(), 2)
        try:
            import_module("keras")
        finally:
            os.dup2(kept, 2)
            os.close(kept)
