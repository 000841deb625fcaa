"""One movie on its way through the units: what comes after what, what is done already, what a failure means."""

import asyncio
import time
import traceback
from collections import defaultdict
from collections.abc import Coroutine, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jobs.errors import DiskFullError, JobError, StoppedError
from jobs.iso_time import now
from jobs.report.movie_report import Prepared
from jobs.run import tasks
from jobs.run.discover import MovieSource
from jobs.run.event_log import EventLog
from jobs.run.progress import Progress
from jobs.run.scheduler import Scheduler
from jobs.settings import Settings
from jobs.store.atomic import commit_json
from jobs.store.job_file import JobFile
from jobs.store.movie_result import AssembledMovie, MovieResult
from jobs.store.workspace import Workspace
from models.errors import ModelError
from pipeline import schema
from pipeline.errors import InputError, PipelineError
from pipeline.media.decode import TimestampError
from pipeline.media.movie import Movie
from pipeline.media.segments import Packets, Segment, as_one, cut

_FORESEEN = (PipelineError, ModelError, JobError)


_ROOM_PER_BYTE = 3
"""Bytes of free disk per byte of source that a movie is expected to need: parts, joined picture, annotated video."""


@dataclass(frozen=True)
class Run:
    """What all movies of a run share.

    ``equipment`` is set once a worker has loaded network and detector; where they cannot be had, it never is.
    """

    settings: Settings
    workspace: Workspace
    dispatcher: Scheduler
    progress: Progress
    journal: EventLog
    force: bool
    equipment: "asyncio.Future[tasks.Equipment]" = field(default_factory=asyncio.Future)


