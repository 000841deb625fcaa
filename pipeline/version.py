"""Versions of what units of work hold. Keys contain them, so that results of two kinds are never mixed.

Raise a number in the same commit that changes the meaning. ``tests/pipeline/test_version.py`` holds digests of tiny
films and fails when a result changes but its number does not. Columns have a version of their own,
:data:`pipeline.schema.VERSION`.
"""

from typing import Final

OBSERVATIONS: Final = 5
"""Of what a segment's analysis finds: decoding, deinterlacing, detection, crops, scores of change; and of how faces
are followed. 2: interlaced frames see their neighbours across segments; a track ends where it was last seen.
3: landmarks, sharpness and contrast. 4: miniatures; a face is followed by its course and its looks, and second boxes on
it are merged; faces are described, which tells persons apart; what each frame shows; fades and dissolves.
5: each picture that is missing is counted, and those at the start that cannot be decoded; pictures are cropped to the
pixel, and palettes are kept."""

LABELS: Final = 2
"""Of what tables make of the same observations: quality, smoothing, labels, persons, scenes and their shares.
2: persons must be more alike than common faces; shots are linked to scenes by who is in them, too."""

DRAWING: Final = 4
"""Of the annotated video made from the same timeline. 2: labels beside boxes; deinterlaced across segments.
3: persons. 4: stretches without faces copied."""
