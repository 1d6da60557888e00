"""The level of the sound finds pauses that the segmentation bridges, and speech that it misses."""

import numpy as np
import pytest

from vidlib.engines.speech.diarization.speech_level import missed_speech, pauses, stands_out
from vidlib.media.audio import SAMPLE_RATE

STEP_S = 0.016875
"""As that of pyannote's segmentation."""


def found(sound: np.ndarray, probability: float) -> list[tuple[float, float]]:
    """The pauses in seconds, if the network is equally sure everywhere."""
    n_instants = int(len(sound) / SAMPLE_RATE / STEP_S) + 40
    mask = pauses(stands_out(sound, STEP_S, n_instants), np.full(n_instants, probability), STEP_S)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask[: int(len(sound) / SAMPLE_RATE / STEP_S)], [0]])))
    return [(round(float(a * STEP_S), 1), round(float(b * STEP_S), 1)) for a, b in edges.reshape(-1, 2)]


@pytest.fixture(scope="module")
def street() -> np.ndarray:
    """20 s of noise with two syllables a second; they pause at 5 to 7 s, 12 to 13 s, and at 16 s for a third."""
    noise = np.random.default_rng(0).normal(0, 0.01, 20 * SAMPLE_RATE).astype(np.float32)
    seconds = np.arange(len(noise)) / SAMPLE_RATE
    speaks = np.logical_or.reduce([(seconds >= a) & (seconds < b) for a, b in ((0, 5), (7, 12), (13, 16), (16.3, 20))])
    return noise * np.where(speaks, 6 + 4 * np.cos(4 * np.pi * seconds), 1).astype(np.float32)


def test_a_pause_in_noise_is_found_where_the_network_is_not_sure(street):
    assert found(street, 0.7) == [(5.0, 6.9), (12.0, 13.0)]


def test_what_the_network_is_sure_of_is_speech_however_quiet(street):
    assert found(street, 0.95) == []


def test_the_level_of_the_sound_makes_no_difference(street):
    assert found(street / 100, 0.7) == found(street, 0.7)


def test_somebody_who_talks_without_a_pause_has_none(street):
    assert found(street[: 5 * SAMPLE_RATE], 0.7) == []


def test_silence_and_an_empty_sound_have_no_speech_to_lose():
    assert found(np.zeros(SAMPLE_RATE, np.float32), 0.0) == [(0.0, 1.0)]
    assert stands_out(np.zeros(0, np.float32), STEP_S, 3).tolist() == [False] * 3


def test_missed_speech_is_a_stretch_that_the_second_detector_is_sure_of():
    detected = np.array([0.9] * 30 + [0.1] * 5 + [0.9] * 5 + [0.1] * 5 + [0.6] * 30)
    assert missed_speech(detected > 0, detected, STEP_S).nonzero()[0].tolist() == list(range(30))
    assert not missed_speech(detected < 0, detected, STEP_S).any()  # no louder than the noise
