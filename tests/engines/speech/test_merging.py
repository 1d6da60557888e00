"""Two speakers who are one person become one; people who speak at once stay two."""

import numpy as np
import pytest

from vidlib.engines.speech.diarization.confidence import Voices
from vidlib.engines.speech.diarization.merging import merge_speakers
from vidlib.engines.speech.diarization.resegmentation import Activity

TIMES = np.arange(0.05, 12, 0.1)
CENTROIDS = np.array([[1.0, 0, 0], [0.6, 0.8, 0], [0, 0, 1.0]])  # the first two sound alike


def activity(*periods: tuple[float, float]) -> Activity:
    """Each of three speakers speaks from one second to another, by the votes of all windows."""
    speaks = np.stack([(first <= TIMES) & (stop > TIMES) for first, stop in periods], axis=1)
    return Activity(TIMES, speaks, speaks.astype(np.float32), Voices(TIMES, np.zeros((len(TIMES), 3)), CENTROIDS))


def test_speakers_who_sound_alike_become_one_who_says_what_both_say():
    merged = merge_speakers(activity((0, 3), (3, 4), (5, 8)))
    assert merged.speaks.sum(axis=0).tolist() == [40, 30]
    assert merged.votes.sum(axis=0).tolist() == [40, 30]
    assert np.allclose(np.linalg.norm(merged.voices.centroids, axis=1), 1)
    assert (merged.voices.centroids @ CENTROIDS[0])[0] > 0.9  # who says more counts more


@pytest.mark.parametrize(("start_s", "speakers"), [(2.5, 2), (1.5, 3)], ids=["half a second at once", "1.5 s at once"])
def test_people_who_speak_at_once_for_a_second_stay_two(start_s, speakers):
    assert merge_speakers(activity((0, 3), (start_s, 6), (8, 9))).speaks.shape[1] == speakers


def test_no_fewer_speakers_remain_than_are_wanted():
    assert merge_speakers(activity((0, 3), (3, 4), (5, 8)), min_speakers=3).speaks.shape[1] == 3


def test_speakers_without_embeddings_stay():
    unheard = Activity(TIMES, np.ones((len(TIMES), 2), bool), np.ones((len(TIMES), 2)))
    assert merge_speakers(unheard) is unheard
