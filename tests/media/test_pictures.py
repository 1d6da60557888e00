"""The picture and the sounds of a file are those that a player would take."""

import random
import subprocess
from pathlib import Path

import pytest

from tests import sample_media as made
from vidlib.errors import MediaError
from vidlib.machine import commands
from vidlib.media.probe import probe_video
from vidlib.steps import convert

MAIN = "testsrc=size=160x120:rate=25:duration=2"
PROXY = "testsrc=size=80x60:rate=25:duration=2"
STILL = "color=red:size=640x480:rate=25:duration=0.04"
THUMBNAILS = "testsrc=size=40x30:rate=1:duration=2"
ANGLE = "testsrc2=size=160x120:rate=25:duration=2"
TONE = "sine=duration=2"

CODECS = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac"]


def file_of(path: Path, *sources: str, options: list[str] = ()) -> Path:
    """A file with one stream for each source of lavfi."""
    inputs = [arg for source in sources for arg in ("-f", "lavfi", "-i", source)]
    maps = [arg for number in range(len(sources)) for arg in ("-map", str(number))]
    command = [commands.find_program("ffmpeg"), "-v", "error", *inputs, *maps, *CODECS, *options, str(path)]
    subprocess.run(command, check=True)
    return path


def overwrite(path: Path, pids: set[int], *, with_noise: bool) -> Path:
    """Remove the MPEG-TS packets with these PIDs, or fill them with noise; the programme tables still name them."""
    data, kept = path.read_bytes(), bytearray()
    for start in range(0, len(data), 188):
        packet = data[start : start + 188]
        if int.from_bytes(packet[1:3]) & 0x1FFF not in pids:
            kept += packet
        elif with_noise:
            kept += packet[:4] + random.Random(start).randbytes(184)
    path.write_bytes(kept)
    return path


def convert_file(path: Path) -> convert.Outputs:
    params = convert.Params(preset="ultrafast")
    return convert.run(convert.Inputs(source=path, out_dir=path.with_name("out")), params)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("suffix", "first"), [("mp4", STILL), ("mkv", STILL), ("avi", PROXY), ("mov", THUMBNAILS), ("mkv", THUMBNAILS)]
)
def test_a_still_or_proxy_before_the_video_is_not_taken_for_it(tmp_path, suffix, first):
    info = probe_video(file_of(tmp_path / f"clip.{suffix}", first, MAIN, TONE))
    assert (info.index, info.width, info.is_first) == (1, 160, False)
    [note] = info.notes
    assert "stream 1 (160 x 120, 5" in note
    assert "was taken as the video, not stream 0 (" in note


@pytest.mark.slow
def test_the_choice_is_converted_and_left_to_a_person_to_check(tmp_path):
    outputs = convert_file(file_of(tmp_path / "clip.mp4", PROXY, MAIN, TONE))
    assert (outputs.width, outputs.frames, outputs.engine) == (160, 50, "copy")
    assert probe_video(outputs.video).notes == ()
    assert "stream 1 (160 x 120, 50 frames) was taken" in outputs.doubts[0].message


@pytest.mark.slow
def test_the_default_stream_wins_between_pictures_of_one_size(tmp_path):
    second = ["-disposition:v:0", "0", "-disposition:v:1", "default"]
    assert probe_video(file_of(tmp_path / "second.mkv", ANGLE, MAIN, options=second)).index == 1
    first = probe_video(file_of(tmp_path / "first.mkv", ANGLE, MAIN))
    assert first.index == 0
    assert "not stream 1" in first.notes[0]


@pytest.mark.slow
def test_what_only_accompanies_the_first_picture_needs_no_check(tmp_path):
    info = probe_video(file_of(tmp_path / "clip.mp4", MAIN, PROXY, STILL, TONE))
    assert (info.index, info.is_first, info.notes) == (0, True, ())


@pytest.mark.slow
@pytest.mark.parametrize("with_noise", [False, True], ids=["without data", "noise"])
def test_a_stream_without_frames_does_not_hide_the_video(tmp_path, with_noise):
    stream = overwrite(file_of(tmp_path / "clip.ts", ANGLE, MAIN, TONE), {0x100}, with_noise=with_noise)
    outputs = convert_file(stream)
    assert (outputs.width, outputs.frames, outputs.audio_tracks) == (160, 50, 1)
    assert "not stream 0 (no frame of it can be decoded)" in outputs.doubts[0].message


@pytest.mark.slow
def test_of_several_programmes_one_is_taken_with_its_own_sound(tmp_path):
    programmes = ["-program", "st=0:st=1", "-program", "st=2:st=3"]
    both = file_of(tmp_path / "clip.ts", PROXY, TONE, MAIN, TONE, options=programmes)
    info = probe_video(both)
    assert (info.index, [track.index for track in info.audio]) == (2, [3])
    assert "sound of other programmes was left out: stream 1" in info.notes
    dead = probe_video(overwrite(both, {0x102, 0x103}, with_noise=False))
    assert (dead.index, [track.index for track in dead.audio]) == (0, [1])


@pytest.mark.slow
def test_sound_without_data_is_left_out(tmp_path):
    stream = overwrite(file_of(tmp_path / "clip.ts", MAIN, TONE, TONE), {0x101}, with_noise=False)
    outputs = convert_file(stream)
    assert outputs.audio_tracks == 1
    assert outputs.doubts[0].message == "sound without any data was left out: stream 1"


@pytest.mark.slow
def test_a_file_in_which_nothing_can_be_decoded_is_refused(tmp_path):
    stream = overwrite(file_of(tmp_path / "clip.ts", MAIN), {0x100}, with_noise=False)
    with pytest.raises(MediaError, match=r"no frame of 'clip\.ts' can be decoded"):
        probe_video(stream)


@pytest.mark.slow
def test_cover_art_is_never_the_video(tmp_path):
    info = probe_video(made.with_cover(tmp_path / "clip.mp4"))
    assert (info.width, info.is_first, info.notes) == (64, True, ())
