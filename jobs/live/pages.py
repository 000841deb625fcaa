"""The live page: the picture, the faces on it, and the last minute."""

import threading
from collections.abc import Iterator
from typing import Any, Final

import cv2
import numpy as np
from flask import Flask, Response, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import ServiceUnavailable

from jobs.live.analysis import Analysed
from jobs.live.engine import Engine, View
from jobs.live.history import SECONDS, STEP_S
from jobs.live.record.recorder import Recorder
from jobs.web.address import Address
from jobs.web.app import make_app

MOST_VIEWERS: Final = 48
"""Each holds a thread of the server for as long as it watches."""

THREADS: Final = MOST_VIEWERS + 8
"""The others answer pages and events, which takes milliseconds."""

WAITRESS: Final[dict[str, Any]] = {
    # A write waits until the previous picture is sent. With waitress's 16 MB a slow viewer would be 400 pictures late,
    # and get every one of them.
    "outbuf_high_watermark": 1,
    # With room for one more request, waitress listens to the connection while it answers, and so notices that a viewer
    # has left.
    "channel_request_lookahead": 1,
    "connection_limit": 1000,
}

_BOUNDARY: Final = b"frame"
_AGAIN_S: Final = 2.0
"""Seconds after which the last picture is sent again: only a write shows that a viewer has left."""


class Seats:
    """Counts viewers, up to a maximum."""

    def __init__(self, most: int) -> None:
        self._lock = threading.Lock()
        self._most = most
        self.taken = 0

    def take(self) -> bool:
        """Take a seat; return whether one was free."""
        with self._lock:
            if self.taken >= self._most:
                return False
            self.taken += 1
            return True

    def leave(self) -> None:
        """Give a seat back."""
        with self._lock:
            self.taken -= 1


def make_live(engine: Engine, recorder: Recorder | None, address: Address) -> Flask:
    """Return the application that shows a session.

    Args:
        engine: runs the session.
        recorder: keeps it, if it is kept.
        address: where the application is served.
    """
    app = make_app(__package__ or "jobs.live", address)
    seats = Seats(MOST_VIEWERS)

    @app.get("/")
    def page() -> ResponseReturnValue:
        return render_template("live/live.html", label=engine.source.label, records=recorder is not None)

    @app.get("/video_feed")
    def video_feed() -> ResponseReturnValue:
        if not seats.take():
            raise ServiceUnavailable(f"{MOST_VIEWERS} viewers are watching already; /frame.jpg has single pictures")
        response = Response(_parts(engine), mimetype=f"multipart/x-mixed-replace; boundary={_BOUNDARY.decode()}")
        response.headers["Cache-Control"] = "no-store"
        response.call_on_close(seats.leave)
        return response

    @app.get("/frame.jpg")
    def frame() -> ResponseReturnValue:
        response = Response(engine.views.newest()[1].jpeg, mimetype="image/jpeg")
        response.headers["Cache-Control"] = "no-store"
        return response

    @app.get("/events")
    def events() -> ResponseReturnValue:
        after = request.args.get("after", default=-1, type=int)
        return jsonify(_status_json(engine, recorder, seats.taken, after))

    return app


def _parts(engine: Engine) -> Iterator[bytes]:
    """Yield the newest picture again and again, as a part of the multipart stream; a slow viewer skips some."""
    number, view = engine.views.newest()
    # The boundary follows each picture at once, since a browser shows a picture when it has ended.
    yield b"--" + _BOUNDARY + b"\r\n" + _part(view)
    while not engine.views.closed:
        number, view = engine.views.wait_for_newer(number, _AGAIN_S)
        yield _part(view)


def _part(view: View) -> bytes:
    head = f"Content-Type: image/jpeg\r\nContent-Length: {len(view.jpeg)}\r\n\r\n".encode()
    return head + view.jpeg + b"\r\n--" + _BOUNDARY + b"\r\n"


def _status_json(engine: Engine, recorder: Recorder | None, viewers: int, after: int) -> dict[str, Any]:
    """Return what the page shows beside the picture; of the last minute, the steps after ``after``."""
    number, view = engine.views.newest()
    state = engine.status.state
    source_rate, _ = engine.status.captured.read()
    rate, delay = engine.status.published.read()
    recording = None if recorder is None else {"seconds": round(recorder.seconds, 1), "remark": recorder.remark}
    return {
        "number": number,
        "state": state.name,
        "detail": state.detail,
        "source_rate": round(source_rate, 1),
        "rate": round(rate, 1),
        "delay_ms": round(1000 * delay),
        "skipped": engine.skipped,
        "viewers": viewers,
        "recording": recording,
        "faces": [] if view.analysed is None else _faces(view.analysed),
        "history": {
            "seconds": SECONDS,
            "step": STEP_S,
            "points": [[point.number, point.mean] for point in engine.history.after(after)],
        },
    }


def _faces(analysed: Analysed) -> list[dict[str, Any]]:
    rows = zip(analysed.labelled(), analysed.faces.smoothed, strict=True)
    return [
        {
            "track": face.track,
            "emotion": face.emotion,
            "confidence": round(face.confidence, 4),
            "probabilities": [round(float(p), 4) for p in smoothed],
        }
        for face, smoothed in rows
    ]


def blank_jpeg(width: int = 640, height: int = 360) -> bytes:
    """Return the dark picture, a JPEG, that is shown before the first one."""
    done, data = cv2.imencode(".jpg", np.full((height, width, 3), 27, np.uint8))
    assert done, "OpenCV cannot encode a JPEG"
    return bytes(data)
