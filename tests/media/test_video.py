import subprocess
from fractions import Fraction

import numpy as np
import pytest

from tests import sample_media as made
from vidlib import media
from vidlib.errors import MediaError
from vidlib.media.audio import read_waveform


@pytest.mark.slow
def test_an_opened_video_gives_properties_frames_and_sound(tmp_path):
    path = made.clip(tmp_path / "clip.mp4")
    with media.open(path) as video:
        assert (video.info.width, video.info.height, video.info.frames) == (64, 48, 50)
        assert [made.frame_number(frame) for frame in video.frames()] == list(range(50))
        assert [made.frame_number(frame) for frame in video.frames(only=[3, 30])] == [3, 30]
        assert [made.frame_number(frame) for frame in video.stills([30, 3])] == [30, 3]
        assert video.frame_times() == [Fraction(number, 25) for number in range(50)]
        np.testing.assert_array_equal(video.audio(), read_waveform(path))


def test_frames_have_the_size_that_a_viewer_sees_or_the_one_asked_for(tmp_path):
    with media.open(made.anamorphic(tmp_path / "clip.mp4")) as video:
        assert next(video.frames()).shape == (48, 128, 3)
        assert next(video.frames((32, 12))).shape == (12, 32, 3)


@pytest.mark.slow
def test_leaving_the_block_ends_the_decoders(tmp_path):
    def decoders() -> str:
        return subprocess.run(["pgrep", "-f", f"file:{path}"], capture_output=True, text=True).stdout

    path = made.clip(tmp_path / "clip.mp4", n_frames=2000)
    with media.open(path) as video:
        next(video.frames())
        assert decoders()
    assert not decoders()


def test_a_file_that_is_no_video_cannot_be_opened(tmp_path):
    with pytest.raises(MediaError, match="no readable video"):
        media.open(made.garbage(tmp_path / "clip.mp4"))
