"""What counts as a loss."""

import pytest

from pipeline.media.faults import Counts, DecodeFaults


@pytest.mark.parametrize(
    ("expected", "found", "codec", "missing"),
    [
        (9, 2, "hevc", 7),  # a damaged file, whose decoder drops pictures without a word
        (50, 25, "h264", 0),  # fields, two packets to a picture
        (10, 8, "hevc", 0),  # pictures before the first key frame
        (2, 0, "mpeg4", 2),
        (1, 0, "mpeg4", 0),
        (9, 2, "vp8", 0),  # pictures that are never shown
    ],
)
def test_pictures_that_a_decoder_drops_without_a_word(expected: int, found: int, codec: str, missing: int) -> None:
    faults = DecodeFaults()
    counts = Counts(faults)
    counts.read, counts.found = expected, found
    assert counts.settle(expected, codec) == (missing == 0)
    assert faults.missing == missing
