"""Validated settings, and where each comes from."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from jobs.errors import UsageError
from jobs.machine import available_cores, memory
from pipeline.faces.detectors import DEFAULT as DEFAULT_DETECTOR
from pipeline.faces.detectors import detector_names

if TYPE_CHECKING:  # the command line needs settings, but not the heavy libraries behind these
    from pipeline.faces.track import TrackOptions
    from pipeline.scenes.grouping import Wanted
    from pipeline.video.render import EncoderOptions

MEMORY_PER_WORKER = 1.5e9
"""Bytes; TensorFlow and a 4K movie in one worker."""

Preset = Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow"]


def _in_words(names: list[str]) -> str:
    return " or ".join(", ".join(part) for part in (names[:-1], names[-1:]) if part)


def _known_detector(name: str) -> str:
    known = detector_names()
    if name not in known:
        expected = _in_words([repr(one) for one in known])
        raise PydanticCustomError("literal_error", "Input should be {expected}", {"expected": expected})
    return name


def _as_text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _known_scenes(value: str) -> str:
    if value in ("auto", "shots") or (value.isascii() and value.isdigit() and 0 < int(value) < 2**31):
        return value
    raise PydanticCustomError("scenes", "Input should be 'auto', 'shots' or a number from 1 on")


class Settings(BaseModel):
    """Everything about a run that the user may choose, but for the movies and the output folder."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = Field("default", description="Network: its name, or the path of a .json or .onnx model.")
    device: Literal["auto", "cpu", "gpu", "cuda", "rocm", "directml", "coreml", "openvino"] = Field(
        "auto",
        description="auto, cpu, gpu (the first that works), or ONNX Runtime's cuda, rocm, directml, coreml, openvino.",
    )
    runtime: Literal["auto", "onnx", "tensorflow"] = Field(
        "auto", description="Inference runtime: onnx, tensorflow, or auto (the first available)."
    )
    detector: Annotated[str, AfterValidator(_known_detector)] = Field(
        DEFAULT_DETECTOR, description=f"{_in_words(detector_names())}."
    )
    detector_model: Path | None = Field(None, description="Model file for a detector that needs one (yunet).")
    detect_every: float = Field(
        0.12,  # docs/performance.md has what it costs in faces and labels, by interval
        ge=0,
        allow_inf_nan=False,
        description="Seconds between face searches; boxes in between are interpolated. 0: search every frame.",
    )
    prior: Literal["film", "balanced"] = Field(
        "film", description="Assumed frequency of emotions: film (as in films) or balanced (all equal)."
    )
    sure: float = Field(
        0.64,  # scripts/sure_study.py fits it; docs/decisions/unsure.md has the curve
        ge=0,
        le=1,
        description="Least support for a label, 0 (label everything) to 1; below it, a face is unsure.",
    )
    people: bool = Field(True, description="Tell the persons in a movie apart.")
    video: Literal["h264", "overlay", "none"] = Field(
        "h264",
        description="Annotated video: h264, overlay (the movie untouched, labels as subtitles in an mkv) or none.",
    )
    scenes: Annotated[str, BeforeValidator(_as_text), AfterValidator(_known_scenes)] = Field(
        "auto", description="Scenes: auto (by what shots show and who is in them), shots (one each), or a number."
    )
    crf: int = Field(23, ge=0, le=51, description="x264 quality, 0 (lossless) to 51.")
    preset: Preset = Field("veryfast", description="x264 preset, ultrafast to veryslow.")
    encoder: Literal["auto", "x264", "nvenc", "videotoolbox", "qsv", "vaapi", "amf"] = Field(
        "x264", description="Video encoder: x264, one of a graphics card, or auto (the first available)."
    )
    copies: bool = Field(
        True,
        description="Copy stretches of an H.264 movie without faces into the annotated video unchanged.",
    )
    segment: float = Field(
        30.0,
        gt=0,
        allow_inf_nan=False,
        description="Longest unit of work, in seconds of movie; shorter towards the end.",
    )
    engine: Literal["local", "ray"] = Field("local", description="Where units run: local, or ray for a cluster.")
    address: str | None = Field(None, description="host:port of the cluster's head, for ray.")
    gpu_share: float = Field(0.0, ge=0, description="Share of a GPU per unit, for ray.")
    workers: int = Field(0, ge=0, description="Processes; 0: as many as cores and memory allow.")

    memory_limit: float = Field(
        16.0, ge=0, allow_inf_nan=False, description="GB of memory that a worker may use, on Linux; 0: no limit."
    )
    frame_limit: float = Field(
        135.0, gt=0, allow_inf_nan=False, description="Megapixels of a stored picture; larger ones are not decoded."
    )
    stall_limit: float = Field(
        1800.0, gt=0, allow_inf_nan=False, description="Seconds without progress after which a unit of work is killed."
    )
    disk_limit: float = Field(
        100.0, ge=0, allow_inf_nan=False, description="GB of a file that a unit of work writes; 0: no limit."
    )

    @property
    def worker_count(self) -> int:
        """How many worker processes to start here."""
        if self.workers:
            return self.workers
        return max(1, min(available_cores(), int((memory().total or 8e9) // MEMORY_PER_WORKER)))

    @property
    def threads(self) -> int:
        """How many threads each worker's libraries may use, so that all workers together fill the machine once."""
        return 1 if self.engine == "ray" else max(1, available_cores() // self.worker_count)

    @property
    def wanted_scenes(self) -> "Wanted":
        """What scenes are made of shots."""
        return self.scenes if self.scenes in ("auto", "shots") else int(self.scenes)  # type: ignore[return-value]

    def track_options(self) -> "TrackOptions":
        """Return what the tracker needs."""
        from pipeline.faces.track import TrackOptions

        return TrackOptions()

    def encoder_options(self) -> "EncoderOptions":
        """Return what the encoder needs."""
        from pipeline.video.render import EncoderOptions

        return EncoderOptions(self.crf, self.preset, self.threads, self.encoder)

    def with_absolute_paths(self) -> "Settings":
        """Return the same settings with absolute paths, for workers that run in other folders."""
        is_path = self.model.endswith((".json", ".onnx")) and Path(self.model).is_file()
        return self.model_copy(
            update={
                "model": str(Path(self.model).absolute()) if is_path else self.model,
                "detector_model": self.detector_model and self.detector_model.absolute(),
            }
        )


SETTINGS_FILE: Final = Path("moodreel.toml")
"""Read from the folder in which the command runs."""


@dataclass(frozen=True)
class Choice:
    """Settings, and the origin of each: ``--flag``, the name of a file, or ``default``."""

    settings: Settings
    origins: dict[str, str]


def choose(flags: Mapping[str, Any], file: Path | None = None) -> Choice:
    """Combine settings: a flag that is not None wins over the file, the file over the default.

    Args:
        flags: from the command line, by name; None for what was not given.
        file: a settings file, which must exist; None for ``moodreel.toml``, if there is one.

    Raises:
        UsageError: a line for each setting that is wrong: its place, what was expected and what was found.
    """
    values: dict[str, Any] = {}
    origins = dict.fromkeys(Settings.model_fields, "default")
    path = file or (SETTINGS_FILE if SETTINGS_FILE.is_file() else None)
    if path is not None:
        values = _read_toml(path)
        origins |= dict.fromkeys(values, str(path))
    given = {name: value for name, value in flags.items() if value is not None}
    origins |= {name: "--" + name.replace("_", "-") for name in given}
    try:
        return Choice(Settings.model_validate(values | given), origins)
    except ValidationError as error:
        raise UsageError("\n".join(_complaint(fault, origins) for fault in error.errors())) from None


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: expected TOML: {error}") from error


def _complaint(fault: Any, origins: Mapping[str, str]) -> str:
    name = str(fault["loc"][0])
    place = origins[name] if origins[name].startswith("--") else f"{origins[name]}: {name}"
    if fault["type"] == "extra_forbidden":
        return f"{place}: no such setting; settings: {', '.join(Settings.model_fields)}"
    return f"{place}: {fault['msg']}, found {fault['input']!r}"
