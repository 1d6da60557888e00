"""Where faces are looked for. A picture here is one value: how far right the one face in it is, or -1 for none."""

import numpy as np
import pytest

from vidlib.geometry import Detections
from vidlib.timeline import Span
from vidlib.tracking.shot_tracker import Watcher

NONE = -1


class OneFace:
    """Finds what a picture says."""

    def detect(self, pictures):
        return [self._found(int(picture[0])) for picture in pictures]

    def _found(self, x: int) -> Detections:
        if x == NONE:
            return Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), ())
        return Detections(np.array([[x, 0, x + 100, 100]], np.float32), np.array([0.9], np.float32), ("face",))


def looked_at(places: list[int], shots: list[Span], detect_every: int = 20) -> list[int]:
    watcher = Watcher(OneFace(), landmarker=None, prints=None, things=None, detect_every=detect_every)
    pictures = (np.array([place]) for place in places)
    return [frame for chunk in watcher.look(shots, pictures) for frame in chunk.faces]


def test_a_face_that_stays_is_looked_for_now_and_then_and_where_shots_begin_and_end():
    assert looked_at([7] * 100, [Span(0, 50), Span(50, 100)]) == [0, 20, 40, 49, 50, 70, 90, 99]


def test_where_a_face_jumps_it_is_looked_for_four_times_as_often():
    assert looked_at([0] * 27 + [500] * 34, [Span(0, 61)]) == [0, 20, 25, 30, 40, 60]


def test_where_a_face_comes_and_goes_it_is_looked_for_more_often():
    assert looked_at([NONE] * 33 + [0] * 28, [Span(0, 61)]) == [0, 20, 30, 35, 40, 60]


@pytest.mark.parametrize("detect_every", [1, 2, 3, 7, 20, 25])
def test_no_frame_is_looked_at_twice_and_none_is_left_out_for_longer_than_asked(detect_every):
    frames = looked_at([1000 * (frame % 2) for frame in range(90)], [Span(0, 37), Span(37, 90)], detect_every)
    assert frames == sorted(set(frames))
    assert {0, 36, 37, 89} <= set(frames)
    assert max(np.diff(frames)) <= detect_every
