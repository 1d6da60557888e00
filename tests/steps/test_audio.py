"""Audio: turns in three files that agree; silence is a result."""

import json
import subprocess
from contextlib import nullcontext
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from tests import sample_media as made
from vidlib import vault
from vidlib.engines.speech import Options
from vidlib.engines.speech import words as transcription
from vidlib.errors import BrokenOutput, Cancelled, EngineUnavailable, GpuFailed, OutOfMemory, ParamError, WeightError
from vidlib.machine import commands, devices
from vidlib.media.audio import read_waveform
from vidlib.params import read_params
from vidlib.protocols import Diarization, Transcript
from vidlib.results.exports import rttm, speech_json, speech_table, words_table
from vidlib.settings import settings
from vidlib.steps import audio
from vidlib.steps.audio import engine_choice
from vidlib.steps.base import Manifest, Step
from vidlib.timeline import Segment, Turn, Turns, Word

MEDIA = Path(__file__).parents[2] / "../shared/media"
VOICES = Path(find_spec("pyannote.metrics").origin).parents[1] / "audio/sample/sample.wav"

TURNS = Turns(
    [
        Turn(0.1, 0.9, "SPEAKER_00", 0.95),
        Turn(0.8, 1.2, "SPEAKER_01", 0.85),
        Turn(1.4, 1.8, "SPEAKER_01", 0.4),
    ]
)
SPEECH = [Segment(0.1, 1.2), Segment(1.4, 1.8), Segment(1.9, 1.95)]


class FakeEngines:
    """Every engine at once: each finds `TURNS` in any sound and records its arguments; its GPU may fail.

    Engines in ``broken`` raise the error given there.
    """

    waveform: np.ndarray
    speakers: dict

    def __init__(self, turns=TURNS, broken_gpu=False):
        self.turns, self.broken_gpu, self.words = turns, broken_gpu, ()
        self.broken: dict[str, Exception] = {}
        self.opened: list[str] = []

    def open(self, name, device, options):
        self.opened.append(name)
        self.device, self.options = device, options
        if name in self.broken:
            raise self.broken[name]
        return self

    def diarize(self, waveform, *, report, **speakers):
        if self.device == "cuda" and self.broken_gpu:
            raise GpuFailed("CUDA out of memory")
        self.waveform, self.speakers = waveform, speakers
        return Diarization(self.turns, SPEECH, self.words)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        pass


@pytest.fixture
def fake(monkeypatch) -> FakeEngines:
    engine = FakeEngines()
    monkeypatch.setattr(engine_choice, "open_diarizer", engine.open)
    return engine


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    """50 frames with a tone."""
    return made.clip(tmp_path_factory.mktemp("clip") / "clip.mp4")


@pytest.fixture(scope="module")
def dialogue(tmp_path_factory) -> Path:
    """300 frames in which two real people speak, six seconds after the beginning of the sample."""
    path = tmp_path_factory.mktemp("dialogue") / "dialogue.mp4"
    picture = ["-f", "lavfi", "-i", "color=size=64x48:rate=25:duration=12"]
    sound = ["-ss", "6", "-t", "12", "-i", str(VOICES)]
    subprocess.run(
        [commands.find_program("ffmpeg"), "-v", "error", *picture, *sound, "-shortest", str(path)], check=True
    )
    return path


def with_tracks(path: Path, *tracks: str, languages: tuple[str, ...] = ()) -> Path:
    """Twelve seconds of picture, and one audio track for each filter graph over the dialogue's sound ``[1:a]``."""
    picture = ["-f", "lavfi", "-i", "color=size=64x48:rate=25:duration=12"]
    sound = ["-ss", "6", "-t", "12", "-i", str(VOICES)]
    graph = ";".join(f"[1:a]{track}[t{number}]" for number, track in enumerate(tracks))
    maps = [arg for number in range(len(tracks)) for arg in ("-map", f"[t{number}]")]
    tags = [arg for n, name in enumerate(languages) for arg in (f"-metadata:s:a:{n}", f"language={name}")]
    output = ["-filter_complex", graph, "-map", "0:v", *maps, *tags, "-ar", "48000", str(path)]
    subprocess.run([commands.find_program("ffmpeg"), "-v", "error", *picture, *sound, *output], check=True)
    return path


SPEECH_TRACK, SILENT_TRACK = "anull", "volume=0"
TONE_TRACK = "volume=0,aeval=0.2*sin(2*PI*440*t):c=same"
FIRST_HALF, SECOND_HALF = "volume=0:enable='gte(t,6)'", "volume=0:enable='lt(t,6)'"
QUESTIONS = "between(t,4,5.5)+between(t,8,9.5)"
MOST = "volume=0:enable='gte(t,8.5)'"
FIRST_PART = "volume=0:enable='gte(t,4)'"


