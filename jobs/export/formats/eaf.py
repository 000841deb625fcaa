"""eaf: an ELAN document with tiers for scenes, shots and people, linked to original and annotated video."""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from math import ceil
from mimetypes import guess_type
from pathlib import Path
from typing import Final
from urllib.parse import quote
from xml.etree import ElementTree as ET

import pyarrow as pa

from jobs.export.options import DEFAULTS, Options
from jobs.export.result import Moment, Result
from jobs.iso_time import now
from jobs.results.stills.original import find_original
from pipeline.schema import LABELS

SUFFIX: Final = ".eaf"

_INVALID: Final = re.compile("[^\\t\\n\\r\\u0020-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")
"""What XML 1.0 cannot hold."""

_XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
_SCHEMA: Final = "http://www.mpi.nl/tools/elan/EAFv3.0.xsd"
_VOCABULARY: Final = "expressions"


@dataclass(frozen=True)
class _Note:
    """An annotation: from when to when in s, its text, and how sure that is, if that is known."""

    start: float
    end: float
    text: str
    sure: str = ""


@dataclass(frozen=True)
class _Tier:
    """A tier; its notes do not overlap and are in the order of time."""

    name: str
    kind: str
    notes: list[_Note] = field(default_factory=list)


def write(result: Result, path: Path, options: Options = DEFAULTS) -> None:
    """Write a movie as an ELAN document.

    Times are whole milliseconds, rounded up: the frame that is on the screen at a boundary is then the one that begins
    there. How sure a label is stands in a tier of its own below each person's.

    Args:
        result: of the movie.
        path: to write.
        options: what the user chose.
    """
    ET.register_namespace("xsi", _XSI)
    about = {"AUTHOR": "moodreel", "DATE": now(), "FORMAT": "3.0", "VERSION": "3.0"}
    root = ET.Element("ANNOTATION_DOCUMENT", about | {f"{{{_XSI}}}noNamespaceSchemaLocation": _SCHEMA})
    header = ET.SubElement(root, "HEADER", MEDIA_FILE="", TIME_UNITS="milliseconds")
    for media in _media(result):
        ET.SubElement(
            header,
            "MEDIA_DESCRIPTOR",
            MEDIA_URL=media.absolute().as_uri(),
            MIME_TYPE=guess_type(media.name)[0] or "video/mp4",
            RELATIVE_MEDIA_URL=_relative(media, media.parent if options.beside else path.parent),
        )
    tiers = [
        _spans(
            "scenes",
            result.tables.scenes,
            [result.scene_name(scene) for scene in result.tables.scenes["scene"].to_pylist()],
        ),
        _spans("shots", result.tables.shots, [f"shot {shot + 1}" for shot in result.tables.shots["shot"].to_pylist()]),
        *_people(moment for moment in result.moments if options.wants(moment)),
    ]
    last = _write_tiers(root, tiers)
    ET.SubElement(header, "PROPERTY", NAME="lastUsedAnnotationId").text = str(last)
    ET.SubElement(header, "PROPERTY", NAME="moodreel model").text = _text(result.facts.model)
    _write_types(root)
    ET.indent(root)
    ET.ElementTree(root).write(path, encoding="UTF-8", xml_declaration=True)


def _media(result: Result) -> list[Path]:
    """Return the videos to link: the original, if it is still the same file, and the annotated one."""
    original = find_original(result.facts).path
    return [*([original] if original else []), *([result.folder.video] if result.folder.video.is_file() else [])]


def _relative(media: Path, folder: Path) -> str:
    try:
        found = os.path.relpath(media.absolute(), folder.absolute())
    except ValueError:  # on another drive of Windows
        return media.absolute().as_uri()
    return quote("./" + Path(found).as_posix(), errors="surrogateescape")


def _spans(name: str, table: pa.Table, texts: Sequence[str]) -> _Tier:
    starts, ends = table["start"].to_pylist(), table["end"].to_pylist()
    return _Tier(name, "span", [_Note(*note) for note in zip(starts, ends, texts, strict=True)])


def _people(moments: Iterable[Moment]) -> list[_Tier]:
    """Return a tier for each person, and as few as possible for faces of whom that is not known."""
    tiers: dict[tuple[int | None, int], _Tier] = {}
    for moment in moments:
        label = moment.label if moment.person is not None else f"{moment.label} #{moment.track}"
        note = _Note(moment.start, moment.end, label, f"{moment.confidence_mean:.2f}")
        for number in count():  # the first tier that is free
            key = (moment.person, number)
            if key not in tiers:
                tiers[key] = _Tier(_tier_name(moment, number, tiers.values()), _kind(moment))
            if not tiers[key].notes or _ms(tiers[key].notes[-1].end) <= _ms(note.start):
                tiers[key].notes.append(note)
                break
    return [tiers[key] for key in sorted(tiers, key=lambda key: (key[0] is None, key[0] or 0, key[1]))]


