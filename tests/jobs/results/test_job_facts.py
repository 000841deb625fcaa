"""What is read from ``job.json``, whatever it holds."""

import json
import math

import pytest
from made_up import make_up

from jobs.report.movie_report import write_movie_report
from jobs.results.job_facts import JobFacts, MovieSummary, job_facts, read_job_facts
from jobs.results.stills.original import find_original
from jobs.store.job_file import JobFile
from jobs.store.provenance import fingerprint_movie
from jobs.store.workspace import MovieFolder
from pipeline.schema import EMOTIONS


def facts_of(**content: object) -> JobFacts:
    job = JobFile.parse({"movie": "film.mp4", "status": "done", **content})
    assert job is not None
    return job_facts(job)


def test_a_made_up_movie(tmp_path):
    folder = make_up(tmp_path, frames=50)
    facts = read_job_facts(folder)
    assert facts is not None
    assert (facts.movie, facts.status, facts.has_results) == ("long.mp4", "done", True)
    assert (facts.summary.frames, facts.summary.duration) == (50, 2.0)
    assert facts.provenance["model"] == "seed"
    assert "device" not in facts.provenance


def test_shares_are_in_the_order_of_emotions():
    summary = {f"share_{emotion}": k / 21 for k, emotion in enumerate(EMOTIONS)}
    of_version_1 = (*(k / 21 for k in range(7)), 0)
    assert facts_of(summary=summary).summary.shares == of_version_1
    quarter = facts_of(summary=summary | {"share_unsure": 0.25}).summary.shares
    assert quarter == (*(k / 21 * 0.75 for k in range(7)), 0.25)
    nothing = dict.fromkeys(summary) | {"share_unsure": 1.0}
    assert facts_of(summary=nothing).summary.shares == (*[0] * 7, 1)
    assert facts_of(summary=summary | {"share_sad": None}).summary.shares is None
    assert facts_of(summary=summary | {"share_sad": math.nan}).summary.shares is None


@pytest.mark.parametrize("odd", [None, 7, True, "text", [1], {"a": 1}, math.inf], ids=str)
def test_what_is_of_another_type_is_unknown(odd):
    keys = ("reason", "remarks", "source", "fingerprint", "model", "summary", "settings", "versions")
    facts = facts_of(**dict.fromkeys(keys, odd))
    wanted = odd if isinstance(odd, str) else ""
    assert (facts.reason, facts.source, facts.model) == (wanted,) * 3
    assert facts.settings == (odd if isinstance(odd, dict) else {})
    assert facts.summary == MovieSummary()
    summary = facts_of(summary=dict.fromkeys(("duration", "coverage", "frames", "tracks"), odd)).summary
    assert summary == (MovieSummary(7.0, 7.0, 7, 7) if odd == 7 and odd is not True else MovieSummary())


@pytest.mark.parametrize("content", [None, "", "{", "[]", "7"])
def test_no_job_file_that_can_be_read(tmp_path, content):
    folder = MovieFolder(tmp_path)
    if content is not None:
        folder.job.write_text(content)
    assert read_job_facts(folder) is None


def test_the_original_must_be_the_same_file(tmp_path):
    film = tmp_path / "film.mp4"
    film.write_bytes(b"a film")
    facts = facts_of(source=str(film), fingerprint=fingerprint_movie(film))
    assert find_original(facts).path == film
    film.write_bytes(b"another film")
    assert "has changed since" in find_original(facts).why_not
    film.unlink()
    assert "no longer exists" in find_original(facts).why_not
    assert "do not say" in find_original(facts_of()).why_not


def test_an_original_that_cannot_be_read(tmp_path):
    film = tmp_path / "film.mp4"
    film.touch()

    def fail(_: object) -> str:
        raise PermissionError(13, "Permission denied")

    found = find_original(facts_of(source=str(film), fingerprint="f"), fail)
    assert found.path is None
    assert found.why_not.endswith("cannot be read: Permission denied")


def test_a_note_is_no_warning(tmp_path):
    folder = make_up(tmp_path, frames=10)
    remarks = ["note: audio stream 1 (vorbis) encoded as AAC: mp4 does not hold it", "video stream 2 left out"]
    folder.job.write_text(json.dumps(json.loads(folder.job.read_text()) | {"remarks": remarks}))
    facts = read_job_facts(folder)
    assert facts is not None
    assert facts.remarks == ("video stream 2 left out",)
    assert facts.notes == ("audio stream 1 (vorbis) encoded as AAC: mp4 does not hold it",)
    write_movie_report(folder)
    page = folder.report.read_text()
    assert '<p class="note small">video stream 2 left out</p>' in page
    assert "<dd>audio stream 1 (vorbis) encoded as AAC" in page
