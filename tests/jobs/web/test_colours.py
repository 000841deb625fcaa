"""Every emotion stands out from the background in both themes, and the style sheet holds what pages use."""

import re

import pytest

from jobs.web.colours import GROUNDS, colour_sheet, contrast, edge_of
from pipeline.palette import EMOTION_COLOURS


def test_contrast_as_wcag_has_it():
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)
    assert contrast("#F0E442", "#FFFFFF") < 1.4  # why there are edges


@pytest.mark.parametrize("ground", GROUNDS.values(), ids=GROUNDS)
@pytest.mark.parametrize("colour", EMOTION_COLOURS.values(), ids=EMOTION_COLOURS)
def test_edges_stand_out(colour, ground):
    assert contrast(edge_of(colour, ground), ground) >= 3


def test_a_colour_that_stands_out_is_its_own_edge():
    assert edge_of("#0072B2", "#FFFFFF") == "#0072B2"
    assert edge_of("#F0E442", "#1B1D22") == "#F0E442"


def test_the_sheet_is_made_from_the_palette():
    sheet = colour_sheet()
    for emotion, colour in EMOTION_COLOURS.items():
        assert f"--{emotion}:{colour};" in sheet
        assert f".e-{emotion}{{" in sheet
        assert sheet.count(f"--{emotion}-edge:") == 3  # light, dark, and dark because the system asks for it
    assert set(re.findall(r"--ground:(#\w+)", sheet)) == set(GROUNDS.values())
