"""A film with cuts, fade, dissolve and dialogue: its tables are the same bytes however it is cut into segments."""

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
from clips import X264, Clip
from skimage.data import astronaut

TABLES = ("timeline", "tracks", "shots", "scenes", "people", "scene_people", "relative", "arc")
SIZE = (320, 180)
FADE, DISSOLVE = 24, 20
"""Frames that a fade and a dissolve take."""


def views():
    """Return pictures of two places, each seen from two sides, and a face where there is one."""
    random = np.random.default_rng(4)
    face = cv2.resize(astronaut()[20:200, 130:310], (120, 120))
    made = []
    for place, levels in enumerate([(30, 90), (150, 230), (60, 200)]):
        for side in range(2):
            low, high = levels
            coarse = random.integers(low, high, (5, 8, 3)).astype(np.float32)
            coarse[..., place] += 25 * (1 + side)
            picture = cv2.resize(coarse, SIZE, interpolation=cv2.INTER_CUBIC) + random.normal(0, 6, (180, 320, 3))
            picture = picture.clip(0, 255).astype(np.uint8)
            if place != 1:
                left = 20 + 150 * side
                picture[30:150, left : left + 120] = face if side else face[:, ::-1]
            made.append(picture)
    return made


def pictures():
    """Return the film: A-B-A-B, a fade through black, C-D, a dissolve, E-F-E."""
    a, b, c, d, e, f = views()
    black = np.zeros_like(a)

    def mixed(first, last, frames):
        parts = np.arange(1, frames + 1) / (frames + 1)
        return [cv2.addWeighted(first, 1 - part, last, part, 0) for part in parts]

    film = [*[a] * 25, *[b] * 27, *[a] * 24, *[b] * 30]
    film += [*mixed(b, black, FADE), *mixed(black, c, FADE)]
    film += [*[c] * 31, *[d] * 28, *mixed(d, e, DISSOLVE), *[e] * 30, *[f] * 26, *[e] * 29]
    return film


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    frames = pictures()
    clip = Clip(
        pts=range(len(frames)),
        size=SIZE,
        options={**X264, "crf": "20", "g": "12"},
        paint=lambda number, *_: frames[number],
    )
    return clip.write(tmp_path_factory.mktemp("scenes") / "film")


def test_shots_scenes_tracks_and_people_do_not_depend_on_segments(moodreel, film, tmp_path):
    found = {}
    for seconds, workers in (("1", 2), ("60", 1)):
        out = tmp_path / seconds
        options = ("--video", "none", "--segment", seconds, "--workers", workers)
        done = moodreel("run", film, "--out", out, *options)
        assert done.code == 0, done.err
        [folder] = [path.parent for path in out.rglob("job.json")]
        found[seconds] = {name: (folder / f"{name}.parquet").read_bytes() for name in TABLES}
    for name in TABLES:
        assert found["1"][name] == found["60"][name], name
    shots = pq.read_table(folder / "shots.parquet").to_pylist()
    assert [one["transition"] for one in shots] == ["start", *["cut"] * 3, "fade", "cut", "dissolve", "cut", "cut"]
    assert shots[4]["transition_seconds"] == pytest.approx(2 * FADE / 25, abs=0.25)
    assert shots[6]["transition_seconds"] == pytest.approx(DISSOLVE / 25, abs=0.25)
    assert [one["scene"] for one in shots] == [0, 0, 0, 0, 1, 1, 2, 2, 2]
    assert len(pq.read_table(folder / "tracks.parquet")) >= 4
    people = pq.read_table(folder / "people.parquet")
    assert len(people) >= 1, "one person is in it"
    seen = set(pq.read_table(folder / "scene_people.parquet")["scene"].to_pylist())
    counted = pq.read_table(folder / "scenes.parquet")["people"].to_pylist()
    assert {scene for scene, persons in enumerate(counted) if persons} == seen
