"""Records what a session shows, in pieces of some seconds that are committed one by one: a crash costs the last."""

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import av.error
import av.video.frame

from jobs.errors import JobError
from jobs.live.analysis import Analysed
from jobs.live.clock import TIME_BASE
from jobs.live.record.piece import Rows
from jobs.live.record.recording import Recording, session_movie
from jobs.machine import available_cores
from jobs.settings import Settings
from jobs.store.atomic import commit
from jobs.store.movie_result import MovieResult
from jobs.store.workspace import Workspace
from pipeline.errors import FfmpegError
from pipeline.media.movie import Movie
from pipeline.video.render import EncoderOptions, PartWriter

PIECE_S: Final = 5.0
"""Seconds in a piece."""


class Recorder:
    """Records a session into a folder of its own in ``workspace``, which the caller holds.

    Every piece has exactly one row per frame of its video: a row is added when its frame is encoded, a piece is dropped
    when its encoder fails, and the rows are committed after the video, so that a video without rows does not count.

    A piece is closed and committed in a thread of its own, so that a slow disk does not hold up the pictures; there is
    never more than one under way. Used by one thread, but for the attributes.

    Attributes:
        seconds: recorded so far.
        remark: why the recording ended before the session, or "".
    """

    def __init__(
        self, workspace: Workspace, settings: Settings, facts: Callable[[], dict[str, Any]], piece_s: float = PIECE_S
    ) -> None:
        """Prepare a recording; nothing is written before the first picture.

        Args:
            workspace: the output folder.
            settings: how to encode the video, and whether there is one.
            facts: called once, at the first picture; see :class:`Recording`.
            piece_s: seconds in a piece.
        """
        self.seconds = 0.0
        self.remark = ""
        self._workspace = workspace
        self._settings = settings
        self._facts = facts
        self._piece_s = piece_s
        self._recording: Recording | None = None
        self._geometry: tuple[int, int] = (0, 0)
        self._piece: list[Analysed] = []
        self._writer: PartWriter | None = None
        self._number = 0
        self._first = 0
        self._committer = ThreadPoolExecutor(1, "moodreel-commit")
        self._committing: Future[None] | None = None

    def add(self, movie: Movie, analysed: Analysed, picture: av.video.frame.VideoFrame) -> None:
        """Record a picture.

        Args:
            movie: the source's geometry.
            analysed: the faces, of which the tables are made.
            picture: what was shown, yuv420p.

        Raises:
            JobError: the disk is full.
            FfmpegError: the video cannot be encoded.
        """
        if self.remark:
            return
        if self._recording is None:
            self._begin(movie, analysed)
        if (movie.width, movie.height) != self._geometry:
            self.remark = (
                f"the recording ended: its pictures are {self._geometry[0]}x{self._geometry[1]}, "
                f"the source came back with {movie.width}x{movie.height}"
            )
            self._close_piece()
            return
        if self._piece and (analysed.pts - self._piece[0].pts) * TIME_BASE >= self._piece_s:
            self._close_piece()
        if not self._piece:
            self._open_piece()
        self._encode(analysed, picture)
        self._piece.append(analysed)
        self.seconds = float((analysed.pts - self._first) * TIME_BASE)

    def finish(self) -> None:
        """Commit the open piece.

        Raises:
            JobError: the disk is full.
            FfmpegError: the video cannot be encoded.
        """
        try:
            if self._piece:
                self._close_piece()
            self._await_commit()
        finally:
            self._drop_piece()
            self._committer.shutdown()

    def make_results(self, cut_short: str = "") -> tuple[Path, MovieResult] | None:
        """Make tables and video; return their folder and what was recorded, or None if no picture was.

        ``cut_short`` says why the recording is not whole, if so.
        """
        if self._recording is None:
            return None
        result = self._recording.finish(self._workspace, cut_short or self.remark)
        return None if result is None else (self._recording.folder.root, result)

    def _begin(self, movie: Movie, analysed: Analysed) -> None:
        name = f"live-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
        self._first, self._geometry = analysed.pts, (movie.width, movie.height)
        self._recording = Recording(self._workspace.folder(name), session_movie(movie), self._facts())
        self._recording.begin()

    def _open_piece(self) -> None:
        self._workspace.require_room(0)
        if self._settings.video != "none":
            assert self._recording is not None
            video, _ = self._recording.piece(self._number)
            options = EncoderOptions(self._settings.crf, self._settings.preset, available_cores())
            self._writer = PartWriter(_open_name(video), self._recording.movie, TIME_BASE, options)

    def _encode(self, analysed: Analysed, picture: av.video.frame.VideoFrame) -> None:
        if self._writer is None:
            return
        try:
            self._writer.write(picture, analysed.pts - self._first)
        except Exception as error:
            self._drop_piece()  # nobody knows which of its frames are in the file
            if isinstance(error, av.error.FFmpegError):
                raise FfmpegError(f"the recording cannot be encoded: {error}") from error
            raise

    def _drop_piece(self) -> None:
        writer, self._piece, self._writer = self._writer, [], None
        if writer is not None:
            with suppress(av.error.FFmpegError, OSError):  # it may fail again
                writer.close()

    def _close_piece(self) -> None:
        self._await_commit()
        assert self._recording is not None
        # A recording begins at 0 on its own clock, whenever in the session it began.
        rows = Rows.of([replace(analysed, pts=analysed.pts - self._first) for analysed in self._piece])
        files = self._recording.piece(self._number)
        self._committing = self._committer.submit(_commit_piece, rows, self._writer, *files)
        self._piece, self._writer = [], None
        self._number += 1

    def _await_commit(self) -> None:
        """Wait for the piece that is being committed; raises what went wrong with it."""
        if self._committing is not None:
            self._committing.result()
            self._committing = None


def _open_name(video: Path) -> Path:
    return video.with_name(f".open-{video.name}")


def _commit_piece(rows: Rows, writer: PartWriter | None, video: Path, table: Path) -> None:
    try:
        if writer is not None:
            assert writer.frames == len(rows.pts), f"{writer.frames} frames, {len(rows.pts)} rows"
            writer.finish()
            writer.close()
            commit(video, lambda temporary: os.replace(_open_name(video), temporary), video.parent)
        commit(table, rows.save, table.parent)
    except av.error.FFmpegError as error:
        raise FfmpegError(f"{video}: cannot be encoded: {error}") from error
    except OSError as error:
        raise JobError(f"{video.parent}: the recording cannot be written: {error.strerror or error}") from error
