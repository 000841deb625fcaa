"""A clip of a moment, made when somebody asks for it: with a second either side, original or annotated, with sound."""

from threading import BoundedSemaphore
from typing import Final
from urllib.parse import quote

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest

from jobs.errors import JobError
from jobs.export.clip import Clip, write_clip
from jobs.results.errors import NotFoundError, NotReadyError, UnreadableError
from jobs.review.downloads.attachment import made
from jobs.review.query import query_number
from jobs.review.result_store import ResultStore
from pipeline.errors import PipelineError

NOTES: Final = "X-Moodreel-Notes"
"""Header with what the user should know of a clip, percent-encoded UTF-8."""

_AROUND: Final = 1.0
"""s before and after a moment."""
_LONGEST: Final = 600.0
"""s; longer ones would keep the server busy for minutes: that is what ``moodreel clip`` is for."""
_AT_ONCE: Final = 2


def make_clips(store: ResultStore) -> Blueprint:
    """Return the route that makes clips; it writes nothing into the results."""
    clips = Blueprint("clips", __name__)
    turns = BoundedSemaphore(_AT_ONCE)

    @clips.get("/api/clip/<path:name>")
    def clip(name: str) -> ResponseReturnValue:
        """Return a clip of ``from`` to ``to`` in s, with ``around`` s either side; with ``annotated=1`` with boxes."""
        index = store.index(name)
        store.facts(name)
        start, end = (query_number(word, -1) for word in ("from", "to"))
        if not 0 <= start < end or start >= index.end:
            raise BadRequest(f"expected a span within 0 and {index.end:.3f} s, found {start:g} to {end:g} s")
        around = query_number("around", _AROUND, 0, 10)
        start, end = max(start - around, index.start), min(end + around, index.end)
        if end - start > _LONGEST:
            raise BadRequest(f"a clip here has at most {_LONGEST:.0f} s, found {end - start:.0f}; use moodreel clip")
        annotated = request.args.get("annotated") == "1"
        folder = store.folder(name)
        for video in (folder.video, folder.overlay):
            if video.exists():
                store.inside(video)  # refuses what leads out of the folder
        if not turns.acquire(blocking=False):
            raise NotReadyError("other clips are being made; try again in a moment")
        done: list[Clip] = []
        kind = ".annotated" if annotated else ""
        try:
            answer = made(
                name,
                f" {start:.3f}-{end:.3f}{kind}.mp4",
                "video/mp4",
                lambda path: done.append(write_clip(folder, start, end, path, annotated)),
            )
        except PipelineError as error:
            raise UnreadableError(str(error)) from error
        except JobError as error:
            raise NotFoundError(str(error)) from error
        finally:
            turns.release()
        if done[0].notes:
            answer.headers[NOTES] = quote("; ".join(done[0].notes), errors="replace")
        return answer

    return clips
