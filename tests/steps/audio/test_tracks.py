"""Which tracks and channels of a video *audio* hears."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from tests import sample_media as made
from tests.steps.audio.listening import VOICES, listen
from vidlib.errors import ParamError
from vidlib.machine import commands
from vidlib.media.audio import read_waveform
from vidlib.results.exports import speech_table
from vidlib.steps import audio
from vidlib.steps.base import Step


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
