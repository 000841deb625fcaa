"""Download menus and clips: what they hold, how it is named, what is said where there is none; OUT stays as it is."""

import html
import io
import json
import re
import zipfile
from urllib.parse import unquote

import av
import cv2
import numpy as np
import pandas as pd
import pytest
from browser import Visit, chromium
from clips import ffmpeg
from made_up import make_up
from playwright.sync_api import expect

from jobs.export.formats import find_format, format_names, holds_a_table
from jobs.export.options import TABLES, Options
from jobs.export.result import read_result
from jobs.review.app import make_review
from jobs.review.downloads.attachment import file_name
from jobs.store.workspace import MovieFolder
from jobs.web.address import Address

HOSTILE = 'a "b"\r\nX-Evil: 1; ü 映画\u202egpj.mp4'


def tree(folder):
    return {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in sorted(folder.rglob("*"))}


@pytest.fixture
def client(client_of, demo):
    return client_of(demo / "outputs")


@pytest.mark.parametrize("kind", [name for name in format_names() if name != "eaf"])
def test_a_download_is_what_export_writes(client, demo, tmp_path, kind):
    out = demo / "outputs"
    before = tree(out)
    for table in TABLES if holds_a_table(kind) else ("moments",):
        answer = client.get(f"/export/{kind}/sample.mp4?table={table}")
        find_format(kind).write(read_result(MovieFolder(out / "sample.mp4")), tmp_path / "file", Options(table=table))
        assert answer.data == (tmp_path / "file").read_bytes() != b""
        assert answer.content_length == len(answer.data)
        table_ending = f".{table}" if holds_a_table(kind) else ""
        name = f"sample.mp4{table_ending}{find_format(kind).SUFFIX}"
        assert answer.headers["Content-Disposition"] == f"attachment; filename={name}"
    assert tree(out) == before


def test_every_entry_of_the_menus_leads_somewhere(client):
    for page in ("/", "/movie/sample.mp4"):
        links = [html.unescape(link) for link in re.findall(r'href="(/exports?/[^"]+)"', client.get(page).text)]
        assert len(set(links)) == 3 * len(TABLES) + len(format_names()) - 3
        assert {client.get(link).status_code for link in links} == {200}


def test_a_file_for_excel_has_the_marks_of_the_readers_country(client):
    for mark, separator in ((".", ","), (",", ";")):
        data = client.get(f"/export/csv/sample.mp4?table=scenes&excel={mark}").data
        assert data.startswith(b"\xef\xbb\xbfmovie" + separator.encode())
        found = pd.read_csv(io.BytesIO(data), sep=separator, decimal=mark)
        pd.testing.assert_frame_equal(
            found, pd.read_csv(io.StringIO(client.get("/export/csv/sample.mp4?table=scenes").text))
        )
    assert client.get("/export/csv/sample.mp4?excel=x").status_code == 400


def test_elan_finds_the_film_beside_the_document(client):
    text = client.get("/export/eaf/sample.mp4").text
    assert 'RELATIVE_MEDIA_URL="./sample.mp4"' in text
    assert 'RELATIVE_MEDIA_URL="./annotated.mp4"' in text


def test_corrections_are_applied(tmp_path):
    make_up(tmp_path, frames=300, name="film.mp4")
    visitor = make_review(tmp_path, Address("localhost", 80, None), "ann").test_client()
    visitor.environ_base["HTTP_HOST"] = "localhost"
    before = visitor.get("/export/csv/film.mp4").text
    body = {"kind": "label", "faces": [0], "frame": 0, "text": "disgust", "moment": False, "revision": 0}
    assert visitor.post("/api/corrections/film.mp4", json=body, headers={"X-Moodreel": "1"}).status_code == 200
    after = visitor.get("/export/csv/film.mp4").text
    labels = {line.split(",")[6] for line in after.splitlines() if line.split(",")[1] == "0"}
    assert (after != before, labels) == (True, {"disgust"})


