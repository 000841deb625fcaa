"""The words of the pages, for their "?" marks; docs/glossary.md has the same."""

from typing import Final

TERMS: Final = {
    "face": "One face in one frame: a box, seven probabilities and a label. Face-time is the time of all faces "
    "added up: two faces for a second are two seconds.",
    "track": "One face followed from frame to frame within one shot, written #3. Who comes back after a cut has a "
    "new track.",
    "person": "Tracks that are the same human being, as far as moodreel is sure or you said so. Persons are written "
    "P1, P2 or by the name that you gave; nothing else knows a name.",
    "shot": "From one cut, fade or dissolve to the next.",
    "scene": "One or more shots that belong together. Pages count scenes and persons from 1; tables count them from 0.",
    "label": "The one of seven expressions that a face most likely shows over some time, or unsure. A label is a "
    "predicted expression, not a feeling.",
    "probability": "What the network said of this very frame, before neighbouring frames were heard. The seven add up "
    "to 100%.",
    "confidence": "The probability of the label, averaged over about a second. It is 100% where a person gave the "
    "label. Below the confidence that the filter asks for, colours fade.",
    "share": "The part of the face-time that carries a label. On pages unsure is one of the shares, so they add up "
    "to 100%; in tables the shares of the emotions are of the sure time alone, and share_unsure stands "
    "beside them.",
    "sure": "The part of the face-time whose label is not unsure. In the search over all films: the mean "
    "confidence of a moment.",
    "seen": "Coverage: the part of the time with at least one face. A bar of a scene is as long as that.",
    "weak": "A scene is grey where a face is seen in less than 10% of it, less than 25% of the face-time is sure, "
    "or that is less than one second.",
    "moment": "A stretch of one face with one label.",
}
"""Each term, and what it means."""
