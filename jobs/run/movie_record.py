"""What is recorded of a movie that ended."""

import json
from collections.abc import Mapping
from pathlib import Path

import pyarrow.parquet as pq

from jobs.iso_time import now
from jobs.run.folders.discover import MovieSource
from jobs.run.units import Run
from jobs.store.job_file import JobFile
from jobs.store.movie_result import AssembledMovie, MovieResult
from pipeline import schema
from pipeline.errors import NOTE
from pipeline.media.manifests.parts import title_parts
from pipeline.media.segments import Packets


def source_text(source: MovieSource) -> str:
    """Return how ``job.json`` names the file that was read."""
    return str(source.path.absolute())


def faults_of(packets: Packets, tables: AssembledMovie) -> list[str]:
    """Return why a movie is partial; nothing if it is whole."""
    faults = [packets.fault] if packets.fault else []
    faults += [f"{tables.refused} packets could not be decoded"] if tables.refused else []
    found, missing = tables.summary.frames or 0, tables.missing + absent_of(packets, tables)
    faults += [f"{found + missing} frames expected, {found} found"] if missing else []
    faults += [f"{tables.damaged} frames are damaged"] if tables.damaged else []
    faults += [f"no annotated.mkv: {tables.no_overlay}"] if tables.no_overlay else []
    return faults


def absent_of(packets: Packets, tables: AssembledMovie) -> int:
    """Return how many pictures are not in the file that should be: of a damaged one, seeking may find some of them."""
    found = (tables.summary.frames or 0) + tables.missing
    return max(0, packets.absent - max(0, found - packets.count))


def remarks_of(timeline: Path) -> list[str]:
    """Return the remarks that the tables themselves carry: on the movie, and so true of any video made of them."""
    about = json.loads((pq.read_schema(timeline).metadata or {}).get(b"moodreel", b"{}"))
    return [str(remark) for remark in about.get("remarks", [])]


def title_remark(source: MovieSource) -> str:
    """Say of how many files a DVD's title is; "" of one."""
    parts = title_parts(source.path)
    return f"{NOTE}the title is {len(parts)} files, {parts[0].name} to {parts[-1].name}" if parts else ""


def job_file(run: Run, source: MovieSource, result: MovieResult, stage_seconds: Mapping[str, float]) -> JobFile:
    """Return what ``job.json`` says of any movie of a run, with or without results.

    Args:
        run: whose equipment is known.
        source: the movie.
        result: how it ended; not as stopped, which nothing is recorded of.
        stage_seconds: s of work by stage.
    """
    assert result.status != "stopped"
    settings, equipment = run.settings, run.equipment.result()
    return JobFile(
        movie=result.name,
        status=result.status,
        reason=result.reason,
        source=source_text(source),
        summary=result.summary,
        seconds=round(result.seconds, 3),
        stage_seconds={stage: round(seconds, 3) for stage, seconds in stage_seconds.items()},
        finished=now(),
        schema_version=schema.VERSION,
        device=equipment.device,
        runtime=equipment.runtime,
        model=settings.model,
        model_digest=equipment.model_digest,
        detector=settings.detector,
        settings=settings.model_dump(mode="json") | {"encoder": equipment.encoder},
        versions=equipment.versions,
    )