def test_names_of_files_are_safe(client_of, tmp_path):
    make_up(tmp_path, frames=60, name=HOSTILE)
    answers = [
        client_of(tmp_path).get("/export/srt/" + HOSTILE.replace("\r", "%0D").replace("\n", "%0A")),
        client_of(tmp_path).get("/csv/frames/" + HOSTILE.replace("\r", "%0D").replace("\n", "%0A")),
    ]
    for answer in answers:
        assert answer.status_code == 200
        assert "X-Evil" not in answer.headers
        shown = unquote(answer.headers["Content-Disposition"])
        assert "a _b___X-Evil_ 1; ü 映画_gpj.mp4" in shown
    assert file_name("../..", ".srt") == "movie.srt"
    assert file_name("a/\udcff\0.mp4", ".srt") == "__.mp4.srt"
    assert len(file_name("ü" * 300, ".srt").encode()) < 200


def test_all_films_in_a_zip_file_that_names_those_left_out(client_of, tmp_path):
    for name in ("part/a.mp4", "b.mp4", "bad.mp4"):
        make_up(tmp_path, frames=60, name=name)
    (tmp_path / "bad.mp4" / "timeline.parquet").write_bytes(b"none of ours")
    pack = {}
    for kind in ("csv", "srt"):
        answer = client_of(tmp_path).get(f"/exports/{kind}")
        assert answer.mimetype == "application/zip"
        with zipfile.ZipFile(io.BytesIO(answer.data)) as held:
            pack[kind] = {name: held.read(name).decode() for name in held.namelist()}
    assert sorted(pack["csv"]) == ["left-out.txt", "moments.csv"]
    assert {line.split(",")[0] for line in pack["csv"]["moments.csv"].splitlines()[1:]} == {"part/a.mp4", "b.mp4"}
    assert sorted(pack["srt"]) == ["b.mp4.srt", "left-out.txt", "part/a.mp4.srt"]
    assert pack["srt"]["left-out.txt"].startswith("bad.mp4: ")
    assert client_of(tmp_path).get("/export/csv/bad.mp4").status_code == 422


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/export/doc/sample.mp4", 404, "expected one of arc, ass, csv"),
        ("/export/csv/none.mp4", 404, "none.mp4 is missing"),
        ("/export/csv/sample.mp4?table=x", 400, "expected one of moments"),
        ("/exports/doc", 404, "expected one of arc, ass, csv"),
        ("/api/clip/sample.mp4", 400, "expected a span within"),
        ("/api/clip/sample.mp4?from=900&to=901", 400, "expected a span within"),
        ("/api/clip/sample.mp4?from=3&to=2", 400, "expected a span within"),
        ("/api/clip/sample.mp4?from=nan&to=2", 400, "expected a number"),
        ("/api/clip/none.mp4?from=1&to=2", 404, "none.mp4 is missing"),
    ],
)
def test_what_is_no_download_is_said(client, path, status, words):
    answer = client.get(path)
    assert (answer.status_code, words in answer.text) == (status, True), answer.text


def test_only_reading_and_only_with_the_token(demo):
    visitor = make_review(demo / "outputs", Address("localhost", 80, "secret words")).test_client()
    visitor.environ_base["HTTP_HOST"] = "localhost"
    for path in ("/export/csv/sample.mp4", "/exports/csv", "/api/clip/sample.mp4?from=1&to=2"):
        assert visitor.get(path).status_code == 401
        assert visitor.post(path, headers={"X-Moodreel": "1"}).status_code in (401, 405)


def test_a_table_that_leads_out_of_the_folder_is_refused(client_of, tmp_path):
    out = tmp_path / "out"
    make_up(out, frames=60, name="film.mp4")
    tracks = out / "film.mp4" / "tracks.parquet"
    tracks.rename(tmp_path / "tracks.parquet")
    tracks.symlink_to(tmp_path / "tracks.parquet")
    assert client_of(out).get("/export/csv/film.mp4").status_code == 404


def frames_of(content):
    with av.open(io.BytesIO(content)) as container:
        assert len(container.streams.video) == 1
        return [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]


