"""The vertical copy: the window jumps exactly at its frames."""

from tests import sample_media as made
from vidlib.media.frames import read_frames
from vidlib.media.probe import probe_video
from vidlib.media.vertical import render


def test_the_window_jumps_exactly_at_its_frames(tmp_path):
    width = made.SIZE[0]
    clip = made.clip(tmp_path / "clip.mp4", options=["-vf", f"drawbox=x={width // 2}:c=white:t=fill"])
    window = 2 * (width // 8)
    copy = render(clip, tmp_path / "out" / "copy.mp4", [(0, window // 2), (20, width - window // 2)], window)
    info = probe_video(copy)
    assert (info.display_size[1], len(info.audio)) == (640, len(probe_video(clip).audio))
    bright = [frame.mean() > 200 for frame in read_frames(copy, *info.display_size)]
    assert bright == [False] * 20 + [True] * (made.N_FRAMES - 20)
