"""The driver of one movie: it orders what the plan says is left, records the result, and knows what a failure means.

Only the driver decides what is done and what stands; workers commit the one file that each unit is ordered to make.
"""

import asyncio
import time
import traceback
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from jobs.errors import DiskFullError, JobError, StoppedError
from jobs.executors.limits import limit_met, limits_of
from jobs.iso_time import duration
from jobs.run import tasks
from jobs.run.event_log import MOVIE_ENDED
from jobs.run.folders.discover import MovieSource
from jobs.run.movie_record import absent_of, faults_of, job_file, remarks_of, source_text, title_remark
from jobs.run.plan import Earlier, Todo, Unit, other_movie, units_left, units_of, what_is_left
from jobs.run.units import MovieUnits, Run, Stage, run_all
from jobs.store.job_file import MovieSummary, Status
from jobs.store.movie_result import AssembledMovie, MovieResult
from jobs.store.provenance import Keys, make_keys, provenance
from jobs.store.run_files import read_plan, write_plan
from models.errors import ModelError
from pipeline.errors import InputError, PipelineError
from pipeline.media.decode import TimestampError
from pipeline.media.manifests.parts import size_of
from pipeline.media.movie import Movie
from pipeline.media.segments import Packets, Segment, as_one, cut
from pipeline.video.copies import Copies

if TYPE_CHECKING:
    from jobs.report.movie_report import Prepared

_FORESEEN: Final = (PipelineError, ModelError, JobError)

_ROOM_PER_BYTE: Final = 3
"""Bytes of free disk per byte of source that a movie is expected to need: parts, joined picture, annotated video."""


@dataclass(frozen=True)
class _Order:
    """What was found out and decided about a movie before the work begins."""

    probe: tasks.Probe
    keys: Keys
    earlier: Earlier
    todo: Todo

    def with_picture(self, summary: MovieSummary) -> "_Order":
        """Return the order for the picture that the movie's tables are in."""
        if not (summary.width and summary.height):
            return self
        movie = self.probe.movie.with_picture(summary.width, summary.height)
        return replace(self, probe=replace(self.probe, movie=movie))


