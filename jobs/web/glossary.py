"""The words of the pages, for their "?" marks; docs/glossary.md has the same."""

from typing import Final

TERMS: Final = {
    "face": "A face in a single frame: a box, seven probabilities and a label. Face-time adds up all faces: two "
    "faces on screen for one second make two seconds.",
    "track": "One face followed from frame to frame within a shot, written #3. Someone who returns after a cut "
    "gets a new track.",
    "person": "Tracks that show the same human being, as far as moodreel can tell or you have said. Written P1, P2 "
    "or with the name you gave: names come from you alone.",
    "shot": "The frames from one cut, fade or dissolve to the next.",
    "scene": "One or more neighbouring shots that belong together. Pages count scenes and persons from 1, tables "
    "from 0.",
    "label": "The one of seven expressions that a face most likely shows over a stretch of time, or unsure. It is "
    "a predicted expression, not a feeling.",
    "probability": "The network's output for this one frame, before neighbouring frames are taken into account. "
    "The seven add up to 100%.",
    "confidence": "The label's probability, averaged over about one second; 100% where a person gave the label. "
    "Colours fade below the confidence set in the filter.",
    "share": "The part of face-time that carries a label. On pages, unsure counts as a label, so shares add up to "
    "100%. In tables, the shares of the seven emotions refer to sure time only, and share_unsure stands "
    "apart.",
    "sure": "The part of face-time whose label is not unsure. In the search over all films: a moment's mean "
    "confidence.",
    "seen": "Coverage: the part of the time with at least one face. A scene's bar is that long.",
    "weak": "A scene is grey if a face is seen in less than 10% of it, if less than 25% of its face-time is sure, "
    "or if it has less than one second of sure face-time.",
    "moment": "A run of consecutive frames in which one face keeps one label.",
}
"""Each term, and what it means."""
