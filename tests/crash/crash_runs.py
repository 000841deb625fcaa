"""How runs are started that something will happen to, and what they must leave in the end."""

import hashlib
import sys
from pathlib import Path

import av
import pyarrow.parquet as pq

MOODREEL = Path(sys.executable).with_name("moodreel")
OPTIONS = ["--segment", "2", "--workers", "2", "--preset", "ultrafast"]
TABLES = ("timeline", "tracks", "shots", "scenes", "arc", "people", "scene_people", "relative")
ROWS = TABLES[:5]
"""Tables that have a row whatever a film shows; the others are of persons."""


def command(films: Path, out: Path) -> list[str]:
    return [str(MOODREEL), "run", str(films), "--out", str(out), *OPTIONS]


def results(out: Path) -> dict[str, str]:
    """Return a digest of every table's bytes and of every annotated video's decoded frames."""
    found = {}
    for job in out.rglob("job.json"):
        folder = job.parent
        name = folder.relative_to(out).as_posix()
        for table in TABLES:
            rows = pq.read_table(folder / f"{table}.parquet").num_rows
            assert rows or table not in ROWS
            found[f"{name}/{table}"] = hashlib.sha256((folder / f"{table}.parquet").read_bytes()).hexdigest()
        assert (folder / "report.html").stat().st_size
        found[f"{name}/video"] = frames_digest(folder / "annotated.mp4")
        left = [path for path in folder.rglob("*") if ".tmp-" in path.name or ".work" in path.parts]
        assert left == []
    return found


def frames_digest(video: Path) -> str:
    digest = hashlib.sha256()
    with av.open(str(video)) as container:
        for frame in container.decode(video=0):
            digest.update(str(frame.pts).encode())
            for plane in frame.planes:
                digest.update(bytes(plane))
    return digest.hexdigest()
