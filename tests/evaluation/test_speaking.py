"""Pauses: frames in which nobody can be said to be silent."""

import numpy as np

from tests import evaluated
from vidlib.evaluation import matching, speaking
from vidlib.evaluation.score import Score

PAIRS = matching.match_faces(evaluated.TRUTH, evaluated.found().tracks)


def figures(loudness: np.ndarray | None) -> dict[str, Score]:
    return {score.measure: score for score in speaking.scores(PAIRS, loudness)}


def test_sound_reaches_four_frames_to_each_side():
    loudness = np.zeros(30)
    loudness[10] = 1
    assert np.flatnonzero(speaking.audible(loudness)).tolist() == list(range(6, 15))


def test_frames_in_pauses_do_not_count_where_the_face_speaks():
    loudness = np.ones(evaluated.FRAMES)
    loudness[20:60] = 0
    with_pause, without = figures(loudness), figures(np.ones(evaluated.FRAMES))
    assert without["recall"].n - with_pause["recall"].n == 56 - 24  # sound reaches four frames far


def test_silent_faces_count_in_pauses_too():
    silence = figures(np.zeros(evaluated.FRAMES))
    assert silence["recall"].n == 0
    assert silence["recall"].value is None
    assert silence["right"].n == 20


def test_without_sound_every_frame_counts():
    assert figures(None)["recall"].n == figures(np.ones(evaluated.FRAMES))["recall"].n


def test_sound_that_ends_before_the_picture_is_silence_from_there_on():
    assert figures(np.ones(30))["recall"].n == 29  # frames 0 to 29, the flash left out
