"""The movies of a run -> units -> results: what comes after what, what is done already, what a failure means."""

import asyncio
import contextlib
import signal
import time
import traceback
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jobs import tasks
from jobs.discover import Source
from jobs.dispatch import Dispatcher
from jobs.errors import DiskFullError, JobError, StoppedError
from jobs.local import Executor
from jobs.outcome import Outcome, write_movies_table
from jobs.progress import Progress
from jobs.settings import Settings
from jobs.workspace import MovieFolder, Workspace, commit_json
from models.errors import ModelError
from pipeline import schema
from pipeline.decode import TimestampError
from pipeline.errors import InputError, PipelineError
from pipeline.segments import FIRST_PTS, LAST_PTS, Packets, Segment, cut

_FORESEEN = (PipelineError, ModelError, JobError)


_ROOM_PER_BYTE = 3
"""Bytes of free disk per byte of source that a movie is expected to need: parts, joined picture, annotated video."""


@dataclass(frozen=True)
class Run:
    """What all movies of a run share."""

    settings: Settings
    workspace: Workspace
    equipment: tasks.Equipment
    dispatcher: Dispatcher
    progress: Progress
    force: bool


async def run_movies(
    sources: Sequence[Source],
    settings: Settings,
    workspace: Workspace,
    executor: Executor,
    progress: Progress,
    force: bool = False,
) -> list[Outcome]:
    """Process all movies; one that fails does not stop the others.

    Raises:
        ModelError, DetectorError, WorkerDiedError: network or detector cannot be had, so that no movie can be done.
    """
    dispatcher = Dispatcher(executor)
    equipment, _ = await dispatcher.run((-2, 0), tasks.equip, settings)
    progress.equipped(equipment, settings)
    run = Run(settings, workspace, equipment, dispatcher, progress, force)
    _stop_on_signals(run)
    ticker = asyncio.create_task(_tick(progress, executor))
    try:
        jobs = [MovieJob(run, source, order) for order, source in enumerate(sources)]
        return list(await asyncio.gather(*(job.process() for job in jobs)))
    finally:
        ticker.cancel()
        write_movies_table(workspace)


async def _tick(progress: Progress, executor: Executor) -> None:
    while True:
        progress.frames_done(executor.frames_done())
        await asyncio.sleep(0.5)


def _stop_on_signals(run: Run) -> None:
    """Let the first Ctrl-C or SIGTERM finish what is running, and the second end the run at once."""
    whole_run = asyncio.current_task()
    assert whole_run is not None

    def stop() -> None:
        if run.dispatcher.stopped:
            whole_run.cancel()
        else:
            run.progress.note("stopping: units that are running are being finished; once more stops at once")
            run.dispatcher.stop()

    for name in ("SIGINT", "SIGTERM"):
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C ends the run at once
            asyncio.get_running_loop().add_signal_handler(getattr(signal, name), stop)


