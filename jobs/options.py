"""The options of the command line that several commands share, and those that are settings."""

from pathlib import Path
from typing import Annotated, Any

import typer

from jobs.settings import Settings


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
    str, typer.Option(help="Path below which a reverse proxy serves the pages, such as /films.", show_default=False)
]
Forwarded = Annotated[
    str,
    typer.Option(help="Public host name of a reverse proxy; its X-Forwarded headers are trusted.", show_default=False),
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
Scenes = Annotated[str | None, _option("scenes")]
Video = Annotated[str | None, _option("video")]
Crf = Annotated[int | None, _option("crf")]
Preset = Annotated[str | None, _option("preset")]
Encoder = Annotated[str | None, _option("encoder")]
Copies = Annotated[bool | None, _option("copies", "--copies/--no-copies")]
Segment = Annotated[float | None, _option("segment")]
Engine = Annotated[str | None, _option("engine")]
Address = Annotated[str | None, _option("address")]
GpuShare = Annotated[float | None, _option("gpu_share")]
Workers = Annotated[int | None, _option("workers")]
