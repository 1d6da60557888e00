"""Clustering and resegmentation on synthetic speaker embeddings."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vidlib.engines.speech.diarization.clustering import assign_clusters, cluster_speakers, cosine_similarity
from vidlib.engines.speech.diarization.postprocessing import postprocess
from vidlib.engines.speech.diarization.resegmentation import Activity, _speech, resegment
from vidlib.media.audio import SAMPLE_RATE
from vidlib.timeline import Segment, Turn, Turns, support

TRUSTED = np.ones(9, bool)


@pytest.fixture
def embeddings() -> np.ndarray:
    """Nine embeddings: three of each of three speakers, with a little noise."""
    speakers = np.eye(3, 192).repeat(3, axis=0)
    return (speakers + np.random.default_rng(0).normal(0, 0.01, speakers.shape)).astype(np.float32)


def test_each_speaker_is_one_cluster(embeddings):
    centroids = cluster_speakers(embeddings, TRUSTED, threshold=0.65)
    assert sorted(cosine_similarity(embeddings, centroids).argmax(axis=1).tolist()) == [0, 0, 0, 1, 1, 1, 2, 2, 2]


@pytest.mark.parametrize(("fewest", "most", "expected"), [(1, 2, 2), (1, 1, 1), (5, None, 5), (4, 4, 4), (50, None, 9)])
def test_there_are_as_many_speakers_as_requested(embeddings, fewest, most, expected):
    assert len(cluster_speakers(embeddings, TRUSTED, 0.65, fewest, most)) == expected


def test_an_embedding_that_is_not_trusted_forms_no_cluster(embeddings):
    assert len(cluster_speakers(embeddings, np.arange(9) < 6, threshold=0.65)) == 2
    assert len(cluster_speakers(embeddings, ~TRUSTED, threshold=0.65)) == 3


@pytest.mark.parametrize("threshold", [1e-9, 0.2, 0.5, 0.55, 0.6, 0.7, 1.0, 1.5, 1.999])
def test_any_threshold_forms_clusters(threshold):
    random = np.random.default_rng(0)
    for n in (1, 2, 3, 40):
        embeddings = random.normal(0, 1, (n, 8)).astype(np.float32)
        centroids = cluster_speakers(embeddings, random.random(n) < 0.7, threshold)
        assert 1 <= len(centroids) <= n
        assert np.allclose(np.linalg.norm(centroids, axis=1), 1)


@pytest.mark.parametrize("n_clusters", [1, 2, 3, 300])
def test_the_local_speakers_of_a_window_get_different_clusters(n_clusters):
    clusters = assign_clusters(np.random.default_rng(0).random((1000, 3, n_clusters)))
    named = clusters[clusters >= 0]
    assert set(named) == set(range(n_clusters))  # also beyond the 127 of 8 bits
    assert all(len(set(window[window >= 0])) == min(3, n_clusters) for window in clusters)


def test_two_speakers_with_one_label_are_told_apart():
    """Ten seconds of a loud speaker, then a soft one; the network takes both for the first, in every window."""
    loudness = np.repeat([0.1, 0.001], 5 * SAMPLE_RATE)
    sound = (np.random.default_rng(0).normal(0, 1, len(loudness)) * loudness).astype(np.float32)
    times = np.arange(0.01, 10, 0.02)
    first = np.stack([np.ones(len(times)), np.zeros(len(times))], axis=1)

    def by_level(features):
        is_soft = np.array([window.mean() < -7 for window in features])
        return np.stack([~is_soft, is_soft], axis=1).astype(np.float32)

    corrected = resegment(sound, np.eye(2), Activity(times, first > 0, first), 0.2, by_level)
    assert (corrected.speaks.sum(axis=1) == 1).all()
    wrong = corrected.speaks[:, 1] != (times > 5)
    assert wrong.mean() < 0.05  # half a window at the change
    own, other = (corrected.voices.confidence(Segment(6, 9), speaker) for speaker in (1, 0))
    assert own > 0.95 > 0.2 > other


def test_resegmentation_leaves_silence_unchanged():
    silent = Activity(np.arange(0.0, 1, 0.02), np.zeros((50, 2), bool), np.zeros((50, 2)))
    assert resegment(np.zeros(SAMPLE_RATE, np.float32), np.eye(2), silent, 0.2, np.stack) is silent


@given(speaks=st.lists(st.booleans(), min_size=2, max_size=60), gap_s=st.sampled_from([0.0, 0.02, 0.05, 0.2]))
def test_speech_is_the_support_of_the_instants_with_speakers(speaks, gap_s):
    times = 0.008 + 0.017 * np.arange(len(speaks))
    half_s = (times[1] - times[0]) / 2
    instants = [Segment(time - half_s, time + half_s) for time in np.maximum(times[speaks], half_s)]
    activity = Activity(times, np.array(speaks)[:, None], np.zeros((len(speaks), 1)))
    assert _speech(activity, gap_s) == support(instants, gap_s)


def test_with_too_many_speakers_those_who_speak_least_become_unnamed():
    turns = [Turn(0, 5, "a"), Turn(5, 6, "b"), Turn(6, 9, "c")]
    diarization = postprocess(turns, 10, min_gap_s=0.2, min_turn_s=0.1, max_speakers=2)
    assert [(turn.start_s, turn.speaker) for turn in diarization.turns] == [(0, "SPEAKER_00"), (6, "SPEAKER_01")]
    assert diarization.speech == [(0, 9)]


ms = st.integers(0, 12_000)
raw_turns = st.builds(
    lambda start, length, speaker: Turn(start / 1000, (start + length) / 1000, speaker),
    ms,
    st.integers(0, 5000),
    st.sampled_from("abc"),
)


@example(turns=[Turn(0.0, 0.2, "b"), Turn(0.8, 1.0, "a"), Turn(0.8, 1.0, "b")], max_speakers=None)
@given(turns=st.lists(raw_turns, max_size=12), max_speakers=st.sampled_from([None, 1, 2]))
def test_raw_turns_in_any_order_become_labelled_turns_within_the_sound(turns, max_speakers):
    options = {"min_gap_s": 0.3, "min_turn_s": 0.2, "max_speakers": max_speakers}
    diarization = postprocess(turns, 10.0, **options)
    assert diarization == postprocess(turns[::-1], 10.0, **options)
    assert diarization.turns == diarization.turns.support(0.2)
    assert diarization.speech == support([*diarization.speech, *diarization.turns.segments])
    assert all(0 <= turn.start_s < turn.stop_s <= 10 and turn.duration_s >= 0.2 for turn in diarization.turns)
    by_appearance = list(dict.fromkeys(turn.speaker for turn in diarization.turns))
    assert by_appearance == [f"SPEAKER_{n:02}" for n in range(len(by_appearance))]
    assert max_speakers is None or len(by_appearance) <= max_speakers
    assert isinstance(diarization.turns, Turns)
