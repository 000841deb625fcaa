"""Films side by side: figure, table and numbers; the words that pages explain."""

import csv
import io
import xml.etree.ElementTree as ET
from pathlib import Path

import cv2
import numpy as np
import pytest
from made_up import make_up

from jobs.web.glossary import TERMS


@pytest.fixture(scope="module")
def visitor(client_of, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    for name, frames, faces in (("a.mp4", 300, 2), ("b.mp4", 150, 1), ("$100$ & <x>.mp4", 60, 1), ("bare.mp4", 100, 0)):
        make_up(out, frames=frames, faces=faces, name=name)
    return client_of(out)


def test_the_svg_has_its_words_as_text(visitor):
    answer = visitor.get("/figure.svg?a=a.mp4&b=bare.mp4&time=true")
    assert answer.mimetype == "image/svg+xml"
    words = [node.text for node in ET.fromstring(answer.data).iter("{http://www.w3.org/2000/svg}text")]
    for word in ("a.mp4", "bare.mp4", "happy", "unsure", "100%"):
        assert word in words
    assert any("network seed" in (word or "") for word in words)
    assert visitor.get("/figure.svg?a=a.mp4&b=bare.mp4&time=true").data == answer.data


def test_a_film_with_an_odd_name(visitor):
    answer = visitor.get("/figure.svg", query_string={"a": "$100$ & <x>.mp4"})
    assert "$100$ & <x>.mp4" in [node.text for node in ET.fromstring(answer.data).iter() if node.tag.endswith("text")]


def test_pdf_and_png(visitor):
    assert visitor.get("/figure.pdf?a=a.mp4&from=1&to=3&of=probabilities").data[:5] == b"%PDF-"
    picture = cv2.imdecode(np.frombuffer(visitor.get("/figure.png?a=a.mp4").data, np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape[1] == pytest.approx(2160, abs=2)
    assert visitor.get("/figure.gif?a=a.mp4").status_code == 404
    assert visitor.get("/figure.png").status_code == 400
    assert visitor.get("/figure.png?a=gone.mp4").status_code == 404


def test_the_table_says_what_the_films_pages_say(visitor):
    rows = list(csv.DictReader(io.StringIO(visitor.get("/csv/compare?a=a.mp4&b=bare.mp4").text)))
    assert [(row["movie"], row["seconds"], row["coverage"]) for row in rows] == [
        ("a.mp4", "12.0", "1.0"),
        ("bare.mp4", "4.0", "0.0"),
    ]
    assert sum(float(rows[0][key]) for key in rows[0] if key.startswith("share_")) == pytest.approx(1, abs=1e-4)
    assert (rows[1]["sure"], rows[1]["share_sad"]) == ("", "")
    found = visitor.get("/api/compare?a=a.mp4&b=b.mp4&time=true").json
    assert [found["span"], *(film["length"] for film in found["films"])] == pytest.approx([12, 12, 6])


def test_the_glossary_of_the_docs_is_that_of_the_pages(visitor):
    text = " ".join((Path(__file__).parents[3] / "docs" / "glossary.md").read_text().split())
    page = visitor.get("/glossary").text
    for term, meaning in TERMS.items():
        assert f"## {term} {meaning}" in text
        assert f'id="{term}"' in page
