"""The pyannote pipeline at any threshold: on random output of its networks, which is cheap, and on a real meeting."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from vidlib.engines import speech
from vidlib.media.audio import SAMPLE_RATE, read_waveform

pytestmark = pytest.mark.slow  # the import of pyannote.audio takes seconds

MEETING = Path(__file__).parents[3] / "../shared/media/diarization/dev01.wav"
THRESHOLDS = [0.001, 0.1, 0.3, 0.5, 0.55, 0.6, 0.7, 0.9, 1.2, 1.999]
DURATION_S = 12


def voices(random: np.random.Generator, n: int, people: range, n_each: int) -> np.ndarray:
    """(n, 8) speaker embeddings of random ``people``, ``n_each`` in a row of one person."""
    persons = np.eye(8)[random.integers(people.start, people.stop, -(-n // n_each)).repeat(n_each)[:n]]
    return (persons + random.normal(0, 0.1, persons.shape)).astype(np.float32)


@pytest.fixture(scope="module")
def diarize():
    """The pipeline with random numbers in place of its networks: who speaks in a window, and all embeddings.

    Resegmentation hears other people than those of the clusters: some lose all turns, and some are added.
    """
    from vidlib.engines.speech.pyannote.imports import SlidingWindow, SlidingWindowFeature, SpeakerDiarization
    from vidlib.engines.speech.pyannote.pipeline import Pipeline, ShortTurnClustering

    class Untrained(Pipeline):
        def __init__(self, random: np.random.Generator, threshold: float):
            super(SpeakerDiarization, self).__init__()
            frames = SlidingWindow(start=0, duration=0.1, step=0.1)
            model = SimpleNamespace(specifications=SimpleNamespace(powerset=True), receptive_field=frames)
            self.voices = None
            self._detector = SimpleNamespace(speech_probability=lambda sound: self.random.random(len(sound) // 512))
            self.legacy = self._expects_num_speakers = False
            self.embedding_exclude_overlap = self._resegments = True
            self.random, self._segmentation = random, SimpleNamespace(model=model)
            self._embedding = SimpleNamespace(model_=SimpleNamespace(embed=self.embed))
            self.segmentation = SimpleNamespace(min_duration_off=0.2)
            self.clustering = ShortTurnClustering(metric="cosine", constrained_assignment=True)
            self.clustering.instantiate({"method": "complete", "min_cluster_size": 2, "threshold": threshold})

        def embed(self, windows):
            return voices(self.random, len(windows), range(4, 8), 12)

        def get_segmentations(self, file, hook=None):
            speaks = self.random.random((9, 10, 3)) < self.random.choice([0.2, 0.5])  # 9 windows, 3 local speakers
            windows = SlidingWindow(start=0, duration=10, step=0.25)
            probability = speaks.any(axis=2, keepdims=True).repeat(10, axis=1).astype(np.float32)
            self._segmentation.probability = SlidingWindowFeature(probability, windows)
            return SlidingWindowFeature(speaks.repeat(10, axis=1).astype(np.uint8), windows)

        def get_embeddings(self, file, binary_segmentations, exclude_overlap=False, hook=None):
            embeddings = voices(self.random, 9 * 3, range(6), 3).reshape(9, 3, 8)
            embeddings[self.random.random((9, 3)) < 0.2] = np.nan  # speech too short for an embedding
            return embeddings

    def run(seed: int, threshold: float):
        sound = np.random.default_rng(0).normal(0, 0.1, DURATION_S * SAMPLE_RATE).astype(np.float32)
        pipeline = Untrained(np.random.default_rng(seed), threshold)
        return pipeline.apply({"sound": sound, "uri": "sound"}, min_speakers=1, max_speakers=None), pipeline.votes

    return run


@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_any_threshold_names_speakers_who_have_votes(diarize, threshold):
    for seed in range(4):
        annotation, votes = diarize(seed, threshold)
        labels = annotation.labels()
        assert labels
        assert set(labels) <= set(range(votes.data.shape[1]))
        assert ((votes.data >= 0) & (votes.data <= 1)).all()


def test_each_of_many_speakers_has_the_confidence_of_the_own_votes():
    from vidlib.engines.speech.pyannote.engine import _to_diarization
    from vidlib.engines.speech.pyannote.imports import SlidingWindow, SlidingWindowFeature, SpeakerDiarization

    confidences = np.linspace(0.1, 0.9, 12)
    frames = SlidingWindow(duration=0.1, step=0.1)
    speaks = np.eye(12, dtype=bool).repeat(10, axis=0)
    speaks[:, 5] = False  # a speaker without turns
    annotation = SpeakerDiarization.to_annotation(SlidingWindowFeature(speaks, frames))
    votes = SlidingWindowFeature(np.tile(confidences, (len(speaks), 1)), frames)
    pipeline = SimpleNamespace(votes=votes, voices=None)
    turns = _to_diarization(annotation, pipeline, 12.0, 0.1).turns
    assert [turn.confidence for turn in turns] == pytest.approx(np.delete(confidences, 5).tolist(), abs=1e-3)


@pytest.mark.skipif(not MEETING.is_file(), reason="the shared media are not here")
@pytest.mark.parametrize("threshold", [0.01, 0.5])
def test_any_threshold_works_on_a_meeting(threshold):
    """Resegmentation adds a speaker here, and takes all turns from another."""
    with speech.open_diarizer("pyannote", "cpu", speech.Options(threshold=threshold)) as engine:
        assert len(engine.diarize(read_waveform(MEETING)).turns.speakers) >= 2
