"""One speaker who is two, found by speaker embeddings alone."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vidlib.engines.speech.diarization.splitting import split_clusters


def embeddings_of(*speakers: tuple[int, int], noise: float = 0.6) -> np.ndarray:
    """(n, 192) embeddings for each ``(speaker, n)``, around one direction for each speaker."""
    rng = np.random.default_rng(5)
    return np.concatenate([np.eye(192)[[who]] + noise / 14 * rng.standard_normal((n, 192)) for who, n in speakers])


@given(n=st.integers(6, 40), noise=st.floats(0, 0.8))
def test_one_speaker_stays_one(n, noise):
    speakers, origins = split_clusters(embeddings_of((0, n), noise=noise), np.zeros(n, int), 1)
    assert origins == [0]
    assert (speakers == 0).all()


@given(first=st.integers(3, 40), second=st.integers(3, 40), third=st.integers(3, 40))
def test_three_speakers_with_one_label_become_three(first, second, third):
    embeddings = embeddings_of((0, first), (1, second), (2, third))
    speakers, origins = split_clusters(embeddings, np.zeros(len(embeddings), int), 1)
    assert origins == [0, 0, 0]
    groups = [set(group.tolist()) for group in np.split(speakers, np.cumsum([first, second]))]
    assert sorted(speaker for group in groups for speaker in group) == [0, 1, 2]


def test_other_speakers_and_windows_of_nobody_are_left_alone():
    embeddings = embeddings_of((0, 8), (1, 5), (2, 6), (3, 2))
    speakers, origins = split_clusters(embeddings, np.repeat([0, 0, 1, -1], [8, 5, 6, 2]), 2)
    assert origins == [0, 1, 0]
    assert speakers.tolist() == [0] * 8 + [2] * 5 + [1] * 6 + [-1] * 2


def test_a_few_windows_are_no_speaker():
    assert split_clusters(embeddings_of((0, 20), (1, 2)), np.zeros(22, int), 1)[1] == [0]


def test_there_are_never_more_speakers_than_requested():
    embeddings = embeddings_of((0, 8), (1, 8), (2, 8))
    assert split_clusters(embeddings, np.zeros(24, int), 1, max_speakers=2)[1] == [0, 0]
    assert split_clusters(embeddings, np.zeros(24, int), 1, max_speakers=1)[1] == [0]


def test_a_sample_of_very_many_windows_decides_for_all():
    embeddings = embeddings_of((0, 3000), (1, 1500))
    speakers, _ = split_clusters(embeddings, np.zeros(4500, int), 1)
    assert speakers.tolist() == [0] * 3000 + [1] * 1500