def listen(video: Path, out_dir: Path, frames: int = made.N_FRAMES, device: str = "cpu", **params) -> audio.Outputs:
    return audio.run(audio.Inputs(video=video, frames=frames, out_dir=out_dir), audio.Params(device=device, **params))


def is_silent(outputs: audio.Outputs, frames: int) -> bool:
    rows = speech_table.read(outputs.table).to_pylist()
    assert outputs.turns.read_bytes() == b""
    assert json.loads(outputs.speech.read_text())["turns"] == []
    assert (outputs.engine, outputs.n_speakers, outputs.speech_s, outputs.doubts) == ("none", 0, 0, ())
    return rows == [{"frame": n, "is_speech": False, "speakers": []} for n in range(1, frames + 1)]


def test_a_video_without_sound_is_silent_from_end_to_end(tmp_path):
    outputs = listen(made.silent(tmp_path / "silent.mp4"), tmp_path / "out")
    assert is_silent(outputs, made.N_FRAMES)
    Manifest.read(tmp_path / "out").check(tmp_path / "out")


def test_an_empty_track_is_silent_too(tmp_path):
    video = made.clip(tmp_path / "empty.mp4", options=["-af", "volume=0"])
    assert is_silent(listen(video, tmp_path / "out"), made.N_FRAMES)


def test_the_files_contain_the_turns_of_the_engine(fake, clip, tmp_path):
    outputs = listen(clip, tmp_path, min_speakers=2, max_speakers=3, threshold=0.5)
    assert rttm.read(outputs.turns) == speech_json.read(outputs.speech) == TURNS
    rows = speech_table.read(outputs.table).to_pylist()
    assert rows[20] == {"frame": 21, "is_speech": True, "speakers": ["SPEAKER_00", "SPEAKER_01"]}
    assert rows[48] == {"frame": 49, "is_speech": True, "speakers": []}
    assert (outputs.n_speakers, outputs.speech_s) == (2, 1.55)
    assert fake.speakers == {"min_speakers": 2, "max_speakers": 3}
    assert fake.options == Options(threshold=0.5, min_gap_s=0.2, min_turn_s=0.1)
    assert (fake.opened, outputs.engine, outputs.fallback) == (["pyannote"], "pyannote", None)


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


def test_sound_after_the_last_frame_is_not_listened_to(fake, clip, tmp_path):
    with pytest.raises(BrokenOutput, match="not within"):
        listen(clip, tmp_path, frames=40)
    assert len(fake.waveform) == 40 / 25 * 16_000


def test_doubts_begin_with_those_that_matter_most(fake, clip, tmp_path):
    doubts = listen(clip, tmp_path, min_speakers=3).doubts
    assert [(item.message, item.frame, item.confidence, item.frames) for item in doubts] == [
        ("2 speakers were found, 3 were expected", None, 0.0, 0),
        ("is this really SPEAKER_01, for 0.4 s?", 35, 0.4, 10),
        ("SPEAKER_01 says only 0.8 s: is it another speaker?", 20, 0.85, 20),
        ("is this really SPEAKER_01, for 0.4 s?", 20, 0.85, 10),
        ("SPEAKER_00 says only 0.8 s: is it another speaker?", 2, 0.95, 20),
    ]
    assert [item.about for item in doubts if item.kind == "speaker"] == ["SPEAKER_01", "SPEAKER_01"]


def test_speech_at_once_is_a_question_of_its_own_where_both_turns_are_sure(fake, clip, tmp_path):
    fake.turns = Turns([TURNS[0], replace(TURNS[1], confidence=0.92)])
    messages = [item.message for item in listen(clip, tmp_path).doubts if item.kind in ("speaker", "overlap")]
    assert messages == ["do SPEAKER_00 and SPEAKER_01 really speak at once?"]


def test_a_gpu_that_fails_is_the_reason_of_the_fallback(fake, clip, tmp_path, monkeypatch):
    monkeypatch.setattr(devices, "cuda_problem", lambda: None)
    fake.broken_gpu = True
    outputs = listen(clip, tmp_path, device="auto")
    assert (outputs.device, outputs.fallback) == ("cpu", "CUDA out of memory")
    with pytest.raises(GpuFailed):
        listen(clip, tmp_path / "cuda", device="cuda")


