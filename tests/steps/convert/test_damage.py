"""Damaged and hostile files."""

import dataclasses
import subprocess

import pytest

from tests import sample_media as made
from tests.steps.convert.converting import converted, numbers
from vidlib.errors import MediaError
from vidlib.media import transcode
from vidlib.media.probe import probe_video
from vidlib.steps import convert

pytestmark = pytest.mark.slow


def test_a_clip_that_lost_its_end_is_converted_as_far_as_it_goes_and_says_what_is_missing(tmp_path, out_dir):
    outputs = converted(made.truncated(tmp_path / "cut.mp4"), out_dir)
    assert outputs.frames == outputs.source_frames
    assert outputs.frames + outputs.lost_frames == 50
    assert outputs.lost_frames > 10
    assert numbers(outputs.video) == list(range(outputs.frames))
    assert f"{outputs.lost_frames} of the 50 frames that 'cut.mp4' promises" in outputs.doubts[0].message


def test_a_cut_matroska_is_noticed_by_its_duration(tmp_path, out_dir):
    whole = made.silent(tmp_path / "cut.mkv")
    whole.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    outputs = converted(whole, out_dir)
    assert outputs.lost_frames == pytest.approx(50 - outputs.frames, abs=2)
    assert "are missing" in outputs.doubts[0].message


def test_frames_that_an_edit_list_hides_are_not_missed(tmp_path, out_dir):
    whole, trimmed = made.silent(tmp_path / "whole.mp4"), tmp_path / "trimmed.mp4"
    subprocess.run(["ffmpeg", "-v", "error", "-ss", "0.5", "-i", whole, "-c", "copy", trimmed], check=True)
    outputs = converted(trimmed, out_dir)
    assert outputs.lost_frames == 0
    assert outputs.doubts == ()
    assert numbers(outputs.video)[0] == pytest.approx(12, abs=1)


@pytest.mark.parametrize("maker", [made.headless, made.garbage, made.sound_only, made.cover_only, made.tone])
def test_what_is_no_video_is_refused_by_name(tmp_path, out_dir, maker):
    with pytest.raises(MediaError, match=r"thing\.wav"):
        converted(maker(tmp_path / "thing.wav" if maker is made.tone else tmp_path / "thing.wav.mp4"), out_dir)
    assert not list(out_dir.glob("*.mp4"))


@pytest.mark.parametrize("maker", [made.playlist, made.concat_script])
def test_a_text_that_names_another_file_opens_no_other_file(tmp_path, out_dir, maker):
    secret = made.clip(tmp_path / "secret.mp4")
    with pytest.raises(MediaError, match="trap"):
        converted(maker(tmp_path / "trap.mp4", secret), out_dir)


def test_a_promise_of_billions_of_frames_is_not_counted_one_by_one(tmp_path, out_dir, monkeypatch):
    info = dataclasses.replace(probe_video(made.clip(tmp_path / "clip.mp4")), frames=10**12)
    monkeypatch.setattr(convert, "probe_video", lambda path: dataclasses.replace(info, path=path))
    assert converted(tmp_path / "clip.mp4", out_dir).encoded


def test_pictures_that_lie_too_far_apart_are_not_filled_up(tmp_path, out_dir, monkeypatch):
    assert converted(made.far_apart(tmp_path / "clip.mkv", 3), out_dir).frames == 125
    for module in (convert, transcode):
        monkeypatch.setattr(module, "MAX_DURATION_S", 4)
    with pytest.raises(MediaError, match="lie more than 4 s apart"):
        converted(tmp_path / "clip.mkv", tmp_path / "again")


def test_a_file_that_a_video_refers_to_is_not_opened(tmp_path, out_dir):
    secret = made.clip(tmp_path / "secret.mp4", n_frames=30, sounds=0)
    with pytest.raises(MediaError, match=r"clip\.mov"):
        converted(made.external(tmp_path / "clip.mov", secret), out_dir)


@pytest.mark.parametrize("name", made.AWKWARD_NAMES)
def test_a_name_is_only_a_name(tmp_path, out_dir, name):
    source = made.clip(tmp_path / name, n_frames=10, fps="24", sounds=0)
    assert converted(source, out_dir, preset="ultrafast").source_frames == 10
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, "out"])
