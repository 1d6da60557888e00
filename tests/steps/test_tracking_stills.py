"""The stills that tracking leaves: of the shots with the longest tracks, whatever their order."""

import numpy as np
import pytest
from PIL import Image

from tests import finished
from vidlib.steps.tracking_counts import SeenShot
from vidlib.steps.tracking_stills import MOST, WIDTH_PX, Stills
from vidlib.timeline import Shot, Span
from vidlib.tracking.watching import Chunk

SHOT_FRAMES = 20


def seen(lengths: list[int]) -> Stills:
    """What is kept of shots of 20 frames, each with a track of so many, or none; shot n is of brightness 10 n."""
    stills = Stills()
    for place, length in enumerate(lengths):
        span = Span(place * SHOT_FRAMES, (place + 1) * SHOT_FRAMES)
        picture = np.full((60, 80, 3), 10 * place, np.uint8)
        chunk = Chunk(span, [(number, picture) for number in range(span.start, span.stop)], {})
        assert list(stills.passing([chunk])) == [chunk]
        rows = [finished.track(place, range(span.start, span.start + length), place + 1)] if length else []
        stills.saw(SeenShot(Shot(span), rows, []))
    return stills


def test_the_shots_with_the_longest_tracks_are_kept_in_order(tmp_path):
    left = seen([5, 12, 0, 20, 3, 18, 7, 16, 9]).write(tmp_path / "stills.jpg")
    shots = [1, 3, 5, 6, 7, 8]
    assert left["still_frames"] == tuple(SHOT_FRAMES * shot + 10 for shot in shots)
    with Image.open(left["stills"]) as picture:
        assert picture.size == (MOST * WIDTH_PX, 300)
        centres = [np.asarray(picture)[150, WIDTH_PX * place + 200].mean() for place in range(MOST)]
    assert centres == pytest.approx([10 * shot for shot in shots], abs=2)


def test_nothing_is_left_where_nothing_is_tracked(tmp_path):
    assert seen([0, 0]).write(tmp_path / "stills.jpg") == {"stills": None, "still_frames": ()}
    assert not list(tmp_path.iterdir())
