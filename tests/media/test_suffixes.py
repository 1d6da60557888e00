"""The suffixes of videos: what convert opens and decodes, so no delivery counts as empty or is refused later."""

from pathlib import Path

import pytest

from vidlib.machine import commands
from vidlib.media import ffmpeg
from vidlib.media.probe import probe_video
from vidlib.media.suffixes import VIDEO_SUFFIXES, is_video_name

BROADCAST = ("-s", "720x576", "-r", "25", "-pix_fmt", "yuv420p")
OPTIONS = {
    ".3g2": ("-s", "176x144"),
    ".3gp": ("-s", "176x144"),
    ".dv": BROADCAST,
    ".f4v": ("-f", "mp4"),
    ".gxf": (*BROADCAST, "-c:v", "mpeg2video"),
    ".m2t": ("-f", "mpegts"),
    ".m4v": ("-f", "mp4"),
    ".qt": ("-f", "mov"),
}
"""The options that ffmpeg needs to write a suffix; for the others it chooses format and codec itself."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video of 5 frames for every suffix."""
    folder = tmp_path_factory.mktemp("suffixes")
    outputs = [arg for suffix in VIDEO_SUFFIXES for arg in (*OPTIONS.get(suffix, ()), str(folder / f"clip{suffix}"))]
    picture = ("-f", "lavfi", "-i", "testsrc=duration=0.2:rate=25:size=64x64")
    commands.run(ffmpeg.command("-threads", "1", *picture, *outputs), timeout_s=60)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("suffix", sorted(VIDEO_SUFFIXES))
def test_convert_can_read_every_suffix(folder, suffix):
    source = folder / f"clip{suffix}"
    assert probe_video(source).path == source
    command = ffmpeg.command(*ffmpeg.input_args(source), "-map", "0:v:0", "-f", "framemd5", "-")
    frames = [line for line in commands.run(command, timeout_s=60).stdout.splitlines() if not line.startswith("#")]
    assert 4 <= len(frames) <= 6


def test_case_does_not_count_and_hidden_files_have_no_suffix():
    assert is_video_name("A001_C002.MXF")
    assert not is_video_name(".mxf")
    assert not is_video_name("sound.wav")
