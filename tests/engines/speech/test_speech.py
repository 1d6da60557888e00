"""The contract of every speech engine, on the sample of pyannote.audio: 30 s, two speakers.

A local server replaces Lemonfox. It knows the sample, and locates the part that a request contains.
"""

import functools
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

from tests.engines.speech.lemonfox_server import fake_lemonfox, replies_with, transcript
from vidlib import vault
from vidlib.engines import speech
from vidlib.engines.speech.loudness import normalize_loudness
from vidlib.errors import EngineUnavailable, GpuFailed, UnknownName
from vidlib.machine import devices
from vidlib.media.audio import SAMPLE_RATE, StoredSamples, read_waveform
from vidlib.protocols import Diarization
from vidlib.results.exports import rttm
from vidlib.settings import settings
from vidlib.timeline import Segment, Turns, support

OPTIONS = speech.Options()
SAMPLE = Path(find_spec("pyannote.metrics").origin).parents[1] / "audio/sample"
RATE = SAMPLE_RATE


MAX_ERROR_RATE = {"pyannote": 0.06, "light": 0.2, "lemonfox": 0.02}
"""Largest diarization error rate on the sample."""

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not SAMPLE.is_dir(), reason="pyannote.audio carries no sample here")]


@pytest.fixture(scope="module", autouse=True)
def lemonfox() -> Iterator[None]:
    """Replace Lemonfox by a local server."""
    with pytest.MonkeyPatch.context() as patch, fake_lemonfox(transcribes_the_sample) as server:
        patch.setenv("VIDLIB_LEMONFOX_URL", server.url)
        patch.setenv("VIDLIB_LEMONFOX_KEY", "fox-secret")
        patch.setenv("NO_PROXY", "127.0.0.1")
        settings.cache_clear()
        yield
    settings.cache_clear()


def transcribes_the_sample(handler) -> None:
    """Reply with the true turns in a part of the sample, and with none for any other sound.

    All turns have one speaker if the request allows only one.
    """
    form = handler.server.fake.requests[-1].form
    with TemporaryDirectory() as folder:
        (Path(folder) / "sound.flac").write_bytes(form["file"])
        sound = read_waveform(Path(folder) / "sound.flac")
    only_one = form.get("max_speakers") == b"1"
    within = part_of_sample(sound)
    segments = [
        (part.start_s - within.start_s, part.stop_s - within.start_s, "A" if only_one else turn.speaker, "word")
        for turn in rttm.read(SAMPLE / "sample.rttm")
        if (part := turn.segment & within)
    ]
    replies_with(200, transcript(*segments))(handler)


def part_of_sample(sound: np.ndarray) -> Segment:
    """The part of the sample that ``sound`` is; an empty one for any other sound."""
    whole = whole_sample()
    for start in range(0, len(whole) - len(sound) + 1, RATE):
        if sound.any() and np.allclose(whole[start : start + len(sound)], sound, atol=1e-3):
            return Segment(start / RATE, (start + len(sound)) / RATE)
    return Segment(0.0, 0.0)


@functools.cache
def whole_sample() -> np.ndarray:
    return read_waveform(SAMPLE / "sample.wav")


@pytest.fixture(scope="module", params=list(speech.DIARIZERS))
def engine(request):
    with speech.open_diarizer(request.param, "cpu", OPTIONS) as opened:
        yield opened


@pytest.fixture(scope="module")
def sample() -> np.ndarray:
    return whole_sample()


@pytest.fixture(scope="module")
def dialogue(sample) -> np.ndarray:
    """Twelve seconds in which both speak."""
    return sample[6 * RATE : 18 * RATE]


@pytest.fixture(scope="module")
def found(engine, dialogue) -> Diarization:
    """The answer of an engine for the dialogue."""
    return engine.diarize(dialogue)


def error_rate(diarization: Diarization, truth: Path) -> float:
    """Diarization error rate without collar, overlap counted."""
    from pyannote.core import Annotation, Segment, Timeline
    from pyannote.database.util import load_rttm
    from pyannote.metrics.diarization import DiarizationErrorRate

    turns = Annotation()
    for number, turn in enumerate(diarization.turns):
        turns[Segment(turn.start_s, turn.stop_s), number] = turn.speaker
    reference = load_rttm(truth)["sample"]
    return DiarizationErrorRate()(reference, turns, uem=Timeline([Segment(0, 30)]))


def test_two_speakers_are_told_apart(engine, sample):
    progress = []
    found = engine.diarize(sample, report=lambda done, total: progress.append((done, total)))
    assert error_rate(found, SAMPLE / "sample.rttm") < MAX_ERROR_RATE[engine.name]
    first_seen = list(dict.fromkeys(turn.speaker for turn in found.turns))
    assert first_seen == ["SPEAKER_00", "SPEAKER_01"]
    assert all(0 < turn.confidence <= 1 for turn in found.turns)
    assert progress == sorted(progress)
    assert progress[-1] == (30, 30)