def test_a_clip_has_a_second_either_side_and_begins_with_the_frame_named(client, demo):
    out = demo / "outputs"
    before = tree(out)
    chunk = client.get("/api/frames/sample.mp4?time=3").json
    answer = client.get("/api/clip/sample.mp4?from=4&to=4.5")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="sample.mp4 3.000-5.500.mp4"'
    assert "X-Moodreel-Notes" not in answer.headers
    found = frames_of(answer.data)
    capture = cv2.VideoCapture(str(out / "sample" / "sample.mp4"))
    pictures = [capture.read()[1] for _ in range(336)]
    errors = [np.abs(found[0].astype(int) - picture).mean() for picture in pictures]
    assert np.argmin(errors) == chunk["first"] + np.searchsorted(chunk["times"], 3, "right") - 1
    annotated = frames_of(client.get("/api/clip/sample.mp4?from=4&to=4.5&annotated=1").data)
    assert len(annotated) == len(found)
    assert np.abs(annotated[30].astype(int) - found[30]).max() > 60  # boxes
    assert tree(out) == before


def without_source(out):
    path = out / "sample.mp4" / "job.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"source": str(out / "gone.mp4")}))


def test_where_the_source_is_gone_another_video_is_taken_and_that_is_said(client_of, own_demo, demo):
    without_source(own_demo)
    folder, client = MovieFolder(own_demo / "sample.mp4"), client_of(own_demo)
    answer = client.get("/api/clip/sample.mp4?from=1&to=2")
    assert "no longer exists; the clip is from the annotated video" in unquote(answer.headers["X-Moodreel-Notes"])
    assert frames_of(answer.data)
    ffmpeg("-i", demo / "outputs" / "sample" / "sample.mp4", "-c", "copy", folder.overlay)
    folder.video.unlink()
    answer = client.get("/api/clip/sample.mp4?from=1&to=2")
    assert "the clip is from its copy, annotated.mkv" in unquote(answer.headers["X-Moodreel-Notes"])
    assert frames_of(answer.data)
    answer = client.get("/api/clip/sample.mp4?from=1&to=2&annotated=1")
    assert answer.status_code == 404
    assert "found only annotated.mkv, the movie with its labels as subtitles" in answer.json["message"]
    folder.overlay.unlink()
    answer = client.get("/api/clip/sample.mp4?from=1&to=2")
    assert answer.status_code == 404
    assert "nothing to take a clip from" in answer.json["message"]


def test_clips_and_the_menu_in_a_browser(serve, own_demo, tmp_path):
    url = serve(own_demo)
    with chromium() as browser, Visit(browser, 390, 844) as visit:
        page = visit.page
        page.goto(f"{url}movie/sample.mp4")
        clip = page.locator("#intervals .clip").first
        with page.expect_download() as download:
            clip.click()
        assert download.value.suggested_filename.startswith("sample.mp4 ")
        download.value.save_as(tmp_path / "clip.mp4")
        assert frames_of((tmp_path / "clip.mp4").read_bytes())
        expect(page.locator("#announcement")).to_have_text("Saved.")
        page.locator(".download summary").click()
        assert visit.overflow() == 0
        assert visit.barriers() == []
        with page.expect_download() as download:
            page.get_by_role("link", name="eaf").click()
        assert download.value.suggested_filename == "sample.mp4.eaf"
        for video in (own_demo / "sample.mp4").glob("annotated.*"):
            video.unlink()
        without_source(own_demo)
        clip.click()
        expect(page.locator("#announcement")).to_contain_text("nothing to take a clip from")


def test_the_menus_stay_within_the_window(serve, tmp_path):
    name = "a film with a title of the length that titles may well have.mp4"
    make_up(tmp_path, frames=300, name=name)
    url = serve(tmp_path)
    with chromium() as browser, Visit(browser) as visit:
        for place in (url, f"{url}movie/{name}"):
            for width in (1440, 1000, 780, 390):
                visit.page.set_viewport_size({"width": width, "height": 844})
                visit.page.goto(place)
                visit.page.locator(".download summary").click()
                box = visit.page.locator(".download > .card").bounding_box()
                assert box["x"] >= 0, (place, width)
                assert box["x"] + box["width"] <= width, (place, width)
                assert visit.overflow() == 0, (place, width)
