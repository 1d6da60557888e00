"""A looker that notes what it is shown: each frame has its own number as its grey value."""

from concurrent.futures import Future

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidlib.tracking.association import Track
from vidlib.tracking.mouth_crops import Mouths, mouth_of

BOX = np.array([10.0, 10.0, 50.0, 50.0])


class Noting:
    """Says of each frame of a window the grey value in its middle."""

    side, window, margin = 4, 10, 3

    def __init__(self) -> None:
        self.shown: list[np.ndarray] = []

    def encode_mouth(self, crops: np.ndarray) -> Future[np.ndarray]:
        self.shown.append(crops)
        seen: Future[np.ndarray] = Future()
        seen.set_result(crops[self.margin : len(crops) - self.margin, 2, 2:3].astype(np.float32))
        return seen


def picture(frame: int) -> np.ndarray:
    return np.full((60, 60, 3), frame, np.uint8)


def followed(first: int, n: int) -> Track:
    track = Track("face_landmarker")
    for frame in (first, first + n - 1):
        track.add(frame, BOX, 0.9, "face")
    return track


def watched(looker: Noting, track: Track, speech: np.ndarray, past_end: int = 0) -> np.ndarray | None:
    mouths = Mouths(looker, 0, speech)
    for frame in range(track.span.start, track.span.stop + past_end):
        mouths.show(track, frame, picture(frame), BOX)
    return mouths.seen(track)


@given(first=st.integers(0, 30), n=st.integers(1, 60), past_end=st.integers(0, 25))
def test_every_frame_of_a_mouth_is_looked_at_once_and_in_order(first, n, past_end):
    track = followed(first, n)
    seen = watched(Noting(), track, np.full(200, True), past_end)
    assert seen[:, 0].tolist() == list(track.span)


def test_a_window_sees_the_frames_around_it_and_repeats_those_at_the_ends():
    looker = Noting()
    watched(looker, followed(20, 13), np.full(100, True))
    assert [window[:, 2, 2].tolist() for window in looker.shown] == [
        [20, 20, 20, *range(20, 33)],
        [27, 28, 29, 30, 31, 32, 32, 32, 32],
    ]


@given(speech=st.lists(st.booleans(), min_size=60, max_size=60))
def test_nobody_looks_where_nobody_speaks_and_somebody_wherever_one_does(speech):
    looker, track = Noting(), followed(0, 60)
    seen = watched(looker, track, np.array(speech))
    if seen is None:
        assert not any(speech) and looker.shown == []
    else:
        assert seen[speech][:, 0].tolist() == np.flatnonzero(speech).tolist()
        assert all(value in (0, frame) for frame, value in enumerate(seen[:, 0].tolist()))
    for window in looker.shown:
        shown = window[3:-3, 2, 2]
        assert speech[shown[0]] and speech[shown[-1]]


def test_the_mouth_lies_in_the_lower_half_of_the_box():
    scene = np.zeros((60, 60, 3), np.uint8)
    scene[38:] = 255
    mouth = mouth_of(scene, BOX, 28)
    assert mouth.shape == (28, 28)
    assert np.flatnonzero(mouth[:, 14] > 127)[0] == pytest.approx(14, abs=1)
