"""What ``moodreel evaluate --video`` does: agreement with labels that users gave to faces of their own movies."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from jobs.errors import UsageError
from jobs.results.own_labels import NO_FACE, UNCLEAR, LabelledFace, clusters_of, labelled_movies, read_labelled
from jobs.store.atomic import commit_json
from jobs.store.workspace import MovieFolder
from models.emotions import EMOTIONS
from models.evaluation.raters import Raters, compare_raters


def evaluate_own(out: Path, movie: str | None, changed: bool, save: Path | None) -> str:
    """Return agreement figures as Markdown.

    Args:
        out: folder with results.
        movie: name of one movie; None for all with labels.
        changed: use labels of movies that have changed since, too.
        save: folder for ``own-film.md`` and ``own-film.json``; None saves nothing.

    Raises:
        UsageError: there is no such folder or movie.
        OSError: the files cannot be written.
    """
    if not out.is_dir():
        raise UsageError(f"{out}: no such folder; expected the --out of a run")
    if movie is not None and not MovieFolder(out / movie).job.is_file():
        raise UsageError(f"{movie}: no movie of this name in {out}")
    folders = labelled_movies(out) if movie is None else [out / movie]
    faces: list[LabelledFace] = []
    notes: list[str] = []
    for folder in folders:
        name = folder.relative_to(out).as_posix()
        found, said = read_labelled(MovieFolder(folder), name, changed)
        faces += found
        notes += said
    if not faces:
        notes.append("no face is labelled; moodreel review --edit lets you label some")
    both = [face for face in faces if face.said in EMOTIONS and face.found in EMOTIONS]
    person, network = (
        np.array([EMOTIONS.index(word) for word in words], np.int64)
        for words in ([face.said for face in both], [face.found for face in both])
    )
    raters = compare_raters(person, network, clusters_of(both))
    counts = _counts(faces, len(both))
    text = "\n\n".join([_head(counts, notes), *([raters.as_markdown()] if both else [])])
    if save:
        save.mkdir(parents=True, exist_ok=True)
        (save / "own-film.md").write_text(text + "\n", encoding="utf-8")
        commit_json(save / "own-film.json", _as_json(counts, notes, raters))
    return text


def _counts(faces: list[LabelledFace], both: int) -> dict[str, int]:
    emotions = [face for face in faces if face.said in EMOTIONS]
    return {
        "labelled": len(faces),
        "movies": len({face.movie for face in faces}),
        "people": len({face.by for face in faces}),
        "blind": sum(face.blind for face in faces),
        "emotion": len(emotions),
        "compared": both,
        "lost": sum(face.track < 0 for face in faces),
        "unclear": sum(face.said == UNCLEAR for face in faces),
        "unclear_with_label": sum(face.said == UNCLEAR and face.found in EMOTIONS for face in faces),
        "no_face": sum(face.said == NO_FACE for face in faces),
        "no_face_with_label": sum(face.said == NO_FACE and face.found in EMOTIONS for face in faces),
    }


def _head(counts: dict[str, int], notes: list[str]) -> str:
    c = counts
    lines = [f"## Your labels: {c['labelled']} faces in {c['movies']} movies, by {c['people']} people", ""]
    if c["labelled"]:
        share = f"{100 * c['compared'] / c['emotion']:.1f} %" if c["emotion"] else "-"
        lines += [
            f"- {c['emotion']} were given an emotion; the network has a label for {c['compared']} of these "
            f"(coverage {share}), which are compared.",
            f"- {c['unclear']} were unclear to you; the network labels {c['unclear_with_label']} of these.",
            f"- {c['no_face']} are no faces; the network labels {c['no_face_with_label']} of these.",
            f"- {c['blind']} were labelled without the network's label in sight.",
            "- Intervals of kappa draw whole tracks, since faces of one track look alike.",
        ]
    if c["lost"]:
        lines.append(f"- {c['lost']} are no longer where they were labelled, or the results no longer have them.")
    return "\n".join([*lines, *(f"- {note}" for note in notes)])


def _as_json(counts: dict[str, int], notes: list[str], raters: Raters) -> dict[str, Any]:
    content = {"counts": counts, "notes": notes, **raters.as_json()}
    return dict(json.loads(json.dumps(content)))
