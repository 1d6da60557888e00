"""Audio tracks."""

import pytest

from tests import sample_media as made
from tests.steps.convert.converting import converted, tags
from vidlib.media.audio import SAMPLE_RATE, read_waveform

pytestmark = pytest.mark.slow


def test_a_silent_clip_stays_silent(tmp_path, out_dir):
    outputs = converted(made.clip(tmp_path / "clip.mp4", fps="24", sounds=0), out_dir)
    assert not outputs.has_audio
    assert outputs.audio_tracks == 0


def test_every_track_of_sound_stays_with_its_language(tmp_path, out_dir):
    languages = ["-metadata:s:a:0", "language=ger", "-metadata:s:a:1", "language=eng"]
    source = made.clip(tmp_path / "clip.mkv", fps="24", sounds=2, options=[*languages, "-c:a", "pcm_s16le"])
    outputs = converted(source, out_dir)
    assert outputs.audio_tracks == 2
    assert tags(outputs.video, "language")[1:] == ["ger", "eng"]


def test_sound_that_begins_late_stays_late(tmp_path, out_dir):
    late = made.clip(tmp_path / "late.mkv", fps="24", options=["-af", "asetpts=PTS+0.5/TB", "-c:a", "pcm_s16le"])
    sound = read_waveform(converted(late, out_dir).video)
    first_heard_s = (abs(sound) > 0.01).argmax() / SAMPLE_RATE
    assert first_heard_s == pytest.approx(0.5, abs=0.03)
