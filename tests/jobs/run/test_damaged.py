"""Damaged, lying, odd and hostile inputs through the whole job: a status for each, and nothing outside of OUT."""

import http.server
import json
import os
import re
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from clips import X264, Clip
from damage import ODD_NAMES, files_below, lies, seeds, write_damaged

MOODREEL = Path(sys.executable).with_name("moodreel")
ENDS = {"done", "partial", "failed"}


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return seeds(tmp_path_factory.mktemp("seeds"))


@pytest.fixture
def canary() -> Iterator[tuple[str, list[str]]]:
    """A web server that nobody may ask: its URL, and the paths that were asked for."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/canary", asked
        server.shutdown()
        thread.join()


def check_run(inputs: Path, out: Path, count: int, *options: str, seconds: int = 500) -> Counter[str]:
    """Run the command over ``inputs``, and count how movies ended."""
    before = {line for line in files_below(inputs.parent) if not line[0].startswith(str(out))}
    command = [MOODREEL, "run", inputs, "--out", out, "--device", "cpu", *options]
    done = subprocess.run(
        command,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=seconds,
        check=False,
        cwd=inputs.parent,
    )
    assert done.returncode in (0, 1), done.stderr[-3000:]
    assert "Traceback" not in done.stderr, done.stderr[-3000:]
    after = {line for line in files_below(inputs.parent) if not line[0].startswith(str(out))}
    assert before == after, "something outside of the output folder was changed"
    jobs = [json.loads(path.read_text()) for path in out.rglob("job.json")]
    assert len(jobs) == count
    assert {job["status"] for job in jobs} <= ENDS
    for job in jobs:
        assert job["status"] == "done" or job["reason"], job["movie"]
        assert not re.search(r"Traceback|^\w+Error: ", job["reason"] + job.get("details", "")), job
        if job["status"] != "failed":
            assert job["summary"]["frames"] > 0
    assert not [path for path in out.rglob("*") if path.name.startswith(".tmp-")]
    return Counter(job["status"] for job in jobs)


def test_headers_that_lie_and_odd_names(films: dict[str, bytes], tmp_path: Path) -> None:
    inputs = tmp_path / "films"
    inputs.mkdir()
    for name, data in lies(films).items():
        (inputs / name).write_bytes(data)
    (inputs / "odd").mkdir()
    for name in ODD_NAMES:
        (inputs / "odd" / name).write_bytes(films["mp4"])
    os.mkfifo(inputs / "pipe.mp4")
    count = len(lies(films)) + len(ODD_NAMES) + 1
    ends = check_run(inputs, tmp_path / "out", count)
    assert ends["done"] >= len(ODD_NAMES)
    pipe = json.loads((tmp_path / "out" / "pipe.mp4" / "job.json").read_text())
    assert "found a pipe" in pipe["reason"]


@pytest.mark.slow
def test_1160_damaged_files(films: dict[str, bytes], tmp_path: Path) -> None:
    count = write_damaged(tmp_path / "films", films)
    ends = check_run(tmp_path / "films", tmp_path / "out", count, seconds=7200)
    print(ends)
    assert ends["done"] > 0
    assert ends["partial"] > 0
    assert ends["failed"] > 0


def test_some_damaged_files(films: dict[str, bytes], tmp_path: Path, run_here) -> None:
    for part in (slice(0, 13), slice(1000, 1006), slice(1100, 1106)):
        write_damaged(tmp_path / "films", films, part)
    results = run_here(tmp_path / "films", out=tmp_path / "out")
    assert len(results) == 25
    assert {result.status for result in results.values()} <= ENDS
    assert not [result.reason for result in results.values() if re.match(r"\w+Error: ", result.reason)]


def test_no_file_makes_ffmpeg_ask_the_network_or_a_shell(run_here, tmp_path: Path, canary) -> None:
    url, asked = canary
    inputs = tmp_path / "films"
    inputs.mkdir()
    head = "#EXTM3U\n#EXT-X-TARGETDURATION:5\n"
    end = "#EXT-X-ENDLIST\n"
    port = url.split(":")[2].split("/")[0]
    address = "c=IN IP4 127.0.0.1"
    stream = f"m=video {port} RTP/AVP 96\na=rtpmap:96 H264/90000\n"
    dash = f"""<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"
        mediaPresentationDuration="PT5S"><Period><AdaptationSet mimeType="video/mp4"><Representation id="1"
        bandwidth="1"><BaseURL>{url}.mp4</BaseURL></Representation></AdaptationSet></Period></MPD>"""
    texts = {
        "a.m3u8": f"{head}#EXTINF:5,\n{url}.ts\n{end}",
        "a.mp4": f"{head}#EXTINF:5,\n{url}.ts\n{end}",
        "key.m3u8": f'{head}#EXT-X-KEY:METHOD=AES-128,URI="{url}.key"\n#EXTINF:5,\na.ts\n{end}',
        "map.m3u8": f'{head}#EXT-X-MAP:URI="{url}.mp4"\n#EXTINF:5,\na.ts\n{end}',
        "master.m3u8": f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{url}.m3u8\n",
        "b.ffconcat": f"ffconcat version 1.0\nfile '{url}.mp4'\n",
        "c.mpd": dash,
        "d.sdp": f"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\n{address}\nt=0 0\n{stream}",
        "e.avs": f'DirectShowSource("{url}")\n',
        "f.ram": f"{url}\n",
        "g.asx": f'<asx><entry><ref href="{url}"/></entry></asx>',
    }
    for name, text in texts.items():
        (inputs / name).write_text(text)
    film = Clip(".mp4", range(5), options=X264).write(inputs / "$(touch owned); touch owned #")
    film.rename(inputs / "`touch owned`|touch owned&.mp4")
    here = Path.cwd()
    os.chdir(tmp_path)
    try:
        results = run_here(inputs, out=tmp_path / "out")
    finally:
        os.chdir(here)
    assert asked == []
    assert not list(tmp_path.rglob("owned"))
    assert [result.status for result in results.values() if "touch" in result.name] == ["done"]
    assert not any(result.ok for result in results.values() if "touch" not in result.name)


def test_a_file_that_grows_is_not_taken_for_whole(tmp_path: Path, run_here, monkeypatch: pytest.MonkeyPatch) -> None:
    film = Clip(".ts", range(30), options=X264).write(tmp_path / "film")
    data = film.read_bytes()
    film.write_bytes(data[: len(data) // 2])
    from jobs.run import tasks

    analyze = tasks.analyze_segment

    def grow(*arguments: object) -> None:
        film.write_bytes(data)
        analyze(*arguments)

    grow.__name__ = "analyze_segment"
    monkeypatch.setattr(tasks, "analyze_segment", grow)
    result = run_here(film, out=tmp_path / "out")[film.name]
    assert (result.status, "changed while being processed" in result.reason) == ("failed", True)
    monkeypatch.setattr(tasks, "analyze_segment", analyze)
    assert run_here(film, out=tmp_path / "out")[film.name].status == "done"
