"""A model that records what it gets: the grey value of each frame is the frame's own number."""

from concurrent.futures import Future

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidlib.tracking.association import Track
from vidlib.tracking.mouth_crops import MouthEncoder, crop_mouth

BOX = np.array([10.0, 10.0, 50.0, 50.0])


class Recorder:
    """Encodes each frame of a window as the grey value at its centre."""

    side, window, margin = 4, 10, 3

    def __init__(self) -> None:
        self.windows: list[np.ndarray] = []

    def encode_mouth(self, crops: np.ndarray) -> Future[np.ndarray]:
        self.windows.append(crops)
        encoded: Future[np.ndarray] = Future()
        encoded.set_result(crops[self.margin : len(crops) - self.margin, 2, 2:3].astype(np.float32))
        return encoded


def picture(frame: int) -> np.ndarray:
    return np.full((60, 60, 3), frame, np.uint8)


def track_of(first: int, n: int) -> Track:
    track = Track("face_landmarker")
    for frame in (first, first + n - 1):
        track.add(frame, BOX, 0.9, "face")
    return track


def encode(model: Recorder, track: Track, speech: np.ndarray, past_end: int = 0) -> np.ndarray | None:
    mouths = MouthEncoder(model, 0, speech)
    for frame in range(track.span.start, track.span.stop + past_end):
        mouths.add_frame(track, frame, picture(frame), BOX)
    return mouths.features(track)


@given(first=st.integers(0, 30), n=st.integers(1, 60), past_end=st.integers(0, 25))
def test_every_frame_of_a_mouth_is_encoded_once_and_in_order(first, n, past_end):
    track = track_of(first, n)
    features = encode(Recorder(), track, np.full(200, True), past_end)
    assert features[:, 0].tolist() == list(track.span)


def test_a_window_has_the_frames_around_it_and_repeats_those_at_the_ends():
    model = Recorder()
    encode(model, track_of(20, 13), np.full(100, True))
    assert [window[:, 2, 2].tolist() for window in model.windows] == [
        [20, 20, 20, *range(20, 33)],
        [27, 28, 29, 30, 31, 32, 32, 32, 32],
    ]


@given(speech=st.lists(st.booleans(), min_size=60, max_size=60))
def test_mouths_are_encoded_wherever_there_is_speech_and_no_window_begins_or_ends_without(speech):
    model = Recorder()
    features = encode(model, track_of(0, 60), np.array(speech))
    if features is None:
        assert not any(speech) and model.windows == []
    else:
        assert features[speech][:, 0].tolist() == np.flatnonzero(speech).tolist()
        assert all(value in (0, frame) for frame, value in enumerate(features[:, 0].tolist()))
    for window in model.windows:
        frames = window[3:-3, 2, 2]
        assert speech[frames[0]] and speech[frames[-1]]


def test_the_mouth_lies_in_the_lower_half_of_the_box():
    face = np.zeros((60, 60, 3), np.uint8)
    face[38:] = 255
    mouth = crop_mouth(face, BOX, 28)
    assert mouth.shape == (28, 28)
    assert np.flatnonzero(mouth[:, 14] > 127)[0] == pytest.approx(14, abs=1)
