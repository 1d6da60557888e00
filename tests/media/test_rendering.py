"""Copies to look at: the part of the picture that is meant, in each frame, with the sound of the video."""

import numpy as np
import pytest

from tests import sample_media as made
from vidlib.errors import CommandFailed
from vidlib.media.frames import read_frames
from vidlib.media.probe import probe_video
from vidlib.media.rendering import parts_of, render


def test_each_frame_shows_its_part_and_a_wide_part_lies_over_a_blurred_copy(tmp_path):
    width, height = made.SIZE
    clip = made.clip(tmp_path / "clip.mp4", options=["-vf", f"drawbox=x={width // 2}:c=white:t=fill"])
    narrow = height * 9 // 16
    left, right = (0, 0, narrow, height), (width - narrow, 0, narrow, height)
    parts = [left] * 10 + [right] * 10 + [(0, 0, width, height)] * (made.N_FRAMES - 20)
    copy = render(clip, tmp_path / "out" / "copy.mp4", parts_of(clip, made.SIZE, parts, (90, 160)), (90, 160))
    info = probe_video(copy)
    assert (info.display_size, len(info.audio)) == ((90, 160), len(probe_video(clip).audio))
    frames = [np.array(frame, float) for frame in read_frames(copy, 90, 160)]
    assert [frame.mean() > 200 for frame in frames[:20]] == [False] * 10 + [True] * 10
    fitted = frames[-1]
    assert fitted[78:82, 60:].mean() > 200  # the whole picture, as wide as the copy
    assert 60 < fitted[:20, 60:].mean() < 180  # above it, the blurred one
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["copy.mp4"]


def test_a_failing_encoder_is_named_and_leaves_nothing(tmp_path):
    clip = made.silent(tmp_path / "silent.mp4")
    with pytest.raises(CommandFailed, match="ffmpeg"):  # an odd width
        render(clip, tmp_path / "out" / "copy.mp4", (np.zeros((5, 5, 3), np.uint8) for _ in range(9)), (5, 5))
    assert not list((tmp_path / "out").iterdir())
