"""Where the time of a run goes: core-milliseconds a frame of each stage, in one process with one thread.

python tests/benchmarks/stages.py FILM
"""

import json
import os
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
_BEGUN = time.process_time()

import cv2

from jobs.settings import Settings
from jobs.store.table_files import write_table
from models.inference.load import load_classifier
from models.inference.onnx_embedder import OnnxEmbedder
from models.model_file import find_model
from pipeline import analyze as analyzing
from pipeline.faces.detectors import make_detector
from pipeline.media.movie import open_movie
from pipeline.media.segments import cut, read_packets
from pipeline.scenes.looks import FrameLooks
from pipeline.scenes.shots import ChangeScorer
from pipeline.tables.timeline import assemble
from pipeline.video import render as rendering
from pipeline.video.copies import plan_copies


class Watch:
    """Adds up the CPU time that functions take, by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)

    def timed(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return ``function``, watched."""

        def run(*arguments: Any, **options: Any) -> Any:
            begun = time.process_time()
            try:
                return function(*arguments, **options)
            finally:
                self.seconds[stage] += time.process_time() - begun

        return run

    def put_on(self, owner: ModuleType | type, name: str, stage: str) -> None:
        """Watch a function of a module, or a method of a class."""
        setattr(owner, name, self.timed(stage, getattr(owner, name)))

    def put_on_iterator(self, owner: ModuleType, name: str, stage: str) -> None:
        """Watch what a generator function takes to yield."""
        function = getattr(owner, name)

        def run(*arguments: Any, **options: Any) -> Iterator[Any]:
            take = self.timed(stage, iter(function(*arguments, **options)).__next__)
            while True:
                try:
                    item = take()
                except StopIteration:
                    return
                yield item

        setattr(owner, name, run)


def measure(film: Path) -> tuple[dict[str, float], int]:
    """Return ms a frame by stage, and the number of frames."""
    watch = Watch()
    cv2.setNumThreads(1)
    settings = Settings()
    detector = make_detector(settings.detector)
    classifier = load_classifier(find_model(settings.model), "cpu", 1)
    watch.seconds["start-up"] = time.process_time() - _BEGUN
    detector.detect = watch.timed("detect", detector.detect)  # type: ignore[method-assign]
    classifier.predict = watch.timed("classify", classifier.predict)  # type: ignore[method-assign]
    watch.put_on_iterator(analyzing, "frames_of", "decode to analyze")
    watch.put_on(analyzing.Scaler, "upright_bgr", "scale")
    watch.put_on(analyzing.Scaler, "thumbnail", "scale")
    watch.put_on(analyzing, "cut_crops", "crop")
    watch.put_on(ChangeScorer, "score", "cuts")
    watch.put_on(FrameLooks, "add", "cuts")
    watch.put_on(OnnxEmbedder, "embed", "persons")
    watch.put_on_iterator(rendering, "frames_of", "decode to draw")
    watch.put_on(rendering, "draw_faces", "draw")
    watch.put_on(rendering.Planes, "of_frame", "draw")
    watch.put_on(rendering.Upright, "yuv420p", "draw")
    watch.put_on(rendering.PartWriter, "write", "encode")
    watch.put_on(rendering.PartWriter, "finish", "encode")
    watch.put_on(rendering, "write_copy", "copy")
    watch.put_on(rendering, "join", "copy")
    begun = time.process_time()
    movie = open_movie(film)
    segments = cut(movie, watch.timed("scan", read_packets)(movie), settings.segment)
    tracking = settings.track_options()
    embedder = OnnxEmbedder(threads=1)
    analysis = analyzing.Analysis(detector, classifier, settings.detect_every, tracking, embedder)
    parts = [analyzing.analyze(movie, segment, analysis) for segment in segments]
    frames = sum(len(part.pts) for part in parts)
    with tempfile.TemporaryDirectory() as folder:
        timeline = Path(folder) / "timeline.parquet"
        tables = watch.timed("tables", assemble)(film.name, movie, parts, tracking, {})
        watch.timed("tables", write_table)(tables.timeline, timeline)
        copies = watch.timed("copy", plan_copies)(movie, timeline)
        for segment in segments:
            part = Path(folder) / "part.mp4"
            rendering.render(movie, segment, timeline, part, rendering.EncoderOptions(), copies=copies)
    rest = time.process_time() - begun + watch.seconds["start-up"] - sum(watch.seconds.values())
    stages = {stage: 1000 * seconds / frames for stage, seconds in watch.seconds.items()}
    return stages | {"rest": 1000 * rest / frames}, frames


if __name__ == "__main__":
    found, count = measure(Path(sys.argv[1]))
    print(json.dumps({"frames": count, "stages": found}))