class MovieJob:
    """One movie on its way through probe, scan, analyze, assemble, render and join."""

    def __init__(self, run: Run, source: Source, order: int) -> None:
        self._run = run
        self._source = source
        self._order = order
        self._folder: MovieFolder = run.workspace.folder(source.name)
        self._passes = 1 if run.settings.video == "none" else 2
        self._stage_seconds: dict[str, float] = defaultdict(float)
        self._begun = time.monotonic()
        self._expected = 0

    async def process(self) -> Outcome:
        """Do what is to do and record the outcome."""
        try:
            outcome = await self._process()
        except StoppedError:
            outcome = Outcome(self._source.name, "stopped")
        except DiskFullError as error:
            self._run.dispatcher.stop()
            outcome = Outcome(self._source.name, "stopped", str(error))
        except _FORESEEN as error:
            outcome = self._failed(str(error))
        except Exception as error:  # the run goes on whatever one movie does; nothing is hidden
            outcome = self._failed(f"{type(error).__name__}: {error}", traceback.format_exc())
        self._run.progress.finished(outcome)
        return outcome

    async def _process(self) -> Outcome:
        # All movies are probed before any work: in the evening the user sees which files are no movies.
        probe = await self._unit((-1, self._order), tasks.probe, self._source.path)
        keys = self._keys(probe)
        self._expect(probe.frames)
        done = self._done_before(keys)
        if done is not None:
            self._run.progress.skipped(self._expected * self._passes)
            return done
        packets = await self._unit((self._order, 0), tasks.scan, probe.movie)
        self._begun = time.monotonic() - self._stage_seconds["scan"]  # before, it waited for its turn
        self._expect(len(packets.pts) or probe.frames)
        segments = cut(probe.movie, packets, self._run.settings.segment)
        self._folder.clear_temporary()
        self._run.workspace.require_room(self._source.path.stat().st_size * _ROOM_PER_BYTE)
        whole = [Segment(0, FIRST_PTS, LAST_PTS, len(packets.pts), trusted=False)]
        before = self._tables_before(keys)
        if before is not None:
            result, trusted = before
            segments = segments if trusted else whole
        else:
            try:
                result = await self._tables(probe, segments, keys)
            except TimestampError:
                segments = whole
                result = await self._tables(probe, segments, keys)
        remarks = await self._video(probe, segments, keys) if self._passes == 2 else []
        return self._finished(probe, packets, result, segments, keys, remarks)

    async def _tables(self, probe: tasks.Probe, segments: list[Segment], keys: dict[str, str]) -> tasks.Assembled:
        settings, work = self._run.settings, self._folder.work / keys["analysis"]
        parts = [work / f"{segment.name}.npz" for segment in segments]
        await self._all(
            [
                ((self._order, 1), tasks.analyze_segment, probe.movie, segment, settings, part)
                for segment, part in zip(segments, parts, strict=True)
                if not self._committed(part, segment)
            ]
        )
        await self._unit((self._order, 2), tasks.confirm_unchanged, self._source.path, probe.fingerprint)
        self._disown(keep=())
        facts = self._facts(probe, keys)
        result: tasks.Assembled = await self._unit(
            (self._order, 2), tasks.assemble_movie, self._source.name, probe.movie, parts, self._folder, settings, facts
        )
        return result

    async def _video(self, probe: tasks.Probe, segments: list[Segment], keys: dict[str, str]) -> list[str]:
        settings, work = self._run.settings, self._folder.work / keys["video"]
        parts = [work / f"{segment.name}.mp4" for segment in segments]
        timeline = self._folder.timeline
        await self._all(
            [
                ((self._order, 3), tasks.render_segment, probe.movie, segment, timeline, settings, part)
                for segment, part in zip(segments, parts, strict=True)
                if not self._committed(part, segment)
            ]
        )
        await self._unit((self._order, 4), tasks.confirm_unchanged, self._source.path, probe.fingerprint)
        self._disown(keep=("analysis", "tables"))
        comment = f"Predicted expression labels, not feelings; moodreel, model {settings.model}"
        remarks: list[str] = await self._unit(
            (self._order, 4), tasks.join_movie, probe.movie, parts, self._folder, comment
        )
        return remarks

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
        return result

    async def _all(self, units: list[tuple[Any, ...]]) -> None:
        """Run units side by side; the first that fails cancels those that wait."""
        try:
            async with asyncio.TaskGroup() as group:
                for unit in units:
                    group.create_task(self._unit(*unit))
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None

    def _committed(self, part: Path, segment: Segment) -> bool:
        if part.exists():
            self._run.progress.skipped(segment.frames)
            return True
        return False

    def _expect(self, frames: int) -> None:
        self._run.progress.expect(frames - self._expected, self._passes)
        self._expected = frames

    def _keys(self, probe: tasks.Probe) -> dict[str, str]:
        settings = self._run.settings
        analysis = settings.analysis_key(probe.fingerprint, self._run.equipment.model_digest)
        tables = settings.tables_key(analysis)
        return {"analysis": analysis, "tables": tables, "video": settings.video_key(tables)}

    def _done_before(self, keys: dict[str, str]) -> Outcome | None:
        """Return the outcome of an earlier run that did just this, if there was one."""
        job = self._folder.read_job()
        wanted = [*self._folder.tables, *([self._folder.video] if self._passes == 2 else [])]
        if job is None or job.get("keys") != keys or job.get("status") == "failed" or self._run.force:
            self._refuse_other_movie(job)
            if self._run.force:
                self._folder.clear_work()
            return None
        if not all(path.exists() for path in wanted):
            return None
        return Outcome(self._source.name, job["status"], job["reason"], job["summary"], job["seconds"], fresh=False)

    def _tables_before(self, keys: dict[str, str]) -> tuple[tasks.Assembled, bool] | None:
        """Return an earlier run's tables, if only the video has to be made anew, and whether it trusted the pts."""
        job = self._folder.read_job() or {}
        same = (job.get("keys") or {}).get("tables") == keys["tables"]
        if self._run.force or not same or not all(path.exists() for path in self._folder.tables):
            return None
        self._run.progress.skipped(self._expected)
        return tasks.Assembled(job["summary"], job["refused"], job["damaged"]), job["trusted"]

    def _disown(self, keep: tuple[str, ...]) -> None:
        """Say that an earlier run's results, but for those that ``keep`` names, are about to be replaced.

        Should this run die meanwhile, no later one must take what it finds for whole.
        """
        job = self._folder.read_job()
        if job is not None and job.get("keys"):
            reason = "its results were being replaced by a run that did not end; run again"
            keys = {name: key for name, key in job["keys"].items() if name in keep}
            commit_json(self._folder.job, {**job, "status": "failed", "reason": reason, "keys": keys})

    def _refuse_other_movie(self, job: dict[str, Any] | None) -> None:
        """Keep another film's results that happen to lie under the same name."""
        source = str(self._source.path.absolute())
        if job and not self._run.force and job.get("status") != "failed" and job.get("source") != source:
            raise InputError(
                f"{self._folder.root} holds the results of {job.get('source')}; choose another --out, "
                f"or --force to replace them by those of {source}"
            )

    def _facts(self, probe: tasks.Probe, keys: dict[str, str]) -> dict[str, Any]:
        """Return the provenance that goes into the tables: nothing that differs between equal results."""
        settings = self._run.settings
        return {
            "movie": self._source.name,
            "fingerprint": probe.fingerprint,
            "key": keys["tables"],
            "model": settings.model,
            "model_digest": self._run.equipment.model_digest,
            "detector": settings.detector,
            "tracking": vars(settings.track_options()),
            "versions": self._run.equipment.versions,
        }

    def _finished(
        self,
        probe: tasks.Probe,
        packets: Packets,
        result: tasks.Assembled,
        segments: list[Segment],
        keys: dict[str, str],
        remarks: list[str],
    ) -> Outcome:
        faults = [packets.fault] if packets.fault else []
        faults += [f"{result.refused} packets could not be decoded"] if result.refused else []
        faults += [f"{result.damaged} frames are damaged"] if result.damaged else []
        if not segments[0].trusted:
            remarks = ["time stamps are missing or contradict each other; they were counted anew", *remarks]
        if self._passes == 1:
            self._folder.video.unlink(missing_ok=True)  # of an earlier run: it would show another analysis
        outcome = Outcome(
            self._source.name,
            "partial" if faults else "done",
            "; ".join(faults),
            result.summary,
            time.monotonic() - self._begun,
        )
        self._record(
            outcome,
            {
                "keys": keys,
                "remarks": remarks,
                "fingerprint": probe.fingerprint,
                "refused": result.refused,
                "damaged": result.damaged,
                "trusted": segments[0].trusted,
            },
        )
        self._folder.clear_work()
        return outcome

    def _failed(self, reason: str, details: str = "") -> Outcome:
        source = str(self._source.path)
        reason = reason.removeprefix(f"{source}: ")
        outcome = Outcome(self._source.name, "failed", reason, seconds=time.monotonic() - self._begun)
        earlier = self._folder.read_job()
        if earlier is None or earlier.get("status") == "failed":  # else the folder holds results: leave them alone
            try:
                self._record(outcome, {"details": details} if details else {})
            except OSError as error:
                self._run.progress.note(f"{self._source.name}: job.json cannot be written: {error}")
        return outcome

    def _record(self, outcome: Outcome, more: dict[str, Any]) -> None:
        settings = self._run.settings
        commit_json(
            self._folder.job,
            {
                "movie": outcome.name,
                "status": outcome.status,
                "reason": outcome.reason,
                "source": str(self._source.path.absolute()),
                "summary": outcome.summary,
                "seconds": round(outcome.seconds, 3),
                "stage_seconds": {stage: round(seconds, 3) for stage, seconds in self._stage_seconds.items()},
                "finished": datetime.now(UTC).isoformat(timespec="seconds"),
                "schema_version": schema.VERSION,
                "device": self._run.equipment.device,
                "model": settings.model,
                "model_digest": self._run.equipment.model_digest,
                "detector": settings.detector,
                "settings": settings.model_dump(mode="json"),
                "versions": self._run.equipment.versions,
                **more,
            },
        )
