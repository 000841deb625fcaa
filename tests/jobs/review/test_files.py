"""Videos by ranges, stills, boxes and tables to download."""

import html
import io
import itertools
import re
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from made_up import make_up

from jobs.review.files import _who
from pipeline.schema import EMOTIONS


@pytest.fixture
def client(client_of, demo):
    return client_of(demo / "outputs")


@pytest.fixture
def video(demo) -> bytes:
    return Path(demo / "outputs" / "sample.mp4" / "annotated.mp4").read_bytes()


@pytest.mark.parametrize(
    ("wanted", "first", "end"), [("0-99", 0, 100), ("100-100", 100, 101), ("1000-", 1000, None), ("-50", -50, None)]
)
def test_ranges(client, video, wanted, first, end):
    answer = client.get("/video/annotated/sample.mp4", headers={"Range": f"bytes={wanted}"})
    part = video[first:end]
    assert answer.status_code == 206
    assert answer.data == part
    start = first if first >= 0 else len(video) + first
    assert answer.headers["Content-Range"] == f"bytes {start}-{start + len(part) - 1}/{len(video)}"
    assert answer.headers["Content-Type"] == "video/mp4"


def test_a_large_range_is_answered_in_parts(client_of, own_demo):
    path = own_demo / "sample.mp4" / "annotated.mp4"
    with path.open("ab") as file:
        file.truncate(9 << 20)
    answer = client_of(own_demo).get("/video/annotated/sample.mp4", headers={"Range": "bytes=5-"})
    assert answer.status_code == 206
    assert len(answer.data) == 4 << 20
    assert answer.headers["Content-Range"] == f"bytes 5-{5 + (4 << 20) - 1}/{9 << 20}"


def test_without_a_range_and_with_an_impossible_one(client, video):
    with client.get("/video/annotated/sample.mp4") as whole:
        assert (whole.status_code, whole.data) == (200, video)
    with client.get("/video/annotated/sample.mp4", headers={"Range": f"bytes={len(video)}-"}) as beyond:
        assert beyond.status_code == 416