def test_a_sample_of_the_embeddings_of_a_long_sound_finds_the_speakers(sample, monkeypatch):
    from vidlib.engines.speech.pyannote import pipeline

    # in so short a sound, a sample of the embeddings may miss one more answer: 0.044 or 0.070, depending on the sample
    monkeypatch.setattr(pipeline, "MAX_CLUSTERED", 10)
    with speech.open_diarizer("pyannote", "cpu", OPTIONS) as engine:
        assert error_rate(engine.diarize(sample), SAMPLE / "sample.rttm") < 0.08


def test_the_same_sound_gives_the_same_answer_also_where_it_is_not_in_memory(engine, dialogue, found, tmp_path):
    dialogue.tofile(tmp_path / "sound.f32")
    with open(tmp_path / "sound.f32", "rb") as file:
        assert engine.diarize(StoredSamples(file, len(dialogue))) == found


def test_speech_covers_every_turn_once(found):
    assert found.turns == sorted(found.turns)
    assert isinstance(found.turns, Turns)
    assert found.speech == support(found.speech)
    assert found.speech == support([*found.speech, *found.turns.segments])


def test_no_more_speakers_are_found_than_requested(engine, dialogue):
    assert {turn.speaker for turn in engine.diarize(dialogue, max_speakers=1).turns} == {"SPEAKER_00"}


def test_as_many_speakers_are_found_as_requested_or_fewer(engine, dialogue):
    turns = engine.diarize(dialogue, min_speakers=3, max_speakers=3).turns
    assert 2 <= len({turn.speaker for turn in turns}) <= 3


def test_a_request_for_more_speakers_than_there_are_is_no_error(engine, dialogue):
    assert engine.diarize(dialogue[: 2 * RATE], min_speakers=5).turns


@pytest.mark.parametrize("n_samples", [1, 400, RATE])
def test_noise_of_any_length_is_nobody(engine, n_samples):
    noise = np.random.default_rng(0).normal(0, 0.01, n_samples).astype(np.float32)
    assert engine.diarize(noise) == Diarization([], [])


def test_a_tone_is_nobody(engine):
    tone = np.sin(2 * np.pi * 440 * np.arange(2 * RATE) / RATE).astype(np.float32) / 8
    assert engine.diarize(tone).turns == []


