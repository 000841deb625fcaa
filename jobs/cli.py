"""The command ``moodreel``."""

import getpass
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer

from jobs import model_commands
from jobs.console import say_error, take_all_names
from jobs.errors import JobError, UsageError
from jobs.exit import end
from jobs.settings import Choice, Settings, choose

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.command()(model_commands.train)
app.command()(model_commands.evaluate)
app.add_typer(model_commands.data, name="data")


def _option(name: str, *flags: str) -> Any:
    """Return the option for a setting; without it, ``moodreel.toml`` or the default decide."""
    field = Settings.model_fields[name]
    value = f"--{name}" if field.default is True else field.default
    default = "" if value is None else f" (default: {value})"
    return typer.Option(*flags, help=f"{field.description}{default}", show_default=False)


Out = Annotated[Path, typer.Option(help="Folder for the results.")]
OutArgument = Annotated[Path, typer.Argument(help="Folder with results.")]
Config = Annotated[Path | None, typer.Option(help="Settings file instead of ./moodreel.toml.", show_default=False)]
RootPath = Annotated[
    str, typer.Option(help="Path under which a reverse proxy shows the pages, as /films.", show_default=False)
]
Forwarded = Annotated[
    str,
    typer.Option(help="Public host of a reverse proxy: believe its X-Forwarded headers.", show_default=False),
]
Model = Annotated[str | None, _option("model")]
Device = Annotated[str | None, _option("device")]
RuntimeOption = Annotated[str | None, _option("runtime")]
Detector = Annotated[str | None, _option("detector")]
DetectorModel = Annotated[Path | None, _option("detector_model")]
DetectEvery = Annotated[float | None, _option("detect_every")]
PriorOption = Annotated[str | None, _option("prior")]
Sure = Annotated[float | None, _option("sure")]
People = Annotated[bool | None, _option("people", "--people/--no-people")]
Video = Annotated[str | None, _option("video")]
Crf = Annotated[int | None, _option("crf")]
Preset = Annotated[str | None, _option("preset")]
Segment = Annotated[float | None, _option("segment")]
Engine = Annotated[str | None, _option("engine")]
Address = Annotated[str | None, _option("address")]
GpuShare = Annotated[float | None, _option("gpu_share")]
Workers = Annotated[int | None, _option("workers")]


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
    out: Out = Path("outputs"),
    force: Annotated[bool, typer.Option("--force", help="Process again what is already done.")] = False,
    model: Model = None,
    device: Device = None,
    runtime: RuntimeOption = None,
    detector: Detector = None,
    detector_model: DetectorModel = None,
    detect_every: DetectEvery = None,
    prior: PriorOption = None,
    sure: Sure = None,
    people: People = None,
    video: Video = None,
    crf: Crf = None,
    preset: Preset = None,
    segment: Segment = None,
    workers: Workers = None,
    engine: Engine = None,
    address: Address = None,
    gpu_share: GpuShare = None,
    config: Config = None,
    log_json: Annotated[bool, typer.Option("--log-json", help="Write the log as one JSON object per line.")] = False,
) -> None:
    """Process movies: annotated video, emotion timeline and scene shares for each.

    Exit code: 0 all done, 1 at least one failed, 2 wrong usage, 130 stopped before the end.
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
        video=video,
        crf=crf,
        preset=preset,
        segment=segment,
        workers=workers,
        engine=engine,
        address=address,
        gpu_share=gpu_share,
    )
    raise typer.Exit(run_to_end(inputs, out, choice.settings, force, log_json))


@app.command()
def demo(out: Out = Path("outputs")) -> None:
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
    out: OutArgument = Path("outputs"),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show the progress of each movie, also during a run, and from a copy of its files."""
    from jobs.run.status_table import print_status
    from jobs.store.status import read_status

    try:
        found = read_status(out)
    except JobError as error:
        end(error)
    if as_json:
        print(found.to_json())
    else:
        print_status(found)


@app.command()
def review(
    out: OutArgument = Path("outputs"),
    host: Annotated[
        str, typer.Option(help="Address to listen on; a token is required if others can reach it.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes any free one.", min=0, max=65535)] = 8765,
    token: Annotated[str | None, typer.Option(help="Require this token.", show_default=False)] = None,
    root_path: RootPath = "",
    forwarded: Forwarded = "",
    browser: Annotated[bool, typer.Option("--open/--no-browser", help="Open a browser.")] = False,
    edit: Annotated[
        bool, typer.Option("--edit", help="Let faces be labelled, in review.json beside each movie's results.")
    ] = False,
    by: Annotated[
        str | None, typer.Option(help="With --edit: who labels; by default your user name.", show_default=False)
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
def report(out: OutArgument = Path("outputs")) -> None:
    """Rewrite report.html of every movie, and index.html, from the tables. Exit code 1 if one cannot be written."""
    from jobs.report.folder_report import rewrite

    try:
        written, faults = rewrite(out)
    except JobError as error:
        end(error)
    for fault in faults:
        say_error(fault)
    print(f"{written} reports and {out / 'index.html'} written")
    raise typer.Exit(1 if faults else 0)


@app.command()
def live(
    source: Annotated[str, typer.Argument(help="Index of a camera, a file, or a stream's URL.")] = "0",
    record: Annotated[Path | None, typer.Option(help="Folder for a recording.", show_default=False)] = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on; a token is required if others can reach it.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes any free one.", min=0, max=65535)] = 8766,
    token: Annotated[str | None, typer.Option(help="Require this token.", show_default=False)] = None,
    root_path: RootPath = "",
    forwarded: Forwarded = "",
    model: Model = None,
    device: Device = None,
    detector: Detector = None,
    detector_model: DetectorModel = None,
    prior: PriorOption = None,
    sure: Sure = None,
    video: Video = None,
    crf: Crf = None,
    preset: Preset = None,
    config: Config = None,
) -> None:
    """Label a camera, a file or a stream while it plays, on a page for any number of viewers.

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
def doctor(out: Out = Path("outputs")) -> None:
    """Check in some seconds whether this machine can do each step of a run. Exit code 1 if not."""
    from jobs.doctor.findings import all_well, examine, print_findings

    findings = examine(out)
    print_findings(findings)
    raise typer.Exit(0 if all_well(findings) else 1)


@app.command()
def clean(out: OutArgument = Path("outputs")) -> None:
    """Remove units of work that no run needs; keep those of a run that can be resumed."""
    from jobs.store.clean import clean

    try:
        print(clean(out))
    except JobError as error:
        end(error)


@app.command()
def settings(config: Config = None) -> None:
    """Print the settings that apply without flags, and where each value comes from."""
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