class MovieJob:
    """One movie on its way through probe, scan, analyze, assemble, render, join and report."""

    def __init__(self, run: Run, source: MovieSource, order: int) -> None:
        """Prepare to process a movie.

        Args:
            run: what all movies share.
            source: the movie.
            order: its place in the run: units of earlier movies come first.
        """
        self._run = run
        self._source = source
        self._folder = run.workspace.folder(source.name)
        self._units = MovieUnits(run, source, order)
        self._passes = 2 if run.settings.video == "h264" else 1
        self._begun = time.monotonic()
        self._expected = 0
        self._frames_before = 0  # over all passes
        self._preparing: asyncio.Task[Prepared | None] | None = None

    async def process(self) -> MovieResult:
        """Do what is left to do and record the result; nothing but cancellation is raised."""
        try:
            result = await self._process()
            await self._report(result)
        except StoppedError:
            result = MovieResult(self._source.name, "stopped")
        except DiskFullError as error:
            result = self._stopped_by(error)
        except Exception as error:  # the run goes on whatever one movie does; nothing is hidden
            if met := limit_met(error, limits_of(self._run.settings)):
                result = self._failed(met, str(error))
            elif isinstance(error, _FORESEEN):
                result = self._failed(str(error))
            else:
                details = traceback.format_exc()
                full = self._run.disk_full()
                result = self._stopped_by(full) if full else self._failed(f"{type(error).__name__}: {error}", details)
        finally:
            if self._preparing:
                self._preparing.cancel()
        self._run.progress.finished(result)
        facts = {"status": result.status, "reason": result.reason, "seconds": round(result.seconds, 3)}
        left = self._run.progress.seconds_left()
        facts |= {"count": self._run.progress.place, "left": "" if left is None else duration(left)}
        self._run.event_log.write(MOVIE_ENDED, movie=result.name, **facts)
        return result

    async def _process(self) -> MovieResult:
        order = await self._look()
        if order.todo.nothing:
            return self._done_before(order)
        movie = order.probe.movie
        packets = await self._units.run(Stage.SCAN, tasks.scan, movie)
        self._begun = time.monotonic() - self._units.seconds["scan"]  # before, it waited for its turn
        order = replace(order, probe=replace(order.probe, movie=packets.timed(movie)))
        self._expect(packets.count or movie.frames)
        segments = cut(movie, packets, self._run.settings.segment)
        self._folder.clear_temporary()
        self._run.workspace.require_room(size_of(self._source.path) * _ROOM_PER_BYTE)
        self._write_plan(segments, order.keys)
        if order.todo.tables:
            try:
                tables = await self._tables(order, segments)
            except TimestampError:
                tables = await self._tables(order, [as_one(packets)])
        else:
            tables = self._tables_before(order)
        if not tables.trusted and segments[0].trusted:
            segments = [as_one(packets)]
            self._write_plan(segments, order.keys)
        order = order.with_picture(tables.summary)
        remarks = []
        if order.todo.video:
            whole = tables.trusted and not faults_of(packets, tables)
            remarks = await self._video(order, segments, whole)
        more, refused = await self._overlay(order) if order.todo.overlay else ([], order.todo.no_overlay)
        return self._finished(order, packets, replace(tables, no_overlay=refused), [*remarks, *more])

    async def _look(self) -> _Order:
        """Probe the movie, look at what earlier runs left of it, and decide what is left to do."""
        # All movies are probed before any work: in the evening the user sees which files are no movies.
        probing = asyncio.gather(self._units.run_first(tasks.probe, self._source.path), return_exceptions=True)
        await asyncio.wait([self._run.equipment])  # without it not even a failure can be recorded
        [probe] = await probing
        if not isinstance(probe, BaseException):
            self._expect(probe.movie.frames)
        self._run.progress.looked_at()
        if isinstance(probe, BaseException):
            raise probe
        keys = make_keys(self._run.settings, probe.fingerprint, self._run.equipment.result())
        if self._run.force:
            self._folder.clear_units(keys.of_units)
        job, plan = self._folder.read_job_file(), read_plan(self._folder)
        earlier = Earlier(job, plan, self._folder.listing(keys.of_units))
        todo = what_is_left(earlier, keys, probe.fingerprint, self._run.force)
        if not todo.nothing and not self._run.force:
            self._refuse_to_replace(earlier)
        for why in todo.why:
            self._run.progress.note(f"{self._source.name}: {why}")
            self._run.event_log.write("earlier work", movie=self._source.name, note=why)
        return _Order(probe, keys, earlier, todo)

    def _refuse_to_replace(self, earlier: Earlier) -> None:
        """Keep what happens to lie under the same name: another movie's results, another program's file."""
        other = other_movie(earlier, source_text(self._source))
        if other is None and not self._folder.holds_foreign_job():
            return
        found = f"the results of {other}" if other else f"a {self._folder.job.name} that is not moodreel's"
        raise InputError(
            f"{self._folder.root} holds {found}; choose another --out, "
            f"or --force to replace them by those of {source_text(self._source)}"
        )

    def _done_before(self, order: _Order) -> MovieResult:
        # A run may have died after it had recorded the results, before it removed what they were made from.
        self._folder.clear_units(order.keys.of_units)
        self._run.progress.skipped(self._expected * self._passes)
        job = order.earlier.job
        assert job is not None
        return MovieResult(self._source.name, job.status, job.reason, job.summary, job.seconds or 0.0, fresh=False)

    def _tables_before(self, order: _Order) -> AssembledMovie:
        self._run.progress.skipped(self._expected)
        job = order.earlier.job
        assert job is not None
        return AssembledMovie(job.summary, job.refused, job.damaged, job.trusted, job.missing)

    async def _tables(self, order: _Order, segments: list[Segment]) -> AssembledMovie:
        run, probe, name = self._units.run, order.probe, self._source.name
        settings = self._run.settings_found()
        units = units_of(segments, order.keys.analysis, ".npz")
        if not order.todo.relabels:
            await run_all(
                self._noted(
                    run(Stage.ANALYZE, tasks.analyze_segment, probe.movie, unit.segment, settings, self._path(unit))
                )
                for unit in self._left(units, order.earlier)
            )
        await run(Stage.ASSEMBLE, tasks.confirm_unchanged, self._source.path, probe.fingerprint)
        job = self._folder.read_job_file()
        if order.todo.replaces and job is not None and job.has_results:
            job.being_replaced().write(self._folder.job, self._folder.root)
        origin = provenance(settings, name, probe.fingerprint, self._run.equipment.result(), order.keys)
        tables: AssembledMovie
        if order.todo.relabels:
            before = self._tables_before(order)
            arguments = (probe.movie, self._folder, settings, tasks.About(name, before.trusted, origin))
            summary = await run(Stage.ASSEMBLE, tasks.relabel_movie, *arguments)
            tables = replace(before, summary=summary)
        else:
            about = tasks.About(name, segments[0].trusted, origin)
            parts = [self._path(unit) for unit in units]
            tables = await run(Stage.ASSEMBLE, tasks.assemble_movie, probe.movie, parts, self._folder, settings, about)
        if order.todo.replaces:
            self._folder.report.unlink(missing_ok=True)  # it shows the tables that were replaced
            if job is None or job.fingerprint != probe.fingerprint:
                self._folder.poster.unlink(missing_ok=True)
        return tables

    async def _noted(self, unit: Coroutine[Any, Any, list[str] | None]) -> None:
        """Run a unit, and pass on what it says."""
        for note in await unit or []:
            self._run.progress.note(f"{self._source.name}: {note}")
            self._run.event_log.write("note", movie=self._source.name, note=note)

    async def _video(self, order: _Order, segments: list[Segment], whole: bool) -> list[str]:
        """Make the annotated video; ``whole``: nothing of the movie is damaged or missing, so that it can be copied."""
        run, settings = self._units.run, self._run.settings_found()
        movie, timeline = order.probe.movie, self._folder.timeline
        units = units_of(segments, order.keys.video, ".mp4")
        left = self._left(units, order.earlier)
        copies = Copies()
        if left and whole and settings.copies and settings.encoder_options().allows_copies:
            copies = await run(Stage.RENDER, tasks.plan_copies, movie, timeline)
        rendering = [
            run(Stage.RENDER, tasks.render_segment, movie, unit.segment, timeline, settings, self._path(unit), copies)
            for unit in left
        ]
        await run_all([*rendering, self._begin_report(movie)])
        await run(Stage.JOIN, tasks.confirm_unchanged, self._source.path, order.probe.fingerprint)
        job = self._folder.read_job_file()
        if job is not None and job.keys.video:  # should the run die, it is not known which of both videos stands
            replace(job, keys=replace(job.keys, video="")).write(self._folder.job, self._folder.root)
        parts = [self._path(unit) for unit in units]
        remarks: list[str] = await run(Stage.JOIN, tasks.join_movie, movie, parts, self._folder, self._comment())
        return remarks

    async def _overlay(self, order: _Order) -> tuple[list[str], str]:
        await self._units.run(Stage.JOIN, tasks.confirm_unchanged, self._source.path, order.probe.fingerprint)
        job = self._folder.read_job_file()
        if job is not None and job.keys.overlay:  # as in _video
            replace(job, keys=replace(job.keys, overlay=""), no_overlay="").write(self._folder.job, self._folder.root)
        arguments = (order.probe.movie, self._folder, self._comment())
        made: tuple[list[str], str] = await self._units.run(Stage.JOIN, tasks.overlay_movie, *arguments)
        return made

    def _comment(self) -> str:
        return f"Predicted expression labels, not feelings; moodreel, model {self._run.settings.model}"

    async def _begin_report(self, movie: Movie) -> None:
        """Let what takes longest of the report be made after the segments, by workers that would be idle."""
        self._preparing = asyncio.create_task(self._prepare_report(movie))

    async def _prepare_report(self, movie: Movie) -> "Prepared | None":
        if movie.clock.pieces:
            return None  # pictures are then taken from the annotated video
        with suppress(Exception):  # the report then makes it itself, and says what is in the way
            prepared: Prepared = await self._units.run(Stage.RENDER, tasks.prepare_report, self._folder, movie)
            return prepared
        return None

    async def _report(self, result: MovieResult) -> None:
        """Write the movie's report unless it is up to date; the movie is done even if that fails."""
        if not result.fresh and self._folder.has_current_report():
            return
        prepared = await self._preparing if self._preparing else None
        try:
            await self._units.run(Stage.REPORT, tasks.report_movie, self._folder, prepared)
        except StoppedError:
            return  # the next run writes it
        except Exception as error:
            self._run.progress.note(f"{self._source.name}: report.html cannot be written: {error}")
            self._run.event_log.write("no report", movie=self._source.name, reason=str(error))
        self._folder.clear_temporary()  # of workers that died on the way

    def _left(self, units: list[Unit], earlier: Earlier) -> list[Unit]:
        """Return the units that are not committed yet, and count the others as done."""
        left = units_left(units, earlier.files)
        committed = sum(unit.segment.frames for unit in units) - sum(unit.segment.frames for unit in left)
        self._run.progress.skipped(committed)
        self._frames_before += committed
        return left

    def _path(self, unit: Unit) -> Path:
        return self._folder.root / unit.file

    def _expect(self, frames: int) -> None:
        self._run.progress.expect(frames - self._expected, self._passes)
        self._expected = frames

    def _write_plan(self, segments: list[Segment], keys: Keys) -> None:
        self._run.event_log.write("movie begun", movie=self._source.name, segments=len(segments))
        named = [(segment.name, segment.frames) for segment in segments]
        write_plan(self._folder, self._source.name, self._passes, keys, named)

    def _finished(self, order: _Order, packets: Packets, tables: AssembledMovie, remarks: list[str]) -> MovieResult:
        """Record the movie's results; from then on they stand."""
        for video, is_new in ((self._folder.video, order.todo.video), (self._folder.overlay, order.todo.overlay)):
            # Before job.json names the new tables: a video beside them must show them.
            if order.todo.replaces and (not is_new or (tables.no_overlay and video == self._folder.overlay)):
                remarks = [*self._folder.set_aside(video, keep=not self._run.force), *remarks]
        remarks = [*remarks_of(self._folder.timeline), *remarks]
        if not tables.trusted:
            remarks = ["time stamps are missing or contradict each other; frames were counted instead", *remarks]
        remarks = [*filter(None, [packets.clock.remark(), title_remark(self._source)]), *remarks]
        faults = faults_of(packets, tables)
        result = self._result("partial" if faults else "done", "; ".join(faults), tables.summary)
        job = replace(
            job_file(self._run, self._source, result, self._units.seconds),
            keys=replace(order.keys, video=order.todo.video_key, overlay=order.todo.overlay_key),
            remarks=tuple(remarks),
            fingerprint=order.probe.fingerprint,
            refused=tables.refused,
            damaged=tables.damaged,
            missing=tables.missing,
            absent=absent_of(packets, tables),
            no_overlay=tables.no_overlay,
            steps=packets.clock.steps,
            trusted=tables.trusted,
            frames_before=self._frames_before // self._passes,
        )
        job.write(self._folder.job, self._folder.root)
        self._folder.clear_units(order.keys.of_units)
        return result

    def _failed(self, reason: str, details: str = "") -> MovieResult:
        """Record a failure, but never over an earlier run's results or another program's file."""
        # What libraries said last follows on lines of its own.
        reason, _, last_words = reason.removeprefix(f"{self._source.path}: ").partition("\n")
        result = self._result("failed", reason, MovieSummary())
        job = self._folder.read_job_file()
        if (job and job.has_results) or self._folder.holds_foreign_job():
            return result
        try:
            details = "\n".join(filter(None, [last_words, details]))
            replace(job_file(self._run, self._source, result, self._units.seconds), details=details).write(
                self._folder.job
            )
        except OSError as error:
            self._run.progress.note(f"{self._source.name}: job.json cannot be written: {error}")
        return result

    def _stopped_by(self, error: DiskFullError) -> MovieResult:
        self._run.scheduler.stop()
        return MovieResult(self._source.name, "stopped", str(error))

    def _result(self, status: Status, reason: str, summary: MovieSummary) -> MovieResult:
        return MovieResult(self._source.name, status, reason, summary, time.monotonic() - self._begun)
