import numpy as np
import pytest

from tests import sample_media as made
from vidlib.errors import MediaError
from vidlib.media.frames import decode_all, read_frames, read_stills
from vidlib.media.probe import probe_video

TIMEOUT_S = 60


def test_decode_counts_what_is_really_there(tmp_path):
    whole = decode_all(probe_video(made.clip(tmp_path / "clip.mp4")), timeout_s=TIMEOUT_S)
    assert (whole.frames, whole.messages) == (50, "")
    cut = decode_all(probe_video(made.truncated(tmp_path / "cut.mp4")), timeout_s=TIMEOUT_S)
    assert 0 < cut.frames < 50
    assert cut.messages


def test_frames_come_in_order_neither_dropped_nor_repeated(tmp_path):
    for source in (made.clip(tmp_path / "clip.mp4"), made.variable_rate(tmp_path / "vfr.mp4")):
        found = [made.frame_number(frame) for frame in read_frames(source, 64, 48)]
        assert found == list(range(50))


def test_frames_are_rgb_and_of_the_size_asked_for(tmp_path):
    frame = next(read_frames(made.silent(tmp_path / "clip.mp4"), 32, 24))
    assert (frame.shape, frame.dtype) == ((24, 32, 3), np.uint8)
    assert abs(frame[2, 30].astype(int) - made.COLOURS[0]).max() < 25


def test_frames_of_a_file_that_is_no_video_raise(tmp_path):
    with pytest.raises(MediaError, match="cannot be decoded"):
        list(read_frames(made.garbage(tmp_path / "clip.mp4"), 64, 48))


def test_stills_are_the_very_frames(tmp_path):
    source = made.clip(tmp_path / "clip.mp4")
    wanted = [0, 1, 19, 20, 49, 3, 3, 7]
    assert [made.frame_number(still) for still in read_stills(source, wanted, 64, 48)] == wanted
    with pytest.raises(MediaError, match="no frame 50"):
        read_stills(source, [50], 64, 48)


def test_only_the_frames_asked_for_come(tmp_path):
    source = made.clip(tmp_path / "clip.mp4")
    for wanted in ([7], [0, 1, 30, 49], list(range(0, 50, 2))):
        assert [made.frame_number(frame) for frame in read_frames(source, 64, 48, only=wanted)] == wanted
