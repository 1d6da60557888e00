"""Voice prints made up here: which belong together, and who speaks when the network was wrong."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidlib.engines.speech import diarization, joined
from vidlib.engines.speech.diarization.clustering import clusters, likeness
from vidlib.engines.speech.diarization.resegmentation import Heard, _spoken, hear_again
from vidlib.media.audio import SAMPLE_RATE

TRUSTED = np.ones(9, bool)


@pytest.fixture
def prints() -> np.ndarray:
    """Nine prints of three voices, a little different each time."""
    voices = np.eye(3, 192).repeat(3, axis=0)
    return (voices + np.random.default_rng(0).normal(0, 0.01, voices.shape)).astype(np.float32)


def test_each_voice_is_one_person(prints):
    people = clusters(prints, TRUSTED, threshold=0.65)
    assert sorted(likeness(prints, people).argmax(axis=1).tolist()) == [0, 0, 0, 1, 1, 1, 2, 2, 2]


@pytest.mark.parametrize(("fewest", "most", "found"), [(1, 2, 2), (1, 1, 1), (5, None, 5), (4, 4, 4), (50, None, 9)])
def test_there_are_as_many_people_as_asked_for(prints, fewest, most, found):
    assert len(clusters(prints, TRUSTED, 0.65, fewest, most)) == found


def test_a_print_that_is_not_trusted_makes_nobody(prints):
    assert len(clusters(prints, np.arange(9) < 6, threshold=0.65)) == 2
    assert len(clusters(prints, ~TRUSTED, threshold=0.65)) == 3


def test_two_people_taken_for_one_are_told_apart():
    """Ten seconds: a loud voice, then a soft one; the network took both for the first, in every window."""
    loudness = np.repeat([0.1, 0.001], 5 * SAMPLE_RATE)
    sound = (np.random.default_rng(0).normal(0, 1, len(loudness)) * loudness).astype(np.float32)
    times = np.arange(0.01, 10, 0.02)
    first = np.stack([np.ones(len(times)), np.zeros(len(times))], axis=1)

    def by_level(features):
        is_soft = np.array([piece.mean() < -7 for piece in features])
        return np.stack([~is_soft, is_soft], axis=1).astype(np.float32)

    again = hear_again(sound, np.eye(2), Heard(times, first > 0, first), 0.2, by_level)
    assert (again.speaks.sum(axis=1) == 1).all()
    wrong = again.speaks[:, 1] != (times > 5)
    assert wrong.mean() < 0.05  # by half a window at the change
    assert again.votes[times < 4, 0].mean() > 0.99  # both agree
    assert 0.4 < again.votes[times > 6, 1].mean() < 0.6  # they contradict each other


def test_where_nobody_speaks_nothing_changes():
    silent = Heard(np.arange(0.0, 1, 0.02), np.zeros((50, 2), bool), np.zeros((50, 2)))
    assert hear_again(np.zeros(SAMPLE_RATE, np.float32), np.eye(2), silent, 0.2, np.stack) is silent


@given(speaks=st.lists(st.booleans(), min_size=2, max_size=60), gap_s=st.sampled_from([0.0, 0.02, 0.05, 0.2]))
def test_speech_is_that_of_the_instants_joined(speaks, gap_s):
    times = 0.008 + 0.017 * np.arange(len(speaks))
    half_s = (times[1] - times[0]) / 2
    own = [(time - half_s, time + half_s) for time in np.maximum(times[speaks], half_s)]
    assert _spoken(Heard(times, np.array(speaks)[:, None], np.zeros((len(speaks), 1))), gap_s) == joined(own, gap_s)


def test_where_there_are_too_many_those_who_speak_least_are_nobody():
    found = diarization([(0, 5, "a"), (5, 6, "b"), (6, 9, "c")], 10, 0.2, 0.1, max_speakers=2)
    assert [(turn.start_s, turn.speaker) for turn in found.turns] == [(0, "SPEAKER_00"), (6, "SPEAKER_01")]
    assert found.speech == [(0, 9)]
