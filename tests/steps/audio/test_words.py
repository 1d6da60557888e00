"""The transcript of *audio*: words in the turns of their speakers, and what happens without them."""

from contextlib import nullcontext
from pathlib import Path

import pytest
from pydantic import ValidationError

from tests import sample_media as made
from tests.steps.audio.listening import TURNS, VOICES, listen
from vidlib import vault
from vidlib.engines.speech import words as transcription
from vidlib.errors import Cancelled, ParamError, WeightError
from vidlib.protocols import Transcript
from vidlib.results.exports import rttm, words_table
from vidlib.steps import audio
from vidlib.steps.base import Manifest, Step
from vidlib.timeline import Word


def test_text_is_written_if_the_engine_transcribes(fake, clip, tmp_path):
    assert listen(clip, tmp_path / "without").captions is None
    fake.words = (Word(0.1, 0.4, "Well,", "SPEAKER_00"), Word(0.5, 0.9, "yes.", "SPEAKER_00"))
    outputs = listen(clip, tmp_path / "with")
    assert "00:00:00.100 --> 00:00:00.900\n<v SPEAKER_00>Well, yes.\n" in outputs.captions.read_text()
    assert words_table.read(outputs.words) == list(fake.words)
    assert outputs.transcriber == "lemonfox"
    assert {"speech.vtt", "speech.srt", "words.parquet"} <= Manifest.read(tmp_path / "with").files.keys()


class FakeTranscriber:
    """Hears one word, in each segment of speech, and a language; knows French alone."""

    def __init__(self):
        self.language: str | None = None
        self.error: Exception | None = None

    def open(self, name, device, folder):
        if self.error:
            raise self.error
        return nullcontext(self)

    def knows(self, language):
        return language == "fr"

    def transcribe(self, waveform, speech, *, language, report):
        self.language = language
        report(1, 1)
        return Transcript(tuple(Word(s.start_s, s.stop_s, "oui") for s in speech), "fr")


@pytest.fixture
def transcriber(monkeypatch) -> FakeTranscriber:
    """A words engine whose weights are on this machine."""
    engine = FakeTranscriber()
    monkeypatch.setattr(transcription.TRANSCRIBERS, "open", engine.open)
    monkeypatch.setattr(vault, "has", lambda name: True)
    monkeypatch.setattr(vault, "path", lambda name: Path(name))
    return engine


def test_words_get_the_speaker_and_the_limits_of_the_turn_that_they_lie_in(fake, transcriber, clip, tmp_path):
    reports = []
    inputs = audio.Inputs(video=clip, frames=made.N_FRAMES, out_dir=tmp_path)
    outputs = audio.run(inputs, audio.Params(device="cpu"), report=lambda *report: reports.append(report))
    words = words_table.read(outputs.words)
    assert [(word.start_s, word.stop_s, word.speaker) for word in words] == [
        (0.1, 0.9, "SPEAKER_00"),
        (1.4, 1.8, "SPEAKER_01"),
        (1.78, 1.8, "SPEAKER_01"),  # speech without a speaker, just after the turn
    ]
    assert (outputs.transcriber, outputs.language, outputs.no_words) == ("whisper-base", "fr", None)
    assert reports[-1] == (1.0, 1)


def test_without_weights_the_step_works_and_says_why_there_is_no_text(fake, clip, tmp_path):
    outputs = listen(clip, tmp_path / "auto")
    assert (outputs.words, outputs.fallback) == (None, None)
    assert "vidlib models fetch" in outputs.no_words
    assert listen(clip, tmp_path / "off", words="off").no_words is None
    with pytest.raises(WeightError, match=r"'whisper_base'.* are not on this machine.*vidlib models fetch"):
        listen(clip, tmp_path / "named", words="whisper-base")
    with pytest.raises(WeightError, match=r"no model 'whisper'.*expected model\.bin"):
        listen(clip, tmp_path / "own", words="whisper")


def test_a_video_without_speech_loads_no_words_engine(tmp_path, monkeypatch):
    monkeypatch.setattr(vault, "has", lambda name: True)
    outputs = listen(made.silent(tmp_path / "silent.mp4"), tmp_path / "out", words="whisper-base")
    assert (outputs.words, outputs.no_words) == (None, None)


@pytest.mark.parametrize(("language", "code"), [("", ""), ("fr", "fr"), ("french", "fr")])
def test_the_language_may_be_given_by_code_or_by_name(fake, transcriber, clip, tmp_path, language, code):
    listen(clip, tmp_path, language=language)
    assert transcriber.language == code


def test_a_language_that_the_model_does_not_know_is_refused(fake, transcriber, clip, tmp_path):
    with pytest.raises(ParamError, match=r"audio\.language = 'klingon': whisper-base does not know it"):
        listen(clip, tmp_path, language="klingon")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (MemoryError("std::bad_alloc"), "MemoryError: std::bad_alloc"),
        (RuntimeError("Unsupported model binary\nversion"), "RuntimeError: Unsupported model binary version"),
        (WeightError("model.bin is damaged"), "model.bin is damaged"),
    ],
)
@pytest.mark.parametrize("wanted", ["auto", "whisper-base"])
def test_a_words_engine_that_fails_leaves_an_item_to_check(fake, transcriber, clip, tmp_path, error, reason, wanted):
    transcriber.error = error
    outputs = listen(clip, tmp_path, words=wanted)
    assert rttm.read(outputs.turns) == TURNS
    assert (outputs.words, outputs.captions, outputs.transcriber) == (None, None, "")
    message = f"there are no words, because whisper-base did not work: {reason}"
    assert outputs.no_words == message
    assert message in {item.message for item in outputs.doubts}


def test_a_cancelled_transcription_cancels_the_step(fake, transcriber, clip, tmp_path):
    transcriber.error = Cancelled()
    with pytest.raises(Cancelled):
        listen(clip, tmp_path)


def test_a_misspelt_words_engine_is_refused_with_the_nearest_name():
    with pytest.raises(ValidationError, match="'wisper' is not auto, off or a words engine; did you mean 'whisper'"):
        audio.Params(words="wisper")
    assert audio.Params(words=False).words == "off"  # as YAML reads it


def test_words_change_the_fingerprint_only_where_their_weights_are(monkeypatch, tmp_path):
    def ingredients(**params):
        inputs = audio.Inputs(video=VOICES, frames=1, out_dir=tmp_path)
        return Step(audio).ingredients(inputs, audio.Params(**params))

    off = ingredients(words="off")
    assert ingredients() | {"params": off["params"]} == off
    assert "words" not in ingredients()["params"]
    monkeypatch.setattr(vault, "has", lambda name: True)
    assert ingredients()["weights"].keys() - off["weights"].keys() == set(transcription.weights("whisper-base"))
    assert ingredients()["tools"].keys() - off["tools"].keys() == {"ctranslate2"}
    assert ingredients(words="off") == off
    assert not ingredients(engines="lemonfox")["weights"]  # which finds the words itself
