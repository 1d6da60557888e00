"""The picture: rate, size, shape, colour."""

import subprocess
from fractions import Fraction
from pathlib import Path

import pytest

from tests import sample_media as made
from tests.steps.convert.converting import converted, numbers
from vidlib.media.frames import read_frames
from vidlib.media.probe import frame_times, probe_video

pytestmark = pytest.mark.slow

SINTEL = Path(__file__).parents[3] / "../shared/media/sintel_trailer-720p.mp4"


@pytest.mark.parametrize(
    ("fps", "first_ones"),
    [
        ("24", [*range(12), 11, *range(12, 20)]),
        ("50", list(range(0, 50, 2))),
        ("30000/1001", [0, 1, 2, 4, 5, 6, 7, 8, 10]),
        ("25000/1001", [0]),
    ],
)
def test_any_rate_becomes_25_and_keeps_its_pace(tmp_path, out_dir, fps, first_ones):
    outputs = converted(made.clip(tmp_path / "clip.mp4", fps=fps), out_dir)
    assert abs(outputs.frames - 50 * 25 / Fraction(fps)) < 1
    assert numbers(outputs.video)[: len(first_ones)] == first_ones
    assert (outputs.source_fps, outputs.source_frames, outputs.lost_frames) == (fps, 50, 0)
    assert outputs.doubts == ()


def test_a_variable_rate_becomes_constant_by_repeating_what_was_shown_longer(tmp_path, out_dir):
    outputs = converted(made.variable_rate(tmp_path / "clip.mp4"), out_dir)
    slow = [number for number in range(25, 49) for _ in range(2)]
    assert numbers(outputs.video) == [*range(25), *slow, 49]
    assert frame_times(probe_video(outputs.video)) == [Fraction(n, 25) for n in range(74)]


def test_the_picture_is_turned_upright(tmp_path, out_dir):
    outputs = converted(made.rotated(tmp_path / "clip.mp4"), out_dir)
    assert (outputs.width, outputs.height) == (48, 64)
    # what was the lower edge, with the blocks, is the left edge after a clockwise quarter turn
    frame = list(read_frames(outputs.video, 48, 64))[1]
    assert frame[4, 4].mean() > 200, "the block of bit 0, lowest left before, uppermost left now"
    assert frame[20, 4].mean() < 50


def test_pixels_become_square(tmp_path, out_dir):
    outputs = converted(made.anamorphic(tmp_path / "clip.mp4"), out_dir)
    assert (outputs.width, outputs.height) == (128, 48)
    assert probe_video(outputs.video).sar == 1


def test_odd_sides_lose_a_line_of_pixels_and_nothing_else(tmp_path, out_dir):
    outputs = converted(made.odd_size(tmp_path / "clip.mp4"), out_dir)
    assert (outputs.width, outputs.height, outputs.frames) == (62, 46, 50)
    assert numbers(outputs.video) == list(range(50))


def test_a_picture_that_begins_late_waits_with_its_first_frame(tmp_path, out_dir):
    late = made.clip(tmp_path / "late.mkv", options=["-vf", "setpts=PTS+0.2/TB", "-c:a", "pcm_s16le"])
    outputs = converted(late, out_dir)
    assert numbers(outputs.video)[:7] == [0, 0, 0, 0, 0, 0, 1]


def test_the_time_code_goes_on_counting_at_25(tmp_path, out_dir):
    source = made.clip(tmp_path / "clip.mov", fps="30000/1001", options=["-timecode", "01:00:00;15"])
    outputs = converted(source, out_dir)
    assert probe_video(outputs.video).timecode == "01:00:00:12"


@pytest.mark.parametrize("pix_fmt", ["yuv422p10le", "yuvj420p", "gbrp"])
def test_other_pixels_become_8_bit_420_in_limited_range_and_look_alike(tmp_path, out_dir, pix_fmt):
    codec = ["-c:v", "ffv1" if pix_fmt == "gbrp" else "libx264", "-pix_fmt", pix_fmt]
    source = made.clip(tmp_path / "clip.mkv", options=codec)
    outputs = converted(source, out_dir)
    before, after = (next(read_frames(path, 64, 48)).astype(int) for path in (source, outputs.video))
    assert probe_video(outputs.video).pix_fmt == "yuv420p"
    assert abs(before - after).mean() < 6
    assert numbers(outputs.video) == list(range(50))


