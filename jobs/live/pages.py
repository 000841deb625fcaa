"""The live page: the picture, what is on it now, and how it was in the last minute."""

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
"""The rest is for pages and events, which take milliseconds."""

WAITRESS: Final[dict[str, Any]] = {
    # A write waits until the picture before it is on its way. With waitress's 16 MB a slow viewer would be 400 pictures
    # behind, and get every one of them.
    "outbuf_high_watermark": 1,
    # The request that is being answered leaves room for one more, so that waitress goes on listening to the connection
    # and notices when a viewer goes away.
    "channel_request_lookahead": 1,
    "connection_limit": 1000,
}

_BOUNDARY: Final = b"frame"
_AGAIN_S: Final = 2.0
"""Seconds after which the last picture is sent again: only whoever writes notices that a viewer is gone."""


class Seats:
    """Counts viewers, up to a number of them."""

    def __init__(self, most: int) -> None:
        self._lock = threading.Lock()
        self._most = most
        self.taken = 0

    def take(self) -> bool:
        """Take a seat, if one is free."""
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
    """Return the application that shows a session."""
    app = make_app(__package__ or "jobs.live", address)
    seats = Seats(MOST_VIEWERS)

    @app.get("/")
    def page() -> ResponseReturnValue:
        return render_template("live/live.html", label=engine.source.label, records=recorder is not None)

    @app.get("/video_feed")
    def video_feed() -> ResponseReturnValue:
        if not seats.take():
            raise ServiceUnavailable(f"{MOST_VIEWERS} viewers watch already; /frame.jpg has single pictures")
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
        return jsonify(_told(engine, recorder, seats.taken, after))

    return app


def _parts(engine: Engine) -> Iterator[bytes]:
    """Yield pictures as they come, the newest each time: a viewer that is slow to read skips those between."""
    number, view = engine.views.newest()
    # The boundary follows each picture at once: browsers show a picture when they see that it has ended.
    yield b"--" + _BOUNDARY + b"\r\n" + _part(view)
    while not engine.views.closed:
        number, view = engine.views.wait_for_newer(number, _AGAIN_S)
        yield _part(view)


def _part(view: View) -> bytes:
    head = f"Content-Type: image/jpeg\r\nContent-Length: {len(view.jpeg)}\r\n\r\n".encode()
    return head + view.jpeg + b"\r\n--" + _BOUNDARY + b"\r\n"


def _told(engine: Engine, recorder: Recorder | None, viewers: int, after: int) -> dict[str, Any]:
    """Return what the page shows beside the picture; of the last minute, what comes behind step ``after``."""
    number, view = engine.views.newest()
    state = engine.board.state
    source_rate, _ = engine.board.captured.read()
    rate, delay = engine.board.published.read()
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
    """Return what is shown before the first picture: a dark one."""
    done, data = cv2.imencode(".jpg", np.full((height, width, 3), 27, np.uint8))
    assert done, "OpenCV cannot encode a JPEG"
    return bytes(data)
