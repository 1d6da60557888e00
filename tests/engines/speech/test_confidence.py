"""The confidence of turns and of speakers, from their embeddings."""

import numpy as np
import pytest

from vidlib.engines.speech.diarization.confidence import Voices
from vidlib.timeline import Segment

ANNA, BERTA, BETWEEN = np.eye(3)[0], np.eye(3)[1], np.array([0.72, 0.69, 0])


@pytest.fixture
def voices() -> Voices:
    """Anna from 0 to 4 s, then a voice between both."""
    middles_s = np.arange(0.5, 8, 0.25)
    embeddings = np.where((middles_s < 4)[:, None], ANNA, BETWEEN / np.linalg.norm(BETWEEN))
    return Voices(middles_s, embeddings, np.stack([ANNA, BERTA]))


def test_a_turn_that_resembles_its_speaker_alone_is_sure_and_one_between_two_is_not(voices):
    assert voices.confidence(Segment(0, 4), 0) > 0.97
    assert 0.4 < voices.confidence(Segment(4, 8), 0) < 0.6
    assert voices.confidence(Segment(0, 4), 1) < 0.2


def test_a_short_turn_is_less_sure_than_a_long_one(voices):
    short, long = (voices.confidence(Segment(0, stop_s), 0) for stop_s in (0.6, 4))
    assert short < long
    assert voices.confidence(Segment(0, 0.2), 0) < 0.4  # too short for an embedding


def test_speakers_who_sound_alike_may_be_one_person():
    one, like, other = ANNA, np.array([0.6, 0.8, 0]), np.eye(3)[2]
    pairs = {(a, b): p for a, b, p in Voices(np.zeros(0), np.zeros((0, 3)), np.stack([one, like, other])).alike()}
    assert pairs[0, 1] > 0.8
    assert pairs[0, 2] < 0.01
    assert len(pairs) == 3
