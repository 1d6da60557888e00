"""A sound that is heard a piece at a time is heard as pyannote.audio hears the whole, to the last digit."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vidlib.engines import speech
from vidlib.engines.speech.diarization.aggregation import heard_around, most_heard
from vidlib.engines.speech.pyannote import engine as speech_pyannote
from vidlib.engines.speech.pyannote import windows as pyannote_windows
from vidlib.engines.speech.pyannote.imports import Inference, SlidingWindow, SlidingWindowFeature, SpeakerDiarization
from vidlib.engines.speech.pyannote.windows import pieces
from vidlib.media.audio import SAMPLE_RATE, read_waveform

VOICES = Path(find_spec("pyannote.metrics").origin).parents[1] / "audio/sample/sample.wav"
WINDOWS = SlidingWindow(start=0.0, duration=10 / SAMPLE_RATE, step=3 / SAMPLE_RATE)
FRAMES = SlidingWindow(start=0.0, duration=0.3, step=0.21)


def windows_of(sound: np.ndarray) -> list[list[float]]:
    """As `Inference.slide` cuts it into `WINDOWS`, the last one filled up with silence."""
    whole = [sound[start : start + 10].tolist() for start in range(0, len(sound) - 9, 3)]
    rest = sound[3 * len(whole) :]
    return whole + ([[*rest, *[0.0] * (10 - len(rest))]] if len(sound) < 10 or (len(sound) - 10) % 3 else [])


@given(n_samples=st.integers(1, 400))
def test_the_windows_of_the_pieces_are_those_of_the_whole(n_samples):
    sound = np.arange(1, n_samples + 1, dtype=np.float32)
    expected, found = windows_of(sound), []
    for at, n_windows, file in pieces(sound, WINDOWS):
        own = windows_of(file["waveform"][0].numpy())
        assert (at.start, at.stop, n_windows) == (len(found), len(found) + len(own), len(expected))
        found += own
    assert found == expected


@pytest.mark.skipif(not VOICES.is_file(), reason="pyannote.audio carries no sample here")
def test_voices_and_their_prints_do_not_depend_on_the_pieces(monkeypatch):
    """In 12.5 seconds there are three whole windows and one that reaches beyond the end."""
    for module in (pyannote_windows, speech_pyannote):
        monkeypatch.setattr(module, "BATCH", 2)
    sound = read_waveform(VOICES)[6 * SAMPLE_RATE :][: SAMPLE_RATE * 25 // 2]
    whole = {"waveform": torch.from_numpy(sound)[None], "sample_rate": SAMPLE_RATE, "uri": "whole"}
    with speech.open_diarizer("pyannote", "cpu", speech.Options()) as engine, torch.inference_mode():
        pipeline = engine._pipeline
        expected, found = Inference.__call__(pipeline._segmentation, whole), pipeline._segmentation({"sound": sound})
        assert found.data.dtype == np.uint8
        np.testing.assert_array_equal(found.data, expected.data)
        prints = pipeline.get_embeddings({"sound": sound}, found, exclude_overlap=True)
        np.testing.assert_array_equal(prints, SpeakerDiarization.get_embeddings(pipeline, whole, found, True))


@given(seed=st.integers(0, 999), binary=st.booleans(), n_windows=st.integers(1, 9))
def test_who_speaks_in_each_instant_is_what_the_pipeline_says(seed, binary, n_windows):
    """Of four people at most; two voices of a window may be of one, or nobody's, and more may speak than there are."""
    rng = np.random.default_rng(seed)
    said = rng.random((n_windows, 20, 3)).astype(np.float32)
    windows = SlidingWindowFeature((said > 0.5).astype(np.uint8) if binary else said, SlidingWindow(4.2, 0.42, 0.0))
    every = SlidingWindowFeature(np.ones((n_windows, 20, 1)), windows.sliding_window)
    in_windows = Inference.aggregate(every, FRAMES, missing=0.0, skip_average=True)
    instants, n_instants = in_windows.sliding_window, len(in_windows.data)
    people = np.append(0, rng.choice([-2, 0, 1, 2, 3], 3 * n_windows - 1)).reshape(n_windows, 3)
    count = SlidingWindowFeature(rng.integers(0, 6, (n_instants, 1)), instants)
    expected = SpeakerDiarization.reconstruct(SpeakerDiarization, windows, people, count)

    starts = [windows.sliding_window[n].start for n in range(n_windows)]
    firsts = [instants.closest_frame(start + instants.duration / 2) for start in starts]
    heard, around = heard_around(windows.data, firsts, people, n_instants)
    np.testing.assert_array_equal(around, in_windows.data)
    np.testing.assert_array_equal(most_heard(heard, count.data[:, 0]), expected.data)
