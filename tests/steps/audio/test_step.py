"""Audio: turns in three files that agree; silence is a result."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import ValidationError

from tests import sample_media as made
from tests.steps.audio.listening import MEDIA, TURNS, VOICES, is_silent, listen
from vidlib.engines.speech import Options
from vidlib.errors import BrokenOutput, ParamError
from vidlib.machine import commands
from vidlib.params import read_params
from vidlib.results.exports import rttm, speech_json, speech_table
from vidlib.steps import audio
from vidlib.steps.base import Manifest
from vidlib.timeline import Turns


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
@pytest.mark.skipif(not (MEDIA / "natural/cnn.mp4").is_file(), reason="the shared media are not here")
def test_people_who_interrupt_each_other_are_not_one_speaker(tmp_path):
    assert listen(MEDIA / "natural/cnn.mp4", tmp_path, frames=375).n_speakers == 2