def _kind(moment: Moment) -> str:
    return "face" if moment.person is None else "expression"


def _tier_name(moment: Moment, number: int, others: Iterable[_Tier]) -> str:
    """Return a name that no other tier has: two people may have been given the same."""
    name = (
        f"faces {number + 1}"
        if moment.person is None
        else " ".join(_text(moment.who).split()) + (f" ({number + 1})" * (number > 0))
    )
    taken = {tier.name for tier in others} | {"scenes", "shots"}
    names = (name, *(f"{name} [{more}]" for more in range(2, len(taken) + 3)))
    return next(one for one in names if one not in taken)


def _write_tiers(root: ET.Element, tiers: Sequence[_Tier]) -> int:
    """Write time slots and tiers; return the last number of an annotation."""
    order = ET.SubElement(root, "TIME_ORDER")
    notes = [note for tier in tiers for note in tier.notes]
    edges = sorted((time, side, k) for k, note in enumerate(notes) for side, time in enumerate(_slots(note)))
    slots: dict[tuple[int, int], str] = {}
    for time, side, k in edges:
        slots[k, side] = f"ts{len(slots) + 1}"
        ET.SubElement(order, "TIME_SLOT", TIME_SLOT_ID=slots[k, side], TIME_VALUE=str(time))
    place, number = count(), 0
    for tier in tiers:
        element = ET.SubElement(root, "TIER", TIER_ID=tier.name, LINGUISTIC_TYPE_REF=tier.kind)
        sure = ET.Element("TIER", TIER_ID=f"{tier.name} sure", LINGUISTIC_TYPE_REF="sure", PARENT_REF=tier.name)
        for note, k in zip(tier.notes, place, strict=False):
            number += 1
            refs = {"TIME_SLOT_REF1": slots[k, 0], "TIME_SLOT_REF2": slots[k, 1]}
            _annotation(element, "ALIGNABLE_ANNOTATION", f"a{number}", refs, note.text)
            if note.sure:
                _annotation(sure, "REF_ANNOTATION", f"a{number + 1}", {"ANNOTATION_REF": f"a{number}"}, note.sure)
                number += 1
        if len(sure):
            root.append(sure)
    return number


def _slots(note: _Note) -> tuple[int, int]:
    """Return start and end in ms; an annotation without length is none to ELAN."""
    start = _ms(note.start)
    return start, max(_ms(note.end), start + 1)


def _ms(seconds: float) -> int:
    return ceil(max(seconds, 0) * 1000 - 1e-3)


def _annotation(tier: ET.Element, kind: str, name: str, refs: dict[str, str], text: str) -> None:
    element = ET.SubElement(ET.SubElement(tier, "ANNOTATION"), kind, {"ANNOTATION_ID": name, **refs})
    ET.SubElement(element, "ANNOTATION_VALUE").text = _text(text)


def _write_types(root: ET.Element) -> None:
    for kind, more in _types():
        ET.SubElement(root, "LINGUISTIC_TYPE", {"LINGUISTIC_TYPE_ID": kind, "GRAPHIC_REFERENCES": "false", **more})
    undetermined = {"LANG_ID": "und", "LANG_LABEL": "undetermined (und)"}
    ET.SubElement(root, "LANGUAGE", {"LANG_DEF": "http://cdb.iso.org/lg/CDB-00130975-001", **undetermined})
    ET.SubElement(
        root,
        "CONSTRAINT",
        STEREOTYPE="Symbolic_Association",
        DESCRIPTION="1-1 association with a parent annotation",
    )
    vocabulary = ET.SubElement(root, "CONTROLLED_VOCABULARY", CV_ID=_VOCABULARY)
    ET.SubElement(vocabulary, "DESCRIPTION", LANG_REF="und").text = "Predicted expressions, not feelings"
    for number, label in enumerate(LABELS):
        entry = ET.SubElement(vocabulary, "CV_ENTRY_ML", CVE_ID=f"cve{number}")
        ET.SubElement(entry, "CVE_VALUE", LANG_REF="und", DESCRIPTION="").text = label


def _types() -> Iterator[tuple[str, dict[str, str]]]:
    free = {"TIME_ALIGNABLE": "true"}
    yield "span", free
    yield "face", free
    yield "expression", free | {"CONTROLLED_VOCABULARY_REF": _VOCABULARY}
    yield "sure", {"TIME_ALIGNABLE": "false", "CONSTRAINTS": "Symbolic_Association"}


def _text(text: str) -> str:
    """Return text that XML can hold."""
    return _INVALID.sub("\ufffd", text)