def test_a_missing_gpu_is_refused(fake, clip, tmp_path, monkeypatch):
    monkeypatch.setattr(devices, "cuda_problem", lambda: "there is no GPU")
    with pytest.raises(EngineUnavailable, match="there is no GPU"):
        listen(clip, tmp_path, device="cuda")


def test_files_that_disagree_are_not_published(fake, clip, tmp_path):
    outputs = listen(clip, tmp_path)
    inputs = audio.Inputs(video=clip, frames=made.N_FRAMES, out_dir=tmp_path)
    rttm.write(outputs.turns, TURNS[:1])
    with pytest.raises(BrokenOutput, match="different turns"):
        audio.verify(inputs, outputs)
    rttm.write(outputs.turns, TURNS)
    speech_table.write(outputs.table, 49, [], TURNS)
    with pytest.raises(BrokenOutput, match="49 rows"):
        audio.verify(inputs, outputs)


def test_the_first_engine_that_works_runs_with_the_reason_of_the_fallback(fake, clip, tmp_path):
    fake.broken["lemonfox"] = EngineUnavailable("lemonfox answered 503; attempts: 5. Try again later")
    fake.broken["light"] = WeightError("the weights 'voice_activity' are not on this machine")
    outputs = listen(clip, tmp_path, engines="lemonfox,light,pyannote")
    assert fake.opened == ["lemonfox", "light", "pyannote"]
    assert outputs.engine == "pyannote"
    assert outputs.fallback == (
        "not lemonfox: lemonfox answered 503; attempts: 5. Try again later; "
        "not light: the weights 'voice_activity' are not on this machine"
    )


def test_where_no_engine_works_each_says_why(fake, clip, tmp_path):
    fake.broken = {name: EngineUnavailable(f"no {name} today") for name in ("pyannote", "light")}
    with pytest.raises(EngineUnavailable, match="not pyannote: no pyannote today; not light: no light today"):
        listen(clip, tmp_path)
    with pytest.raises(EngineUnavailable, match=r"^no light today$"):
        listen(clip, tmp_path / "light", engines="light")


def test_an_engine_that_fails_gives_way_and_an_item_to_check_says_why(fake, clip, tmp_path, caplog):
    fake.broken["pyannote"] = IndexError("index 5 is out of bounds\nfor axis 0")
    outputs = listen(clip, tmp_path)
    reason = "IndexError: index 5 is out of bounds for axis 0"
    assert (outputs.engine, outputs.fallback) == ("light", f"not pyannote: {reason}")
    assert f"light found the speakers, because pyannote did not work: {reason}" in {
        item.message for item in outputs.doubts
    }
    assert "Traceback" in caplog.text


def test_the_error_of_a_single_engine_stays_what_it_is(fake, clip, tmp_path):
    fake.broken["pyannote"] = IndexError("index 5 is out of bounds")
    with pytest.raises(IndexError, match=r"^index 5 is out of bounds$"):
        listen(clip, tmp_path, engines="pyannote")


@pytest.mark.parametrize("error", [Cancelled(), OutOfMemory("8 GB are not enough"), MemoryError()])
def test_no_other_engine_is_tried_where_the_step_has_to_stop(fake, clip, tmp_path, error):
    fake.broken["pyannote"] = error
    with pytest.raises(type(error)):
        listen(clip, tmp_path)
    assert fake.opened == ["pyannote"]


def test_with_device_cuda_no_engine_without_a_gpu_runs(fake, clip, tmp_path, monkeypatch):
    monkeypatch.setattr(devices, "cuda_problem", lambda: None)
    fake.broken["pyannote"] = EngineUnavailable("pyannote is broken")
    with pytest.raises(EngineUnavailable, match="pyannote is broken"):
        listen(clip, tmp_path, device="cuda")
    with pytest.raises(EngineUnavailable, match="engine 'light' does not use a GPU"):
        listen(clip, tmp_path, device="cuda", engines="light")
    assert fake.opened == ["pyannote"]


def test_unknown_engines_are_refused_with_the_known_ones():
    assert audio.Params(engines=["light", "pyannote"]).engines == audio.Params(engines="light, pyannote").engines
    with pytest.raises(ValidationError, match=r"did you mean 'light'. known: lemonfox, light, pyannote"):
        audio.Params(engines="pyannote,lihgt")
    with pytest.raises(ValidationError, match="twice"):
        audio.Params(engines="light,light")
    with pytest.raises(ValidationError, match="'' is not a known speech engine"):
        audio.Params(engines="light,")