class MovieJob:
    """One movie on its way through probe, scan, analyze, assemble, render and join."""

    def __init__(self, run: Run, source: MovieSource, order: int) -> None:
        self._run = run
        self._source = source
        self._order = order
        self._folder = run.workspace.folder(source.name)
        self._record = JobFile(self._folder, source.path)
        self._passes = 1 if run.settings.video == "none" else 2
        self._stage_seconds: dict[str, float] = defaultdict(float)
        self._begun = time.monotonic()
        self._expected = 0
        self._frames_before = 0  # over all passes
        self._preparing: asyncio.Task[Prepared | None] | None = None

    async def process(self) -> MovieResult:
        """Do what is to do and record the outcome."""
        try:
            outcome = await self._process()
            await self._report(outcome)
        except StoppedError:
            outcome = MovieResult(self._source.name, "stopped")
        except DiskFullError as error:
            self._run.dispatcher.stop()
            outcome = MovieResult(self._source.name, "stopped", str(error))
        except _FORESEEN as error:
            outcome = self._failed(str(error))
        except Exception as error:  # the run goes on whatever one movie does; nothing is hidden
            outcome = self._failed(f"{type(error).__name__}: {error}", traceback.format_exc())
        finally:
            if self._preparing:
                self._preparing.cancel()
        self._run.progress.finished(outcome)
        facts = {"status": outcome.status, "reason": outcome.reason, "seconds": round(outcome.seconds, 3)}
        self._run.journal.write("movie ended", movie=outcome.name, **facts)
        return outcome

    async def _process(self) -> MovieResult:
        # All movies are probed before any work: in the evening the user sees which files are no movies.
        probing = asyncio.gather(self._unit((-1, self._order), tasks.probe, self._source.path), return_exceptions=True)
        await asyncio.wait([self._run.equipment])  # without it not even a failure can be recorded
        [probe] = await probing
        if isinstance(probe, BaseException):
            raise probe
        keys = self._keys(probe)
        self._expect(probe.movie.frames)
        done = self._done_before(keys)
        if done is not None:
            return done
        packets = await self._unit((self._order, 0), tasks.scan, probe.movie)
        self._begun = time.monotonic() - self._stage_seconds["scan"]  # before, it waited for its turn
        self._expect(len(packets.pts) or probe.movie.frames)
        segments = cut(probe.movie, packets, self._run.settings.segment)
        self._folder.clear_temporary()
        self._write_plan(segments, keys)
        self._run.workspace.require_room(self._source.path.stat().st_size * _ROOM_PER_BYTE)
        result = self._tables_before(keys)
        if result is None:
            try:
                result = await self._tables(probe, segments, keys)
            except TimestampError:
                result = await self._tables(probe, [as_one(packets)], keys)
        if not result.trusted and segments[0].trusted:
            segments = [as_one(packets)]
            self._write_plan(segments, keys)
        remarks = await self._video(probe, segments, keys) if self._passes == 2 else []
        return self._finished(probe, packets, result, keys, remarks)

    async def _tables(self, probe: tasks.Probe, segments: list[Segment], keys: dict[str, str]) -> AssembledMovie:
        settings, work = self._run.settings, self._folder.work / keys["analysis"]
        parts = [work / f"{segment.name}.npz" for segment in segments]
        await _all(
            self._unit((self._order, 1), tasks.analyze_segment, probe.movie, segment, settings, part)
            for segment, part in self._largest_first(segments, parts)
        )
        await self._unit((self._order, 2), tasks.confirm_unchanged, self._source.path, probe.fingerprint)
        self._record.disown(keep=())
        about = tasks.About(self._source.name, segments[0].trusted, self._provenance(probe, keys))
        result: AssembledMovie = await self._unit(
            (self._order, 2), tasks.assemble_movie, probe.movie, parts, self._folder, settings, about
        )
        return result

    async def _video(self, probe: tasks.Probe, segments: list[Segment], keys: dict[str, str]) -> list[str]:
        settings, work = self._run.settings, self._folder.work / keys["video"]
        parts = [work / f"{segment.name}.mp4" for segment in segments]
        timeline = self._folder.timeline
        rendering = [
            self._unit((self._order, 3), tasks.render_segment, probe.movie, segment, timeline, settings, part)
            for segment, part in self._largest_first(segments, parts)
        ]
        await _all([*rendering, self._begin_report(probe.movie)])
        await self._unit((self._order, 4), tasks.confirm_unchanged, self._source.path, probe.fingerprint)
        self._record.disown(keep=("analysis", "tables"))
        comment = f"Predicted expression labels, not feelings; moodreel, model {settings.model}"
        remarks: list[str] = await self._unit(
            (self._order, 4), tasks.join_movie, probe.movie, parts, self._folder, comment
        )
        return remarks

    async def _begin_report(self, movie: Movie) -> None:
        """Let what takes longest of the report be made behind the segments: by who would wait for the last of them."""
        self._preparing = asyncio.create_task(self._prepare_report(movie))

    async def _prepare_report(self, movie: Movie) -> Prepared | None:
        with suppress(Exception):  # the report then makes it itself, and says what is in the way
            prepared: Prepared = await self._unit((self._order, 3), tasks.prepare_report, self._folder, movie)
            return prepared
        return None

    async def _report(self, outcome: MovieResult) -> None:
        """Write the movie's report, if there is none for just these results; without one it is done all the same."""
        if not outcome.fresh and self._folder.report.exists():
            return
        prepared = await self._preparing if self._preparing else None
        try:
            await self._unit((self._order, 5), tasks.report_movie, self._folder, prepared)
        except StoppedError:
            return  # the next run writes it
        except Exception as error:
            self._run.progress.note(f"{self._source.name}: report.html cannot be written: {error}")
            self._run.journal.write("no report", movie=self._source.name, reason=str(error))
        self._folder.clear_temporary()  # of workers that died on the way

    async def _unit(self, priority: tuple[int, int], task: Any, *arguments: Any) -> Any:
        try:
            result, seconds = await self._run.dispatcher.run(priority, task, *arguments)
        except (StoppedError, InputError):
            raise
        except Exception:
            # Libraries say a full disk in many ways; the disk itself says it in one.
            self._run.workspace.require_room(0)
            raise
        self._stage_seconds[task.__name__.split("_")[0]] += seconds
        self._run.journal.write("unit", movie=self._source.name, task=task.__name__, seconds=round(seconds, 3))
        return result

    def _largest_first(self, segments: list[Segment], parts: list[Path]) -> list[tuple[Segment, Path]]:
        """Return what is not committed yet, in the order in which workers are all busy to the end."""
        waiting = [pair for pair in zip(segments, parts, strict=True) if not self._committed(pair[1], pair[0])]
        return sorted(waiting, key=lambda pair: -pair[0].frames)

    def _committed(self, part: Path, segment: Segment) -> bool:
        if part.exists():
            self._run.progress.skipped(segment.frames)
            self._frames_before += segment.frames
            return True
        return False

    def _expect(self, frames: int) -> None:
        self._run.progress.expect(frames - self._expected, self._passes)
        self._expected = frames

    def _write_plan(self, segments: list[Segment], keys: dict[str, str]) -> None:
        """Let others see what is to be done, and so how much of it is."""
        self._run.journal.write("movie begun", movie=self._source.name, segments=len(segments))
        commit_json(
            self._folder.plan,
            {
                "movie": self._source.name,
                "began": now(),
                "passes": self._passes,
                "keys": keys,
                "segments": [{"name": segment.name, "frames": segment.frames} for segment in segments],
            },
        )

    def _keys(self, probe: tasks.Probe) -> dict[str, str]:
        settings = self._run.settings
        analysis = settings.analysis_key(probe.fingerprint, self._run.equipment.result().model_digest)
        tables = settings.tables_key(analysis)
        return {"analysis": analysis, "tables": tables, "video": settings.video_key(tables)}

    def _done_before(self, keys: dict[str, str]) -> MovieResult | None:
        if self._run.force:
            self._folder.clear_work()
            return None
        done = self._record.done_before(keys, video=self._passes == 2)
        if done is None:
            self._record.refuse_other_movie()
        else:
            # A run may have died after it had recorded the results, before it cleared what they were made from.
            self._folder.clear_units(keys.values())
            self._folder.clear_temporary()
            self._run.progress.skipped(self._expected * self._passes)
        return done

    def _tables_before(self, keys: dict[str, str]) -> AssembledMovie | None:
        before = None if self._run.force else self._record.tables_before(keys)
        if before is not None:
            self._run.progress.skipped(self._expected)
        return before

    def _provenance(self, probe: tasks.Probe, keys: dict[str, str]) -> dict[str, Any]:
        """Return what goes into the tables' metadata: nothing that differs between equal results."""
        settings = self._run.settings
        return {
            "movie": self._source.name,
            "fingerprint": probe.fingerprint,
            "key": keys["tables"],
            "model": settings.model,
            "model_digest": self._run.equipment.result().model_digest,
            "detector": settings.detector,
            "detect_every": settings.detect_every,
            "tracking": vars(settings.track_options()),
            "versions": self._run.equipment.result().versions,
        }

    def _finished(
        self,
        probe: tasks.Probe,
        packets: Packets,
        result: AssembledMovie,
        keys: dict[str, str],
        remarks: list[str],
    ) -> MovieResult:
        faults = [packets.fault] if packets.fault else []
        faults += [f"{result.refused} packets could not be decoded"] if result.refused else []
        faults += [f"{result.damaged} frames are damaged"] if result.damaged else []
        if not result.trusted:
            remarks = ["time stamps are missing or contradict each other; they were counted anew", *remarks]
        if self._passes == 1:
            self._folder.video.unlink(missing_ok=True)  # of an earlier run: it would show another analysis
        self._folder.report.unlink(missing_ok=True)  # of an earlier run: a missing one is written anew
        outcome = self._outcome("partial" if faults else "done", "; ".join(faults), result.summary)
        facts = {
            "keys": keys,
            "remarks": remarks,
            "fingerprint": probe.fingerprint,
            "refused": result.refused,
            "damaged": result.damaged,
            "trusted": result.trusted,
            "frames_before": self._frames_before // self._passes,
        }
        self._record.write(outcome, self._facts() | facts)
        self._folder.clear_work()
        self._folder.clear_temporary()
        return outcome

    def _failed(self, reason: str, details: str = "") -> MovieResult:
        # What libraries said last follows on lines of its own.
        reason, _, last_words = reason.removeprefix(f"{self._source.path}: ").partition("\n")
        details = "\n".join(filter(None, [last_words, details]))
        outcome = self._outcome("failed", reason, {})
        if not self._record.holds_results:
            try:
                self._record.write(outcome, self._facts() | ({"details": details} if details else {}))
            except OSError as error:
                self._run.progress.note(f"{self._source.name}: job.json cannot be written: {error}")
        return outcome

    def _outcome(self, status: str, reason: str, summary: dict[str, Any]) -> MovieResult:
        return MovieResult(self._source.name, status, reason, summary, time.monotonic() - self._begun)

    def _facts(self) -> dict[str, Any]:
        """Return what ``job.json`` says of how results came about."""
        settings, equipment = self._run.settings, self._run.equipment.result()
        return {
            "stage_seconds": {stage: round(seconds, 3) for stage, seconds in self._stage_seconds.items()},
            "finished": now(),
            "schema_version": schema.VERSION,
            "device": equipment.device,
            "model": settings.model,
            "model_digest": equipment.model_digest,
            "detector": settings.detector,
            "settings": settings.model_dump(mode="json"),
            "versions": equipment.versions,
        }


async def _all(units: Iterable[Coroutine[Any, Any, Any]]) -> None:
    """Run units side by side; the first that fails cancels those that wait."""
    try:
        async with asyncio.TaskGroup() as group:
            for unit in units:
                group.create_task(unit)
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
