"""Conversion of a single file for a user."""

import pytest

from tests import sample_media as made
from vidlib.files import sha256
from vidlib.media.probe import probe_video
from vidlib.steps import convert

pytestmark = pytest.mark.slow


def test_convert_to_publishes_under_the_stem_and_leaves_nothing_else(tmp_path):
    source = made.clip(tmp_path / "my clip.mov", fps="24")
    done = convert.convert_to(source, tmp_path / "to")
    assert done == convert.Converted("ok", "50 frames became 52, by libx264", tmp_path / "to/my clip.mp4")
    assert [path.name for path in (tmp_path / "to").iterdir()] == ["my clip.mp4"]
    assert convert.convert_to(source, tmp_path / "to") == done, "a second time is no conflict"


def test_convert_to_says_when_it_got_only_a_part(tmp_path):
    done = convert.convert_to(made.truncated(tmp_path / "cut.mp4"), tmp_path / "to")
    assert done.outcome == "partial"
    assert "promises" in done.message
    assert probe_video(done.output).frames


def test_convert_to_refuses_what_is_no_video_and_leaves_nothing(tmp_path):
    done = convert.convert_to(made.garbage(tmp_path / "clip.mp4"), tmp_path / "to")
    assert (done.outcome, done.output) == ("refused", None)
    assert list((tmp_path / "to").iterdir()) == []


def test_convert_to_never_overwrites_its_own_source_nor_another_video(tmp_path):
    source = made.clip(tmp_path / "clip.mp4", fps="24")
    before = sha256(source)
    assert convert.convert_to(source, tmp_path).outcome == "refused"
    assert sha256(source) == before
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]


def test_what_convert_to_publishes_is_not_the_original_under_another_name(tmp_path):
    source = made.clip(tmp_path / "clip.mp4")
    done = convert.convert_to(source, tmp_path / "to")
    assert sha256(done.output) == sha256(source)
    assert not done.output.samefile(source)
