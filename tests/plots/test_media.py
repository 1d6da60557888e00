from fractions import Fraction

import numpy as np

from tests import media as made
from vidlib.plots import media as plots
from vidlib.timeline import timecode


def test_the_contact_sheet_shows_each_still_under_its_timecode():
    sheet = plots.contact_sheet({number: made.picture(number) for number in (0, 25, 26, 100, 101, 102, 103)})
    (ax,) = sheet.axes
    pixels, (width, height) = ax.images[0].get_array(), made.SIZE
    assert [text.get_text() for text in ax.texts[:3]] == ["00:00:00.000", "00:00:01.000", "00:00:01.040"]
    for number, text in zip((0, 25, 26, 100, 101, 102, 103), ax.texts, strict=True):
        x, y = (round(edge) for edge in text.get_position())
        assert text.get_text() == timecode(number)
        assert made.frame_number(pixels[y + 1 : y + 1 + height, x : x + width]) == number


def test_frame_spacing_is_in_milliseconds():
    figure = plots.frame_spacing([Fraction(n, 24) for n in range(24)], [Fraction(n, 25) for n in range(25)])
    source, result = (line.get_ydata() for line in figure.axes[0].lines)
    assert np.allclose(source, 1000 / 24)
    assert np.allclose(result, 40)


def test_the_sound_level_is_drawn_for_a_tone_and_for_no_sound():
    tone = np.sin(np.arange(16000, dtype=np.float32))
    assert plots.sound_level(tone, 16000).axes[0].get_title(loc="left") == "Sound, first track"
    assert plots.sound_level(tone[:0], 16000).axes[0].get_title(loc="left") == "No sound"


def test_a_single_frame_has_figures_too():
    assert plots.contact_sheet({0: made.picture(0)}).axes
    assert plots.frame_spacing([Fraction(0)], [Fraction(0)]).axes
