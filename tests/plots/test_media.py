from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from tests import sample_media as made
from vidlib.plots import media as plots
from vidlib.plots.pictures import Cell, Sheet, sheet


@pytest.fixture
def contact_sheet(tmp_path):
    """The contact sheet of these stills, each with its number."""

    def make(stills: dict[int, np.ndarray]) -> Sheet:
        Image.fromarray(np.hstack([*stills.values()])).save(tmp_path / "stills.png")
        return plots.contact_sheet(tmp_path / "stills.png", [*stills])

    return make


def test_the_contact_sheet_shows_all_stills_in_order(contact_sheet):
    stills = {number: made.picture(number) for number in (0, 25, 26, 100, 101, 102, 103)}
    pixels, (width, height) = np.asarray(contact_sheet(stills).picture), made.SIZE
    places = {
        (top, left): number
        for top, left in np.ndindex(len(pixels) - height + 1, pixels.shape[1] - width + 1)
        for number, still in stills.items()
        if (pixels[top, left : left + width] == still[0]).all()
        if (pixels[top : top + height, left : left + width] == still).all()
    }
    assert [places[place] for place in sorted(places)] == list(stills)
    assert [sum(top == row for top, _ in places) for row in sorted({top for top, _ in places})] == [6, 1]


def test_each_still_of_a_contact_sheet_has_its_timecode(contact_sheet):
    stills = {number: made.picture(number) for number in (0, 25, 26)}
    timecodes = ["00:00:00.000", "00:00:01.000", "00:00:01.040"]
    expected = sheet([Cell(still, said) for still, said in zip(stills.values(), timecodes, strict=True)], 6)
    assert contact_sheet(stills).picture == expected.picture
    assert contact_sheet({number + 1: still for number, still in stills.items()}).picture != expected.picture


def test_frame_spacing_is_in_milliseconds():
    figure = plots.frame_spacing([Fraction(n, 24) for n in range(24)], [Fraction(n, 25) for n in range(25)])
    source, result = (line.get_ydata() for line in figure.axes[0].lines)
    assert np.allclose(source, 1000 / 24)
    assert np.allclose(result, 40)


def test_the_sound_level_is_drawn_for_a_tone_and_for_no_sound():
    tone = np.sin(np.arange(16000, dtype=np.float32))
    assert plots.sound_level(tone, 16000).axes[0].get_title(loc="left") == "Level of the first audio track"
    assert plots.sound_level(tone[:0], 16000).axes[0].get_title(loc="left") == "No sound"


def test_a_single_frame_has_figures_too(contact_sheet):
    assert contact_sheet({0: made.picture(0)})._repr_jpeg_()
    assert plots.frame_spacing([Fraction(0)], [Fraction(0)]).axes
