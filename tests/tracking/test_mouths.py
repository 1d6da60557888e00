"""A looker that notes what it is shown: each frame has its own number as its grey value."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidlib.tracking.linking import Track
from vidlib.tracking.mouths import Mouths, mouth_of

BOX = np.array([10.0, 10.0, 50.0, 50.0])


class Noting:
    """Says of each frame of a window the grey value in its middle."""

    side, window, margin = 4, 10, 3

    def __init__(self) -> None:
        self.shown: list[np.ndarray] = []

    def look(self, windows: list[np.ndarray]) -> list[np.ndarray]:
        self.shown += windows
        return [window[self.margin : self.margin + self.window, 2, 2:3].astype(np.float32) for window in windows]


def picture(frame: int) -> np.ndarray:
    return np.full((60, 60, 3), frame, np.uint8)


def followed(first: int, n: int) -> Track:
    track = Track("face_landmarker")
    for frame in (first, first + n - 1):
        track.add(frame, BOX, 0.9, "face")
    return track


def watched(looker: Noting, track: Track, speech: np.ndarray, every: int = 7) -> np.ndarray | None:
    mouths = Mouths(looker, 0, speech)
    for frame in track.span:
        mouths.show(track, frame, picture(frame), BOX)
        if frame % every == 0:
            mouths.look()
    mouths.look(last=True)
    return mouths.seen(track)


@given(first=st.integers(0, 30), n=st.integers(1, 60), every=st.integers(1, 30))
def test_every_frame_of_a_mouth_is_looked_at_once_and_in_order(first, n, every):
    track = followed(first, n)
    seen = watched(Noting(), track, np.full(100, True), every)
    assert seen[:, 0].tolist() == list(track.span)


def test_a_window_sees_the_frames_around_it_and_repeats_those_at_the_ends():
    looker = Noting()
    watched(looker, followed(20, 13), np.full(100, True))
    assert [window[:, 2, 2].tolist() for window in looker.shown] == [
        [20, 20, 20, *range(20, 33)],
        [27, 28, 29, 30, 31, 32, *[32] * 10],
    ]


def test_nobody_looks_where_nobody_speaks():
    looker, speech = Noting(), np.full(100, False)
    assert watched(looker, followed(0, 30), speech) is None
    assert looker.shown == []
    speech[12] = True
    seen = watched(looker, followed(0, 30), speech)
    assert len(looker.shown) == 1
    assert seen[:, 0].tolist() == [0] * 10 + list(range(10, 20)) + [0] * 10


def test_the_mouth_lies_in_the_lower_half_of_the_box():
    scene = np.zeros((60, 60, 3), np.uint8)
    scene[38:] = 255
    mouth = mouth_of(scene, BOX, 28)
    assert mouth.shape == (28, 28)
    assert np.flatnonzero(mouth[:, 14] > 127)[0] == pytest.approx(14, abs=1)
