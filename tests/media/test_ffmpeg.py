import os

import pytest

from tests import sample_media as made
from vidlib.errors import CommandFailed, OutOfMemory
from vidlib.machine import commands
from vidlib.media import ffmpeg
from vidlib.media.frames import decode_all, read_frames
from vidlib.media.probe import probe_video


def test_frames_are_counted_while_they_are_written(tmp_path):
    source = made.clip(tmp_path / "clip.mp4")
    seen = []
    args = ffmpeg.command(*ffmpeg.input_args(source), "-f", "null", "-")
    done = ffmpeg.run_counted(args, timeout_s=60, on_frame=seen.append)
    assert done == ffmpeg.DecodeStats(frames=50, messages="")
    assert seen[-1] == 50


def test_error_messages_are_kept_though_ffmpeg_ends_well_and_name_no_addresses(tmp_path):
    source = made.truncated(tmp_path / "cut.mp4")
    done = ffmpeg.run_counted(ffmpeg.command(*ffmpeg.input_args(source), "-f", "null", "-"), timeout_s=60)
    assert done.frames < 50
    assert "partial file" in done.messages
    assert "0x5" not in done.messages.replace("offset 0x", "")


@pytest.mark.parametrize("maker", [made.playlist, made.concat_script])
def test_a_script_under_a_video_name_is_not_followed(tmp_path, maker):
    trap = maker(tmp_path / "trap.mp4", made.clip(tmp_path / "secret.mp4"))
    with pytest.raises(CommandFailed):
        commands.run(ffmpeg.command(*ffmpeg.input_args(trap), "-f", "null", "-"), timeout_s=60)


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/x.mp4", "concat:/etc/passwd", "data:text/plain,x", "pipe:0"])
def test_a_name_that_looks_like_an_address_is_a_file_name(tmp_path, monkeypatch, address):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CommandFailed, match="No such file"):
        commands.run(ffmpeg.command(*ffmpeg.input_args(address), "-f", "null", "-"), timeout_s=60)


def test_the_version_is_a_number():
    assert ffmpeg.version()[0].isdigit() or ffmpeg.version().startswith(("n", "N"))


def test_a_video_is_not_called_broken_because_ffmpeg_was_killed(tmp_path, monkeypatch):
    info = probe_video(made.clip(tmp_path / "clip.mp4"))
    killed = tmp_path / "bin" / "ffmpeg"
    killed.parent.mkdir()
    killed.write_text("#!/bin/sh\nkill -9 $$\n")
    killed.chmod(0o755)
    monkeypatch.setenv("PATH", f"{killed.parent}:{os.environ['PATH']}")
    with pytest.raises(OutOfMemory):
        decode_all(info, timeout_s=60)
    with pytest.raises(OutOfMemory):
        list(read_frames(info.path, 64, 48))