def test_a_high_dynamic_range_becomes_an_ordinary_one(tmp_path, out_dir):
    hdr = ["-vf", "setparams=color_trc=smpte2084:color_primaries=bt2020:colorspace=bt2020nc", "-pix_fmt", "yuv420p10le"]
    source = made.clip(tmp_path / "clip.mkv", options=["-c:v", "libx265", "-x265-params", "log-level=none", *hdr])
    assert probe_video(source).is_hdr
    outputs = converted(source, out_dir)
    assert probe_video(outputs.video).transfer == "bt709"
    assert outputs.frames == 50


def test_interlaced_pictures_become_whole_ones(tmp_path, out_dir):
    fields = ["-vf", "tinterlace=interleave_top,setfield=tff", "-flags", "+ildct+ilme"]
    source = made.clip(tmp_path / "clip.mov", fps="50", options=[*fields, "-r", "25"])
    assert probe_video(source).interlaced
    outputs = converted(source, out_dir)
    assert (outputs.frames, outputs.encoded) == (25, True)
    assert not probe_video(outputs.video).interlaced


@pytest.mark.skipif(not SINTEL.is_file(), reason="needs ../shared/media")
def test_a_trailer_at_24_fps_keeps_its_pace(tmp_path, out_dir):
    five_s = tmp_path / "trailer.mp4"
    subprocess.run(["ffmpeg", "-v", "error", "-i", SINTEL, "-t", "5", "-c", "copy", five_s], check=True)
    outputs = converted(five_s, out_dir, preset="ultrafast")
    assert outputs.frames == pytest.approx(outputs.source_frames * 25 / 24, abs=1)
    assert (outputs.width, outputs.height, outputs.lost_frames, outputs.doubts) == (1280, 720, 0, ())


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("clip.avi", ["-c:v", "libx264", "-bf", "2", "-c:a", "pcm_s16le"]),
        ("clip.avi", ["-c:v", "mpeg4", "-bf", "2", "-q:v", "2", "-c:a", "pcm_s16le"]),
        ("clip.m2v", ["-c:v", "mpeg2video", "-bf", "2", "-q:v", "2", "-an"]),
    ],
    ids=["h264-avi", "mpeg4-avi", "m2v"],
)
def test_files_without_time_stamps_begin_with_their_first_frame(tmp_path, out_dir, name, options):
    """They number frames in the order of decoding, which B-frames delay."""
    outputs = converted(made.clip(tmp_path / name, options=options), out_dir)
    assert numbers(outputs.video) == list(range(50))


def test_a_time_code_in_the_frames_of_mpeg_2_is_read(tmp_path, out_dir):
    options = ["-c:v", "mpeg2video", "-c:a", "mp2", "-timecode", "10:00:00:05"]
    outputs = converted(made.clip(tmp_path / "clip.mpg", options=options), out_dir)
    assert probe_video(outputs.video).timecode == "10:00:00:05"


def test_a_rate_is_known_where_the_container_has_no_average(tmp_path):
    options = ["-c:v", "libopenjpeg", "-c:a", "pcm_s16le"]
    assert probe_video(made.clip(tmp_path / "clip.mxf", n_frames=5, options=options)).fps == 25


def test_a_last_frame_whose_duration_was_cut_is_delivered(tmp_path, out_dir):
    """FFmpeg shortens it in an MP4 whose picture begins a little later than its sound."""
    whole, late = made.clip(tmp_path / "clip.mp4"), tmp_path / "late.mp4"
    delayed = ["-i", whole, "-itsoffset", "0.03", "-i", whole, "-map", "0:a", "-map", "1:v"]
    subprocess.run(["ffmpeg", "-v", "error", *delayed, "-c", "copy", late], check=True)
    assert numbers(converted(late, out_dir).video) == list(range(50))
