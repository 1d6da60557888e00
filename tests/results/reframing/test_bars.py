"""Black bars: found where they are on both sides, and nowhere else."""

import numpy as np
import pytest

from vidlib.results.reframing.bars import picture_area, picture_areas
from vidlib.results.reframing.framing import Area

SIZE = (1280, 720)


def still(top: int = 0, left: int = 0, level: int = 120, bottom: int | None = None) -> np.ndarray:
    """A thumbnail (225, 400) whose picture of noise lies between bars."""
    noise = np.random.default_rng(0)
    picture = noise.integers(0, 9, (225, 400, 3)).astype(np.uint8)
    inside = picture[top : 225 - (top if bottom is None else bottom), left : 400 - left]
    inside[:] = noise.integers(max(0, level - 60), level + 60, inside.shape)
    return picture


@pytest.mark.parametrize("top, left", [(28, 0), (0, 50), (20, 40)])
def test_bars_of_wide_and_of_old_pictures_are_found_to_the_pixel_of_the_thumbnail(top, left):
    area = picture_area(still(top, left), *SIZE)
    for found, true in ((area.top, top * 3.2), (area.left, left * 3.2)):
        assert true <= found <= true + 8 if true else found == 0
    assert (area.width, area.height) == (1280 - 2 * area.left, 720 - 2 * area.top)


@pytest.mark.parametrize(
    "picture",
    [
        still(),
        np.zeros((225, 400, 3), np.uint8),  # black
        still(top=60, level=65)[:, ::-1] // 4,  # night: the picture is hardly brighter than a bar
        still(left=140),  # a vertical video in a wide frame is left alone
        still(top=40, bottom=0),  # a dark sky
    ],
)
def test_a_picture_without_bars_on_both_sides_stays_whole(picture):
    assert picture_area(picture, *SIZE) == Area(0, 0, *SIZE)


def test_without_a_still_of_each_shot_nothing_is_cut_off():
    assert picture_areas([still(28)], 2, *SIZE) == [Area(0, 0, *SIZE)] * 2
    assert picture_areas([still(28)], 1, *SIZE)[0].top > 0