def test_only_the_weights_that_can_be_loaded_count():
    of = {engines: audio.weights(audio.Params(engines=engines)) for engines in ("pyannote,light", "light", "lemonfox")}
    assert of == {
        "pyannote,light": ("speech_segmentation", "speaker_embedding", "voice_activity"),
        "light": ("voice_activity", "speaker_embedding"),
        "lemonfox": (),
    }
    assert audio.weights(audio.Params(engines="pyannote", pyannote_model="community-1")) == ()


def test_community_1_is_used_where_the_operator_has_it_and_changes_the_fingerprint(tmp_path, monkeypatch):
    monkeypatch.setenv("VIDLIB_MODELS_DIR", str(tmp_path))
    settings.cache_clear()
    params = audio.Params(engines="pyannote")
    assert params.options.model == ""
    assert "speech_segmentation" in audio.weights(params)
    (tmp_path / "community-1").mkdir()
    assert (params.options.model, audio.weights(params)) == ("community-1", ())
    assert audio.Params(pyannote_model="vault").options.model == ""
    assert audio.Params(pyannote_model="own").options.model == "own"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"min_speakers": 3, "max_speakers": 2}, "min_speakers 3 is more than max_speakers 2"),
        ({"num_speakers": 2, "min_speakers": 3}, "num_speakers 2 is less than min_speakers 3; give one of them"),
        ({"num_speakers": 4, "max_speakers": 3}, "num_speakers 4 is more than max_speakers 3; give one of them"),
    ],
)
def test_a_wrong_number_of_speakers_is_refused_before_any_work(given, says):
    with pytest.raises(ValidationError, match=says):
        audio.Params(**given)
    with pytest.raises(ParamError, match=says) as caught:
        read_params({"audio": audio.Params}, (), [f"audio.{name}={value}" for name, value in given.items()])
    assert caught.value.exit_code == 2


def test_a_number_of_speakers_is_the_fewest_and_the_most(fake, clip, tmp_path):
    listen(clip, tmp_path, num_speakers=3)
    assert fake.speakers == {"min_speakers": 3, "max_speakers": 3}


@pytest.mark.parametrize("name", ["../elsewhere", "/models", ".", ".."])
def test_a_pipeline_is_a_name_and_no_path(name):
    with pytest.raises(ValidationError, match="pattern"):
        audio.Params(pyannote_model=name)


@pytest.mark.slow
def test_real_speech_gives_the_same_bytes_twice(dialogue, tmp_path):
    first = listen(dialogue, tmp_path / "first", frames=300)
    listen(dialogue, tmp_path / "second", frames=300)
    assert first.n_speakers == 2
    assert first.speech_s > 8
    for name in ("speech.rttm", "speech.json", "speech.parquet"):
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()


@pytest.mark.slow
@pytest.mark.skipif(not (MEDIA / "film.mp4").is_file(), reason="the shared media are not here")
def test_the_speakers_of_a_film_are_told_apart(tmp_path):
    """Six speakers in turns of three seconds. The truth includes pauses, so the test compares speakers alone."""
    outputs = listen(MEDIA / "film.mp4", tmp_path, frames=1251)
    truth = rttm.read(MEDIA / "film.rttm")
    speakers = {}
    for turn in rttm.read(outputs.turns):
        middle = (turn.start_s + turn.stop_s) / 2
        [speaker] = {true.speaker for true in truth if true.start_s <= middle < true.stop_s}
        speakers.setdefault(turn.speaker, set()).add(speaker)
    assert outputs.n_speakers == 6
    assert sorted(map(sorted, speakers.values())) == [["A"], ["B"], ["C"], ["D"], ["E"], ["K"]]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("tracks", "chosen", "message"),
    [
        ([SPEECH_TRACK], (1,), None),
        ([SPEECH_TRACK, SILENT_TRACK], (1,), None),
        ([SPEECH_TRACK, SPEECH_TRACK], (1,), None),
        ([SILENT_TRACK, SPEECH_TRACK], (2,), "track 2 of 2 was analysed, because track 1 does not hold all speech"),
        ([TONE_TRACK, SILENT_TRACK, SPEECH_TRACK], (3,), "track 3 of 3 was analysed"),
        ([FIRST_PART, SPEECH_TRACK], (2,), "track 2 of 2 was analysed"),
        ([FIRST_HALF, TONE_TRACK, SECOND_HALF], (1, 3), "tracks 1 and 3 of 3 were mixed, because none of them"),
        ([f"volume=0:enable='{QUESTIONS}'", f"volume=0:enable='not({QUESTIONS})'"], (1, 2), "tracks 1 and 2 of 2"),
        ([SILENT_TRACK, TONE_TRACK], (2,), "track 2 of 2 was analysed, the first with sound; no speech was found"),
    ],
    ids=["one", "first", "same", "second", "third", "richer", "microphones", "questions", "no speech"],
)
def test_the_tracks_that_hold_the_speech_are_analysed(fake, tmp_path, tracks, chosen, message):
    outputs = listen(with_tracks(tmp_path / "clip.mp4", *tracks), tmp_path / "out", frames=300)
    items = [item.message for item in outputs.doubts if "audio track" in item.message]
    assert outputs.tracks == speech_table.read_tracks(outputs.table) == chosen
    assert len(items) == (message is not None)
    assert message is None or message in items[0]


