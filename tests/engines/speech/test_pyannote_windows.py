"""Batches of windows give the same numbers, to the last digit, as pyannote.audio on the whole sound."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidlib.engines import speech
from vidlib.engines.speech.diarization.aggregation import aggregate_activity, most_active
from vidlib.media.audio import SAMPLE_RATE, read_waveform

pytestmark = pytest.mark.slow

VOICES = Path(find_spec("pyannote.metrics").origin).parents[1] / "audio/sample/sample.wav"
WINDOWS = {"start": 0.0, "duration": 10 / SAMPLE_RATE, "step": 3 / SAMPLE_RATE}
FRAMES = {"start": 0.0, "duration": 0.3, "step": 0.21}


def windows_of(sound: np.ndarray) -> list[list[float]]:
    """The `WINDOWS` into which `Inference.slide` cuts a sound; silence pads the last one."""
    whole = [sound[start : start + 10].tolist() for start in range(0, len(sound) - 9, 3)]
    rest = sound[3 * len(whole) :]
    return whole + ([[*rest, *[0.0] * (10 - len(rest))]] if len(sound) < 10 or (len(sound) - 10) % 3 else [])


@given(n_samples=st.integers(1, 400))
def test_the_windows_of_the_batches_are_those_of_the_whole(n_samples):
    from vidlib.engines.speech.pyannote.imports import SlidingWindow
    from vidlib.engines.speech.pyannote.windows import batches

    sound = np.arange(1, n_samples + 1, dtype=np.float32)
    expected, windows = windows_of(sound), []
    for indices, n_windows, file in batches(sound, SlidingWindow(**WINDOWS)):
        batch = windows_of(file["waveform"][0].numpy())
        assert (indices.start, indices.stop) == (len(windows), len(windows) + len(batch))
        assert n_windows == len(expected)
        windows += batch
    assert windows == expected


@pytest.mark.skipif(not VOICES.is_file(), reason="pyannote.audio carries no sample here")
def test_segmentation_and_embeddings_do_not_depend_on_the_batches(monkeypatch):
    """In 12.5 seconds there are three whole windows and one that reaches beyond the end."""
    import torch

    from vidlib.engines.speech.pyannote import pipeline as pipeline_module
    from vidlib.engines.speech.pyannote import windows
    from vidlib.engines.speech.pyannote.imports import Inference, SpeakerDiarization

    for module in (windows, pipeline_module):
        monkeypatch.setattr(module, "BATCH", 2)
    sound = read_waveform(VOICES)[6 * SAMPLE_RATE :][: SAMPLE_RATE * 25 // 2]
    whole = {"waveform": torch.from_numpy(sound)[None], "sample_rate": SAMPLE_RATE, "uri": "whole"}
    with speech.open_diarizer("pyannote", "cpu", speech.Options()) as engine, torch.inference_mode():
        pipeline = engine._pipeline
        batched = pipeline._segmentation
        segmentation = batched({"sound": sound})
        assert segmentation.data.dtype == np.uint8
        original = Inference(batched.model, skip_aggregation=True, duration=batched.duration, step=batched.step)
        np.testing.assert_array_equal(segmentation.data, original(whole).data)
        likely = batched.probability.data[..., 0] > 0.5
        assert (likely == segmentation.data.any(axis=-1)).mean() > 0.99
        embeddings = pipeline.get_embeddings({"sound": sound}, segmentation, exclude_overlap=True)
        expected = SpeakerDiarization.get_embeddings(pipeline, whole, segmentation, True)
        np.testing.assert_array_equal(embeddings, expected)


@given(seed=st.integers(0, 999), binary=st.booleans(), n_windows=st.integers(1, 9))
def test_who_speaks_in_each_instant_is_what_the_pipeline_says(seed, binary, n_windows):
    """Up to four speakers; two local speakers may be one or nobody, and more may speak at once than there are."""
    from vidlib.engines.speech.pyannote.imports import (
        Inference,
        SlidingWindow,
        SlidingWindowFeature,
        SpeakerDiarization,
    )

    rng = np.random.default_rng(seed)
    scores = rng.random((n_windows, 20, 3)).astype(np.float32)
    data = (scores > 0.5).astype(np.uint8) if binary else scores
    windows = SlidingWindowFeature(data, SlidingWindow(4.2, 0.42, 0.0))
    every = SlidingWindowFeature(np.ones((n_windows, 20, 1)), windows.sliding_window)
    in_windows = Inference.aggregate(every, SlidingWindow(**FRAMES), missing=0.0, skip_average=True)
    instants, n_instants = in_windows.sliding_window, len(in_windows.data)
    speakers = np.append(0, rng.choice([-2, 0, 1, 2, 3], 3 * n_windows - 1)).reshape(n_windows, 3)
    count = SlidingWindowFeature(rng.integers(0, 6, (n_instants, 1)), instants)
    expected = SpeakerDiarization.reconstruct(SpeakerDiarization, windows, speakers, count)

    starts = [windows.sliding_window[n].start for n in range(n_windows)]
    firsts = [instants.closest_frame(start + instants.duration / 2) for start in starts]
    activity, covering = aggregate_activity(windows.data, firsts, speakers, n_instants)
    np.testing.assert_array_equal(covering, in_windows.data)
    np.testing.assert_array_equal(most_active(activity, count.data[:, 0]), expected.data)
