"""The commands ``moodreel export`` and ``moodreel clip``."""

from pathlib import Path
from typing import Annotated

import typer

from jobs.console import say_error
from jobs.errors import JobError
from jobs.exit import end


def export(
    out: Annotated[Path, typer.Argument(help="Folder with results.")] = Path("outputs"),
    format_name: Annotated[
        str, typer.Option("--format", help="csv, parquet, arc, json, srt, vtt, ass or eaf (ELAN).", metavar="FORMAT")
    ] = "csv",
    to: Annotated[Path, typer.Option(help="Folder for the files.")] = Path("exports"),
    one_file: Annotated[
        bool, typer.Option("--one-file", help="All movies in one file: csv, parquet, arc, json.")
    ] = False,
    table: Annotated[
        str,
        typer.Option(
            help="With csv and parquet: moments, timeline, tracks, shots, scenes, people, scene_people, relative, arc.",
            metavar="TABLE",
        ),
    ] = "moments",
    excel: Annotated[bool, typer.Option("--excel", help="With csv and arc: for Excel, in your locale.")] = False,
    at_least: Annotated[
        float | None, typer.Option(help="Shortest moment, in s; subtitles: 0.5.", min=0, show_default=False)
    ] = None,
    confidence: Annotated[float, typer.Option(help="Lowest mean confidence of a moment.", min=0, max=1)] = 0,
    force: Annotated[bool, typer.Option("--force", help="Overwrite existing files.")] = False,
) -> None:
    """Export results as tables, subtitles or ELAN documents. Exit code 1 if a movie cannot be exported.

    OUT is the folder of a run or of a single movie. A moment is a span in which one face keeps one label.
    """
    from jobs.export.command import export
    from jobs.export.options import Options, Sheet, require_table

    try:
        sheet = Sheet.for_excel() if excel else Sheet()
        options = Options(require_table(table), sheet, at_least, confidence)
        done = export(out, format_name, to, options, one_file, force)
    except JobError as error:
        end(error)
    for line in (*done.notes, *done.faults):
        say_error(line)
    print(f"{len(done.written)} file{'' if len(done.written) == 1 else 's'} written to {to}")
    raise typer.Exit(1 if done.faults else 0)


def clip(
    movie: Annotated[Path, typer.Argument(help="Folder with a movie's results, or a movie.")],
    begin: Annotated[str, typer.Option("--from", help="Start: seconds, m:ss or h:mm:ss.", metavar="TIME")],
    until: Annotated[str, typer.Option("--to", help="End.", metavar="TIME")],
    out: Annotated[Path | None, typer.Option(help="Output file, .mp4.", show_default=False)] = None,
    annotated: Annotated[bool, typer.Option("--annotated", help="With boxes and labels.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
) -> None:
    """Cut a clip from a movie, with sound; it starts with exactly the frame shown at --from."""
    from jobs.export.clip import clip_to_file
    from pipeline.errors import PipelineError

    try:
        made = clip_to_file(movie, begin, until, out, annotated, force)
    except (JobError, PipelineError) as error:
        end(error)
    for note in made.notes:
        say_error(note)
    print(f"{made.path}: {made.frames} frames, {made.start:.3f} to {made.end:.3f} s")