@pytest.mark.slow
def test_speech_in_the_second_track_is_heard_by_the_engine(tmp_path):
    video = with_tracks(tmp_path / "clip.mp4", SILENT_TRACK, SPEECH_TRACK)
    heard = listen(video, tmp_path / "auto", frames=300, engines="light")
    alone = listen(with_tracks(tmp_path / "alone.mp4", SPEECH_TRACK), tmp_path / "alone", frames=300, engines="light")
    assert heard.speech_s == alone.speech_s > 8
    assert heard.turns.read_text() == alone.turns.read_text()
    first = listen(video, tmp_path / "first", frames=300, engines="light", tracks="first")
    assert (first.engine, first.tracks, first.doubts) == ("none", (1,), ())


@pytest.mark.slow
def test_a_mix_holds_the_sound_of_every_track(tmp_path):
    halves = with_tracks(tmp_path / "halves.mp4", FIRST_HALF, SECOND_HALF)
    first, second, mix = (read_waveform(halves, tracks=tracks) for tracks in ([1], [2], [1, 2]))
    np.testing.assert_allclose(mix[: len(first)], (first + second) / 2, atol=1e-3)
    assert np.abs(mix[: len(mix) // 3]).max() > 0.01 < np.abs(mix[-len(mix) // 3 :]).max()


@pytest.mark.slow
@pytest.mark.parametrize(("languages", "chosen"), [(("eng", "deu"), (1,)), (("eng", "eng"), (2,))])
def test_a_translation_does_not_replace_the_original(fake, tmp_path, languages, chosen):
    video = with_tracks(tmp_path / "clip.mp4", MOST, SPEECH_TRACK, languages=languages)
    assert listen(video, tmp_path / "out", frames=300).tracks == chosen


@pytest.mark.slow
@pytest.mark.parametrize(("value", "chosen"), [("first", (1,)), ("mix", (1, 2)), ("2", (2,)), (2, (2,))])
def test_a_person_can_choose_the_tracks(fake, tmp_path, value, chosen):
    video = with_tracks(tmp_path / "clip.mp4", SPEECH_TRACK, SILENT_TRACK)
    assert listen(video, tmp_path / "out", frames=300, engines="light", tracks=value).tracks == chosen


def test_a_track_that_does_not_exist_is_refused(fake, clip, tmp_path):
    with pytest.raises(ParamError, match=r"audio\.tracks = 3: expected 1 to 1"):
        listen(clip, tmp_path, tracks=3)
    with pytest.raises(ValidationError, match="pattern"):
        audio.Params(tracks="second")


def test_the_default_choice_of_tracks_keeps_the_fingerprint_of_earlier_results(clip, tmp_path):
    inputs = audio.Inputs(video=clip, frames=made.N_FRAMES, out_dir=tmp_path)
    by_default, mixed = (Step(audio).ingredients(inputs, audio.Params(tracks=name)) for name in ("auto", "mix"))
    assert "tracks" not in by_default["params"]
    assert mixed["params"] == by_default["params"] | {"tracks": "mix"}


def test_channels_that_cancel_each_other_are_named_with_their_place(tmp_path, fake):
    cancelled = "aevalsrc='0.3*sin(2764*t)|if(between(t,1,2),-1,1)*0.3*sin(2764*t)':s=16000:d=3:c=stereo"
    sources = ["-f", "lavfi", "-i", "color=size=64x48:rate=25:duration=3", "-f", "lavfi", "-i", cancelled]
    path = tmp_path / "clip.mkv"
    codecs = ["-c:v", "libx264", "-c:a", "pcm_s16le"]
    subprocess.run([commands.find_program("ffmpeg"), "-v", "error", *sources, *codecs, str(path)], check=True)
    outputs = audio.run(audio.Inputs(video=path, frames=75, out_dir=tmp_path / "out"), audio.Params(device="cpu"))
    (item,) = [item for item in outputs.doubts if "cancel each other" in item.message]
    assert item.frame == 25
    assert "in 1 s; only the loudest channel was analysed there" in item.message
