"""The sound file for After Effects, byte for byte."""

import json

import pytest

from vidlib.errors import BrokenOutput
from vidlib.results.exports import audio_json
from vidlib.results.exports.audio_json import AudioFrame, AudioInfo
from vidlib.timeline import Turn


def heard(frame: int, *labels: str, speech: bool = True) -> AudioFrame:
    info = AudioInfo(is_speech_present=speech, active_speaker_labels=labels, timecode_sec=(frame - 1) / 25)
    return AudioFrame(frame=frame, audio_info=info)


FRAMES = [heard(1, speech=False), heard(2), heard(3, "SPEAKER_00", "SPEAKER_01")]
TURNS = [Turn(0.08, 1.08, "SPEAKER_00"), Turn(0.08, 0.33, "SPEAKER_01"), Turn(2, 2.75, "SPEAKER_00")]


def test_its_bytes_are_those_that_scripts_know(tmp_path):
    path = audio_json.write(tmp_path / "audio.json", iter(FRAMES), 3, TURNS)
    assert path.read_bytes() == (
        b'{"fps":25,"total_frames":3,"frames_analysis":[\n'
        b'{"frame":1,"audio_info":{"is_speech_present":false,"active_speaker_labels":[],"timecode_sec":0.0}},\n'
        b'{"frame":2,"audio_info":{"is_speech_present":true,"active_speaker_labels":[],"timecode_sec":0.04}},\n'
        b'{"frame":3,"audio_info":{"is_speech_present":true,"active_speaker_labels":["SPEAKER_00","SPEAKER_01"],'
        b'"timecode_sec":0.08}}\n'
        b'],"speaker_stats":{"SPEAKER_00":{"total_sec":1.75,"share":0.875,"turns":2},'
        b'"SPEAKER_01":{"total_sec":0.25,"share":0.125,"turns":1}}}\n'
    )


def test_what_is_written_is_read_at_once_and_frame_by_frame(tmp_path):
    path = audio_json.write(tmp_path / "audio.json", iter(FRAMES), 3, TURNS)
    whole = audio_json.read(path)
    assert list(whole.frames_analysis) == list(audio_json.stream(path)) == FRAMES
    assert whole.speaker_stats == audio_json.speaker_stats(TURNS)


def test_silence_has_no_speakers():
    assert audio_json.speaker_stats([]) == {}


def test_an_older_file_is_read(tmp_path):
    path = tmp_path / "old_audio.json"
    path.write_text(json.dumps({"frames_analysis": [FRAMES[2].model_dump()]}))
    assert list(audio_json.read(path).frames_analysis) == [FRAMES[2]]


def test_another_file_is_refused(tmp_path):
    path = tmp_path / "other.json"
    path.write_text('{"shots": []}')
    with pytest.raises(BrokenOutput, match="frames_analysis"):
        audio_json.read(path)
    with pytest.raises(BrokenOutput, match="damaged"):
        list(audio_json.stream(path))
