"""Nothing outside of the folder is served, whatever a URL or a link in the folder says."""

import http.client
import json
import os
import threading
from pathlib import Path

import pytest
from made_up import make_up

from jobs.review.app import make_review
from jobs.web.address import Address
from jobs.web.server import Server

SECRET = b"the secret"
ROUTES = (
    "/movie/{}",
    "/video/annotated/{}",
    "/video/original/{}",
    "/still/poster/{}",
    "/still/scene/0/{}",
    "/still/face/0/{}",
    "/still/frame/{}",
    "/csv/intervals/{}",
    "/csv/frames/{}",
    "/api/movie/{}",
    "/api/shares/{}",
    "/api/lanes/{}",
    "/api/frames/{}",
    "/api/scenes/{}",
    "/api/faces/{}",
    "/api/intervals/{}",
    "/api/next/{}",
    "/static/{}",
    "/web/{}",
)
ESCAPES = (
    "../outside",
    "../outside/annotated.mp4",
    "..%2foutside",
    "%2e%2e/outside",
    "%2e%2e%2foutside%2fannotated.mp4",
    "..%252foutside",
    "film.mp4/../../outside",
    "film.mp4/..%2f..%2foutside",
    "..\\outside",
    "%5c..%5coutside",
    "/etc/passwd",
    "%2fetc%2fpasswd",
    "//etc/passwd",
    "film.mp4/%00",
    "link",
    "file:///etc/passwd",
    ".",
    "film.mp4/.",
)


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory):
    """A server over a folder with one movie; beside the folder are results that it must not show."""
    root = tmp_path_factory.mktemp("safety")
    out = root / "outputs"
    make_up(out, frames=60, name="film.mp4")
    outside = make_up(root, frames=60, name="outside")
    outside.video.write_bytes(SECRET)
    (root / "secret.txt").write_bytes(SECRET)
    (out / "link").symlink_to(outside.root)
    address = Address("127.0.0.1", 0, None)
    server = Server(make_review(out, address), address)
    thread = threading.Thread(target=server.run)
    thread.start()
    yield int(server.url.split(":")[2].strip("/"))
    server.close()
    thread.join(10)


def get(port: int, target: str) -> tuple[int, bytes]:
    """Request ``target`` as it is; clients that normalize paths would hide what is tried here."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.putrequest("GET", target, skip_accept_encoding=True)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_the_movie_in_the_folder_is_served(port):
    assert get(port, "/api/movie/film.mp4")[0] == 200


@pytest.mark.parametrize("escape", ESCAPES)
def test_no_url_leads_out(port, escape):
    for route in ROUTES:
        status, content = get(port, route.format(escape))
        if 300 <= status < 400:
            continue  # to the normalized path, which leads nowhere either: it is in the list
        assert status in (400, 404), (route, status)
        assert SECRET not in content
        assert b"root:" not in content
        assert b"Traceback" not in content


@pytest.mark.parametrize("name", ["annotated.mp4", "poster.jpg", "timeline.parquet", "scenes.parquet"])
def test_a_file_that_is_a_link_out_of_the_folder_is_not_served(client_of, tmp_path, name):
    folder = make_up(tmp_path / "outputs", frames=60, name="film.mp4")
    outside = tmp_path / name
    outside.write_bytes(SECRET)
    (folder.root / name).unlink(missing_ok=True)
    (folder.root / name).symlink_to(outside)
    client = client_of(tmp_path / "outputs")
    for route in ROUTES[:-2]:
        with client.get(route.format("film.mp4")) as answer:
            assert SECRET not in answer.data
    refused = {
        "annotated.mp4": "/video/annotated/",
        "poster.jpg": "/still/poster/",
        "timeline.parquet": "/csv/frames/",
    }
    assert client.get(refused.get(name, "/api/scenes/") + "film.mp4").status_code == 404


def test_a_link_within_the_folder_may_be_followed(client_of, tmp_path):
    folder = make_up(tmp_path / "outputs", frames=60, name="film.mp4")
    (tmp_path / "outputs" / "other name").symlink_to(folder.root)
    assert client_of(tmp_path / "outputs").get("/api/movie/other%20name").status_code == 200


def test_an_original_must_be_what_the_results_were_made_from(client_of, own_demo):
    job_file = own_demo / "sample.mp4" / "job.json"
    client = client_of(own_demo)
    with client.get("/video/original/sample.mp4", headers={"Range": "bytes=0-99"}) as answer:
        assert answer.status_code == 206
    job = json.loads(job_file.read_text())
    secret = own_demo.parent / "secret.txt"
    secret.write_bytes(SECRET)
    job_file.write_text(json.dumps(job | {"source": str(secret)}))
    answer = client.get("/video/original/sample.mp4")
    assert answer.status_code == 404
    assert SECRET not in answer.data
    assert b"has changed since" in answer.data


def test_an_original_that_has_changed_is_not_served(client_of, own_demo):
    job_file = own_demo / "sample.mp4" / "job.json"
    job = json.loads(job_file.read_text())
    source = own_demo / "copy.mp4"
    source.write_bytes(Path(job["source"]).read_bytes())
    stat = os.stat(job["source"])
    os.utime(source, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    job_file.write_text(json.dumps(job | {"source": str(source)}))
    client = client_of(own_demo)
    with client.get("/video/original/sample.mp4", headers={"Range": "bytes=0-9"}) as answer:
        assert answer.status_code == 206
    with source.open("ab") as file:
        file.write(b"more")
    assert client.get("/video/original/sample.mp4").status_code == 404


def test_nothing_is_written(client_of, own_demo):
    def state() -> dict[str, int]:
        return {str(path): path.stat().st_mtime_ns for path in own_demo.rglob("*")}

    before = state()
    client = client_of(own_demo)
    for route in ("/", "/rows", *ROUTES[:-2]):
        with client.get(route.format("sample.mp4")) as answer:
            assert answer.status_code in (200, 400), route
    assert state() == before