def still(answer) -> np.ndarray:
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "image/jpeg"
    decoded = cv2.imdecode(np.frombuffer(answer.data, np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    return decoded


def test_stills_of_scenes_differ_and_have_no_boxes(client):
    found = [still(client.get(f"/still/scene/{scene}/sample.mp4")) for scene in range(2)]
    assert all(one.shape == (180, 320, 3) for one in found)
    changes = [np.abs(a.astype(int) - b).mean() for a, b in itertools.pairwise(found)]
    assert min(changes) > 20
    assert client.get("/still/scene/2/sample.mp4").status_code == 404


def test_the_frame_that_is_asked_for_comes(client, demo):
    capture = cv2.VideoCapture(str(demo / "outputs" / "sample" / "sample.mp4"))
    frames = [capture.read()[1] for _ in range(336)]
    for number in (0, 71, 72, 200, 335):
        got = still(client.get(f"/still/frame/sample.mp4?frame={number}"))
        errors = {
            k: np.abs(got.astype(int) - frames[k]).mean() for k in {max(0, number - 1), number, min(335, number + 1)}
        }
        assert min(errors, key=lambda k: errors[k]) == number, errors


@pytest.mark.parametrize("name", ["sample.mp4", "faceless.mp4"])
def test_without_a_poster_one_is_taken_from_the_video(client_of, own_demo, name):
    folder = own_demo / "sample.mp4"
    (folder / "poster.jpg").unlink()
    if name == "faceless.mp4":
        faceless = make_up(own_demo, frames=60, faces=0, name=name)
        (folder / "annotated.mp4").rename(faceless.video)
    assert still(client_of(own_demo).get(f"/still/poster/{name}")).shape == (180, 320, 3)


def test_faces_are_cut_out(client):
    face = still(client.get("/still/face/0/sample.mp4"))
    assert face.shape == (128, 128, 3)
    assert client.get("/still/face/99/sample.mp4").status_code == 404


def test_boxes_are_those_of_the_table(client, demo):
    table = pd.read_parquet(demo / "outputs" / "sample.mp4" / "timeline.parquet")
    seen: dict[int, list[list[float]]] = {}
    first, times = 0, []
    while first < 336:
        chunk = client.get(f"/api/frames/sample.mp4?frame={first}").json
        assert chunk["first"] == first
        times += chunk["times"][:-1]
        seen |= dict(enumerate(chunk["faces"], first))
        first += len(chunk["faces"])
    assert times == pytest.approx(table.groupby("frame").time.first().tolist(), abs=1e-6)
    for frame, rows in table.groupby("frame"):
        wanted = rows[rows.track.notna()][["track", "x1", "y1", "x2", "y2"]].to_numpy(float)
        boxes = np.array([face[:5] for face in seen[int(frame)]], float).reshape(-1, 5)
        assert boxes == pytest.approx(wanted, abs=0.051)
        for face, row in zip(seen[int(frame)], rows.to_dict("records"), strict=False):
            known = None if np.isnan(row["sad"]) else [round(100 * row[emotion]) for emotion in EMOTIONS]
            assert face[7] == known


def test_a_time_finds_its_frame(client):
    chunk = client.get("/api/frames/sample.mp4?time=8.5").json
    assert chunk["times"][0] <= 8.5 < chunk["times"][-1]


QUERY = "emotion=happy&confidence=0.6&seconds=1&from=2&to=10"


def test_intervals_as_csv_are_those_of_the_page(client):
    page = client.get(f"/api/intervals/sample.mp4?{QUERY}").json
    answer = client.get(f"/csv/intervals/sample.mp4?{QUERY}")
    assert answer.headers["Content-Disposition"] == "attachment; filename=sample.mp4.moments.2.0-10.0s.csv"
    table = pd.read_csv(io.StringIO(answer.text))
    assert len(table) == page["total"] > 0
    assert table.drop(columns="movie").to_dict("records") == page["intervals"]


def test_frames_as_csv_are_rows_of_the_timeline(client, demo):
    table = pd.read_csv(io.StringIO(client.get(f"/csv/frames/sample.mp4?{QUERY}").text))
    timeline = pd.read_parquet(demo / "outputs" / "sample.mp4" / "timeline.parquet")
    intervals = pd.read_csv(io.StringIO(client.get(f"/csv/intervals/sample.mp4?{QUERY}").text))
    parts = [
        timeline[(timeline.track == row.track) & timeline.frame.between(row.first_frame, row.last_frame)]
        for row in intervals.itertuples()
    ]
    wanted = pd.concat(parts).sort_values(["frame", "track"]).reset_index(drop=True)
    assert list(table.columns) == list(timeline.columns)
    assert table.frame.tolist() == wanted.frame.tolist()
    assert table.track.tolist() == wanted.track.tolist()
    assert table.confidence.tolist() == pytest.approx(wanted.confidence.tolist())
    assert set(table.emotion) == {"happy"}


def test_the_names_of_movies_may_hold_anything(client_of, tmp_path):
    name = "a b/100 % #1?&\"'<é>.mp4"
    make_up(tmp_path, frames=60, name=name)
    client = client_of(tmp_path)
    page = client.get("/").text
    link = html.unescape(re.search(r'href="(/movie/[^"]+)"', page)[1])
    assert client.get(link).status_code == 200
    assert "<é>" not in page


def test_a_contact_sheet_has_a_still_of_each_moment_that_the_filter_finds(client):
    query = "confidence=0.5&seconds=1"
    total = client.get(f"/api/intervals/sample.mp4?{query}").json["total"]
    answer = client.get(f"/still/sheet/sample.mp4?{query}")
    picture = cv2.imdecode(np.frombuffer(answer.data, np.uint8), cv2.IMREAD_COLOR)
    assert 0 < total <= 24
    still = cv2.imdecode(np.frombuffer(client.get("/still/scene/0/sample.mp4").data, np.uint8), cv2.IMREAD_COLOR)
    tile = still.shape[0]
    assert picture.shape[:2] == (8 + -(-total // 4) * (tile + 34), 8 + min(4, total) * 328)
    assert len(np.unique(picture[20 : tile // 2, 20:300].reshape(-1, 3), axis=0)) > 100  # a picture, not a blank
    assert client.get("/still/sheet/sample.mp4?confidence=1&seconds=99").status_code == 404


def test_a_contact_sheet_names_persons_as_pages_do():
    names = {0: "Anna", 1: "Ünal"}
    assert [_who(track, {1: 0, 2: 1, 3: 2}, names) for track in range(4)] == ["#0", "Anna", "P2", "P3"]
