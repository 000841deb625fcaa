"""The command ``moodreel``."""

import getpass
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from jobs import model_commands, options
from jobs.console import say_error, take_all_names
from jobs.errors import JobError, UsageError
from jobs.exit import end
from jobs.export import command_line
from jobs.settings import Choice, choose

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def main(
    version: Annotated[  # noqa: ARG001  # its callback prints it
        bool, typer.Option("--version", callback=lambda wanted: _show_version(wanted), is_eager=True, help="Print it.")
    ] = False,
) -> None:
    """Turn movies into emotion timelines. Labels are predicted expressions; they do not say what anybody feels."""
    take_all_names()


@app.command()
def run(
    inputs: Annotated[list[Path], typer.Argument(help="Movies, and folders of movies.", metavar="INPUT...")],
    out: options.Out = Path("outputs"),
    force: Annotated[bool, typer.Option("--force", help="Redo movies that are already done.")] = False,
    model: options.Model = None,
    device: options.Device = None,
    runtime: options.RuntimeOption = None,
    detector: options.Detector = None,
    detector_model: options.DetectorModel = None,
    detect_every: options.DetectEvery = None,
    prior: options.PriorOption = None,
    sure: options.Sure = None,
    people: options.People = None,
    scenes: options.Scenes = None,
    video: options.Video = None,
    crf: options.Crf = None,
    preset: options.Preset = None,
    encoder: options.Encoder = None,
    copies: options.Copies = None,
    segment: options.Segment = None,
    workers: options.Workers = None,
    engine: options.Engine = None,
    address: options.Address = None,
    gpu_share: options.GpuShare = None,
    config: options.Config = None,
    log_json: Annotated[bool, typer.Option("--log-json", help="Write the log as one JSON object per line.")] = False,
    on_end: Annotated[
        str | None,
        typer.Option(
            help="Command to run at the end; MOODREEL_SUMMARY and other variables describe the outcome.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Process movies: annotated video, emotion timeline and scene shares for each.

    Exit code: 0 all done, 1 at least one failed, 2 wrong usage, 130 interrupted.
    """
    # Imported here, as in all commands, so that --help and wrong usage answer at once.
    from jobs.run.command import run_to_end

    choice = _chosen(
        config,
        model=model,
        device=device,
        runtime=runtime,
        detector=detector,
        detector_model=detector_model,
        detect_every=detect_every,
        prior=prior,
        sure=sure,
        people=people,
        scenes=scenes,
        video=video,
        crf=crf,
        preset=preset,
        encoder=encoder,
        copies=copies,
        segment=segment,
        workers=workers,
        engine=engine,
        address=address,
        gpu_share=gpu_share,
    )
    raise typer.Exit(run_to_end(inputs, out, choice.settings, force, log_json, on_end))


@app.command()
def demo(out: options.Out = Path("outputs")) -> None:
    """Make a short sample movie and process it; nothing is downloaded."""
    from jobs.run.command import run_to_end
    from jobs.sample import make_sample

    sample = out / "sample" / "sample.mp4"
    try:
        if not sample.exists():
            make_sample(sample)
    except (JobError, OSError) as error:
        end(error)
    code = run_to_end([sample], out, _chosen(None).settings)
    results = out / sample.name
    print(f"\nLook at {results / 'annotated.mp4'} and load {results / 'timeline.parquet'}")
    raise typer.Exit(code)


@app.command()
def status(
    out: options.OutArgument = Path("outputs"),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    failed: Annotated[bool, typer.Option("--failed", help="Only movies that failed, with the reason.")] = False,
) -> None:
    """Show the progress of each movie, during a run or afterwards."""
    from jobs.run.status_table import print_status
    from jobs.store.status import read_status

    try:
        found = read_status(out)
    except JobError as error:
        end(error)
    if as_json:
        print(found.to_json(failed))
    else:
        print_status(found, failed)


@app.command()
def review(
    out: options.OutArgument = Path("outputs"),
    host: Annotated[
        str, typer.Option(help="Address to listen on; a token is required if others can reach it.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes any free one.", min=0, max=65535)] = 8765,
    token: Annotated[str | None, typer.Option(help="Require this token.", show_default=False)] = None,
    root_path: options.RootPath = "",
    forwarded: options.Forwarded = "",
    browser: Annotated[bool, typer.Option("--open/--no-browser", help="Open a browser.")] = False,
    edit: Annotated[
        bool,
        typer.Option("--edit", help="Allow labels and corrections, saved in review.json beside each movie's results."),
    ] = False,
    by: Annotated[
        str | None,
        typer.Option(help="With --edit: your name in review.json; by default your user name.", show_default=False),
    ] = None,
) -> None:
    """Show results in a browser: timelines, scenes, faces. Without --edit, nothing is written."""
    from jobs.review.command import review
    from jobs.web.address import choose_address

    try:
        address = choose_address(host, port, token, root_path, forwarded)
        review(out, address, browser, (by or _user()) if edit else None)
    except JobError as error:
        end(error)


@app.command()
def report(
    out: options.OutArgument = Path("outputs"),
    standalone: Annotated[
        bool, typer.Option("--standalone", help="Make each report one self-contained file of about 2 MB.")
    ] = False,
) -> None:
    """Rewrite report.html of every movie, and index.html, from the tables. Exit code 1 if one cannot be written."""
    from jobs.report.folder_report import rewrite

    try:
        written, faults = rewrite(out, standalone)
    except JobError as error:
        end(error)
    for fault in faults:
        say_error(fault)
    print(f"{written} reports and {out / 'index.html'} written")
    raise typer.Exit(1 if faults else 0)


app.command()(command_line.export)
app.command()(command_line.clip)


@app.command()
def live(
    source: Annotated[str, typer.Argument(help="Index of a camera, a file, or a stream's URL.")] = "0",
    record: Annotated[Path | None, typer.Option(help="Folder for a recording.", show_default=False)] = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on; a token is required if others can reach it.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes any free one.", min=0, max=65535)] = 8766,
    token: Annotated[str | None, typer.Option(help="Require this token.", show_default=False)] = None,
    root_path: options.RootPath = "",
    forwarded: options.Forwarded = "",
    model: options.Model = None,
    device: options.Device = None,
    detector: options.Detector = None,
    detector_model: options.DetectorModel = None,
    prior: options.PriorOption = None,
    sure: options.Sure = None,
    video: options.Video = None,
    crf: options.Crf = None,
    preset: options.Preset = None,
    config: options.Config = None,
) -> None:
    """Label a camera, a file or a stream while it plays, on a web page.

    Exit code: 0 after Ctrl-C, 1 if the session failed, 2 if it could not begin.
    """
    flags = {"model": model, "device": device, "detector": detector, "detector_model": detector_model}
    choice = _chosen(config, **flags, prior=prior, sure=sure, video=video, crf=crf, preset=preset)
    from jobs.live.command import live
    from jobs.web.address import choose_address
    from models.errors import ModelError
    from pipeline.errors import PipelineError

    try:
        address = choose_address(host, port, token, root_path, forwarded)
        raise typer.Exit(live(source, record, address, choice.settings))
    except (JobError, ModelError, PipelineError) as error:
        end(error)


@app.command()
def doctor(out: options.Out = Path("outputs")) -> None:
    """Check in a few seconds whether this machine can do every step of a run. Exit code 1 if not."""
    from jobs.doctor.findings import all_well, examine, print_findings

    findings = examine(out)
    print_findings(findings)
    raise typer.Exit(0 if all_well(findings) else 1)


@app.command()
def clean(out: options.OutArgument = Path("outputs")) -> None:
    """Remove leftover units of work; keep those that a run can resume from."""
    from jobs.store.clean import clean

    try:
        print(clean(out))
    except JobError as error:
        end(error)


@app.command()
def settings(config: options.Config = None) -> None:
    """Print the effective settings and where each value comes from."""
    choice = _chosen(config)
    for name, value in choice.settings.model_dump(mode="json").items():
        print(f"{name:<16}{'-' if value is None else value!s:<12}{choice.origins[name]}")


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no name for this user
        return "somebody"


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"moodreel {version('moodreel')}")
        raise typer.Exit


def _chosen(config: Path | None, **flags: object) -> Choice:
    """Return the settings, or end with exit code 2 and a line for each wrong one."""
    try:
        return choose(flags, config)
    except UsageError as error:
        end(error)


app.command()(model_commands.train)
app.command()(model_commands.evaluate)
app.add_typer(model_commands.data, name="data")
