"""What every speech engine keeps, on the real voices that pyannote.audio carries: 30 s, two people."""

import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from vidlib import devices, media, vault
from vidlib.engines import speech
from vidlib.errors import EngineUnavailable, GpuFailed, UnknownName

SETTINGS = {"threshold": 0.7, "min_gap_s": 0.2, "min_turn_s": 0.1}
SAMPLE = Path(find_spec("pyannote.metrics").origin).parents[1] / "audio/sample"
RATE = media.SAMPLE_RATE


@pytest.fixture(scope="module", params=speech.DIARIZERS)
def engine(request):
    with speech.open_diarizer(request.param, "cpu", **SETTINGS) as opened:
        yield opened


@pytest.fixture(scope="module")
def sample() -> np.ndarray:
    return media.waveform(SAMPLE / "sample.wav")


@pytest.fixture(scope="module")
def dialogue(sample) -> np.ndarray:
    """Twelve seconds in which both speak."""
    return sample[6 * RATE : 18 * RATE]


def error_rate(found: speech.Diarization, truth: Path) -> float:
    """Diarization error rate without collar, overlap counted."""
    from pyannote.core import Annotation, Segment, Timeline
    from pyannote.database.util import load_rttm
    from pyannote.metrics.diarization import DiarizationErrorRate

    turns = Annotation()
    for number, turn in enumerate(found.turns):
        turns[Segment(turn.start_s, turn.stop_s), number] = turn.speaker
    reference = load_rttm(truth)["sample"]
    return DiarizationErrorRate()(reference, turns, uem=Timeline([Segment(0, 30)]))


def test_two_voices_are_told_apart(engine, sample):
    told = []
    found = engine.diarize(sample, report=lambda done, total: told.append((done, total)))
    assert error_rate(found, SAMPLE / "sample.rttm") < 0.08
    first_seen = list(dict.fromkeys(turn.speaker for turn in found.turns))
    assert first_seen == ["SPEAKER_00", "SPEAKER_01"]
    assert all(0 < turn.confidence <= 1 for turn in found.turns)
    assert told == sorted(told)
    assert told[-1] == (30, 30)


def test_the_same_sound_gives_the_same_answer(engine, dialogue):
    assert engine.diarize(dialogue) == engine.diarize(dialogue)


def test_speech_covers_every_turn_once(engine, dialogue):
    found = engine.diarize(dialogue)
    assert found.turns == sorted(found.turns)
    assert found.speech == speech.joined(found.speech)
    assert speech.joined([*found.speech, *((turn.start_s, turn.stop_s) for turn in found.turns)]) == found.speech


def test_no_more_speakers_are_found_than_asked_for(engine, dialogue):
    assert {turn.speaker for turn in engine.diarize(dialogue, max_speakers=1).turns} == {"SPEAKER_00"}


def test_a_request_for_more_speakers_than_there_are_is_no_error(engine, dialogue):
    assert engine.diarize(dialogue[: 2 * RATE], min_speakers=5).turns


@pytest.mark.parametrize("n_samples", [1, 400, RATE])
def test_noise_of_any_length_is_nobody(engine, n_samples):
    noise = np.random.default_rng(0).normal(0, 0.01, n_samples).astype(np.float32)
    assert engine.diarize(noise) == speech.Diarization([], [])


def test_an_instant_of_speech_is_no_error(engine, dialogue):
    found = engine.diarize(dialogue[: RATE * 3 // 10])
    assert all(stop_s <= 0.3 for _, stop_s in found.speech)


@pytest.mark.parametrize("name", speech.DIARIZERS)
def test_a_model_that_was_used_hears_what_a_fresh_one_does(name, dialogue, warm):
    silence = np.zeros(RATE, np.float32)
    assert warm.same_each_time(
        lambda: speech.open_diarizer(name, "cpu", **SETTINGS),
        lambda engine, sound: engine.diarize(sound),
        (dialogue, silence, dialogue[: 5 * RATE]),
    )


@pytest.mark.parametrize("name", speech.DIARIZERS)
def test_any_number_of_cores_gives_the_same_answer(name, dialogue, on_cores):
    def heard() -> speech.Diarization:
        with speech.open_diarizer(name, "cpu", **SETTINGS) as engine:
            return engine.diarize(dialogue)

    assert on_cores(1, heard) == on_cores(2, heard) == on_cores(3, heard)


def test_torch_keeps_the_number_of_threads_that_it_had(engine, dialogue):
    import torch

    before = torch.get_num_threads()
    engine.diarize(dialogue[: 3 * RATE])
    assert torch.get_num_threads() == before


@pytest.mark.parametrize("name", speech.DIARIZERS)
def test_speech_too_short_for_a_turn_names_nobody(name, dialogue):
    with speech.open_diarizer(name, "cpu", threshold=0.7, min_gap_s=0, min_turn_s=60) as engine:
        found = engine.diarize(dialogue)
    assert found.turns == []
    assert found.speech


@pytest.mark.gpu
@pytest.mark.skipif(devices.cuda_problem() is not None, reason="no GPU that torch can use")
@pytest.mark.parametrize("name", speech.DIARIZERS)
def test_gpu_agrees_with_cpu(engine, name, dialogue):
    with speech.open_diarizer(name, "cuda", **SETTINGS) as on_gpu:
        turns = on_gpu.diarize(dialogue).turns
    for one, other in zip(turns, engine.diarize(dialogue).turns, strict=True):
        assert one.speaker == other.speaker
        assert (one.start_s, one.stop_s) == pytest.approx((other.start_s, other.stop_s), abs=0.05)


def test_voice_prints_in_onnx_runtime_are_those_of_torch():
    import torch

    from vidlib.engines import campplus, speech_pyannote

    features = torch.randn(157, campplus.N_MELS, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = campplus.load(vault.path("speaker_embedding"))(features[None])[0]
        found = speech_pyannote._in_onnxruntime()(features)
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("error", [MemoryError, "torch.OutOfMemoryError", "torch.AcceleratorError"])
def test_only_the_gpus_own_failures_are_called_so(error):
    import torch

    from vidlib.engines.speech_pyannote import _gpu_failures

    kind = getattr(torch, error.removeprefix("torch.")) if isinstance(error, str) else error
    with pytest.raises(GpuFailed), _gpu_failures("cuda"):
        raise kind("out of memory")
    with pytest.raises(kind), _gpu_failures("cpu"):
        raise kind("out of memory")
    with pytest.raises(ValueError, match="a bug"), _gpu_failures("cuda"):
        raise ValueError("a bug")


def test_nothing_is_sent_or_asked_for_while_it_runs(engine):
    from huggingface_hub import constants
    from pyannote.audio.telemetry.metrics import is_metrics_enabled

    assert not is_metrics_enabled()
    assert constants.HF_HUB_OFFLINE


def test_an_unknown_engine_is_named_with_the_known_ones():
    with pytest.raises(UnknownName, match="known: pyannote"), speech.open_diarizer("pianote", "cpu", **SETTINGS):
        pass


def test_a_missing_package_is_named_with_its_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "vidlib.engines.speech_pyannote", None)
    missing = pytest.raises(EngineUnavailable, match="pip install torch pyannote-audio")
    with missing as caught, speech.open_diarizer("pyannote", "cpu", **SETTINGS):
        pass
    assert isinstance(caught.value.__cause__, ImportError)