def test_an_instant_of_speech_is_no_error(engine, dialogue):
    found = engine.diarize(dialogue[: RATE * 3 // 10])
    assert all(segment.stop_s <= 0.3 for segment in found.speech)


@pytest.mark.parametrize("name", list(speech.DIARIZERS))
def test_a_used_model_gives_the_same_answer_as_a_fresh_one(name, dialogue, warm):
    silence = np.zeros(RATE, np.float32)
    assert warm.same_each_time(
        lambda: speech.open_diarizer(name, "cpu", OPTIONS),
        lambda engine, sound: engine.diarize(sound),
        (dialogue[: 6 * RATE], silence),
    )


@pytest.mark.parametrize("name", list(speech.DIARIZERS))
def test_any_number_of_cores_gives_the_same_answer(name, dialogue, on_cores):
    def heard() -> Diarization:
        with speech.open_diarizer(name, "cpu", OPTIONS) as engine:
            return engine.diarize(dialogue[: 6 * RATE])

    assert on_cores(1, heard) == on_cores(3, heard)


def test_torch_keeps_the_number_of_threads_that_it_had(engine, dialogue):
    import torch

    before = torch.get_num_threads()
    engine.diarize(dialogue[: 3 * RATE])
    assert torch.get_num_threads() == before


@pytest.mark.parametrize("name", list(speech.DIARIZERS))
def test_speech_too_short_for_a_turn_names_nobody(name, dialogue):
    with speech.open_diarizer(name, "cpu", speech.Options(min_gap_s=0, min_turn_s=60)) as engine:
        found = engine.diarize(dialogue)
    assert found.turns == []
    assert found.speech


@pytest.mark.gpu
@pytest.mark.parametrize("name", [name for name in speech.DIARIZERS if speech.DIARIZERS.uses_gpu(name)])
def test_gpu_agrees_with_cpu(engine, name, dialogue):
    if problem := devices.cuda_problem():  # not in a mark, where each process would import torch to collect the tests
        pytest.skip(problem)
    with speech.open_diarizer(name, "cuda", OPTIONS) as on_gpu:
        turns = on_gpu.diarize(dialogue).turns
    for one, other in zip(turns, engine.diarize(dialogue).turns, strict=True):
        assert one.speaker == other.speaker
        assert (one.start_s, one.stop_s) == pytest.approx((other.start_s, other.stop_s), abs=0.05)


def test_speaker_embeddings_in_onnx_runtime_are_those_of_torch():
    import torch

    from vidlib.engines.speech.diarization import campplus
    from vidlib.engines.speech.pyannote.embedding import load_onnx

    features = torch.randn(157, campplus.N_MELS, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = campplus.load(vault.path("speaker_embedding"))(features[None])[0]
        found = load_onnx()(features)
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("error", [MemoryError, "torch.OutOfMemoryError", "torch.AcceleratorError"])
def test_only_failures_of_the_gpu_raise_gpu_failed(error):
    import torch

    from vidlib.engines.speech.pyannote.engine import _gpu_failures

    kind = getattr(torch, error.removeprefix("torch.")) if isinstance(error, str) else error
    with pytest.raises(GpuFailed), _gpu_failures("cuda"):
        raise kind("out of memory")
    with pytest.raises(kind), _gpu_failures("cpu"):
        raise kind("out of memory")
    with pytest.raises(ValueError, match="a bug"), _gpu_failures("cuda"):
        raise ValueError("a bug")


def test_pyannote_sends_no_metrics_and_asks_no_hub():
    import_module("vidlib.engines.speech.pyannote.imports")  # first: the others read its settings during their import
    from huggingface_hub import constants
    from pyannote.audio.telemetry import metrics

    assert not metrics.is_metrics_enabled()
    assert constants.HF_HUB_OFFLINE


def test_pyannote_is_imported_without_torchs_compiler_which_works_afterwards():
    code = """
import sys
from vidlib.engines.speech.pyannote import imports
print(sorted({"torch._dynamo", "torchcodec"} & set(sys.modules)))
import torch
print(torch._dynamo.is_compiling(), torch.compiler.disable(len)("four"))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "False 4"]


def test_an_unknown_engine_is_named_with_the_known_ones():
    known = pytest.raises(UnknownName, match="known: lemonfox, light, pyannote")
    with known, speech.open_diarizer("pianote", "cpu", OPTIONS):
        pass


def test_a_missing_package_is_named_with_its_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "vidlib.engines.speech.pyannote.engine", None)
    missing = pytest.raises(EngineUnavailable, match="pip install torch pyannote-audio")
    with missing as caught, speech.open_diarizer("pyannote", "cpu", OPTIONS):
        pass
    assert isinstance(caught.value.__cause__, ImportError)


def test_the_light_engine_needs_no_torch():
    """After CAM++ was converted, which the other tests here do."""
    with speech.open_diarizer("light", "cpu", OPTIONS):
        pass
    code = """
import sys
sys.modules["torch"] = sys.modules["silero_vad"] = None  # as if neither were installed
from pathlib import Path
from vidlib.media.audio import read_waveform
from vidlib.engines import speech
with speech.open_diarizer("light", "cpu", speech.Options()) as engine:
    print(len(engine.diarize(read_waveform(Path(sys.argv[1]))[: 12 * 16_000]).turns))
"""
    done = subprocess.run(
        [sys.executable, "-c", code, SAMPLE / "sample.wav"], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) > 1


def test_features_are_those_of_kaldi(dialogue):
    import torch

    from vidlib.engines.speech.features import N_MELS, log_mel
    from vidlib.engines.speech.pyannote.imports import fbank

    expected = fbank(torch.tensor(dialogue)[None], num_mel_bins=N_MELS, sample_frequency=RATE, dither=0.0)
    np.testing.assert_allclose(log_mel(dialogue), expected.numpy(), atol=1e-2)
    assert log_mel(dialogue[:399]).shape == (0, N_MELS)


@pytest.mark.parametrize("gain", [0.1, 1, 3])
def test_loudness_is_the_same_after_any_gain(dialogue, gain):
    expected = normalize_loudness(dialogue, -23)[:]
    # not to the last digit: in a louder sound, more of the quiet blocks pass the gate
    np.testing.assert_allclose(normalize_loudness(dialogue * np.float32(gain), -23)[:], expected, rtol=0.02, atol=1e-6)
    silence = np.zeros(RATE, np.float32)
    assert normalize_loudness(silence, -23) is silence


def test_overlapping_windows_share_an_embedding_and_too_short_speech_has_none(sample):
    """Windows of ten seconds that start at 0, 1 and 2 s; the speaker talks from 7 s on."""
    import torch

    from vidlib.engines.runtime.pool import Pool
    from vidlib.engines.speech.pyannote.embedding import EmbeddingModel

    windows = torch.from_numpy(np.stack([sample[start * RATE :][: 10 * RATE] for start in (0, 1, 2)]))[:, None]

    def speaks(*lengths_s: float) -> torch.Tensor:
        weights = torch.zeros(3, 1000)
        for window, length_s in enumerate(lengths_s):
            weights[window, 700 - 100 * window :][: round(100 * length_s)] = 1
        return weights

    with Pool(nullcontext, 2) as threads:
        model = EmbeddingModel("cpu", threads)
        long = model(windows, speaks(2, 3, 3))
        assert (long[0] == long[1]).all() and (long[1] == long[2]).all()
        anew = model(windows, speaks(1, 3, 3))
        assert (anew[0] != anew[1]).any() and (anew[1] == anew[2]).all()
        short = model(windows, speaks(0.15, 0.25, 0.25))
        assert short[0].isnan().all() and short[1:].isfinite().all()
