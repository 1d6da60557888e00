"""Transparent and mirrored pictures."""

import struct
from pathlib import Path

import numpy as np
import pytest

from benchmarks.composing.flash_and_beep import run_ffmpeg
from tests import sample_media as made
from tests.steps.convert.converting import converted
from vidlib.media.frames import read_frames
from vidlib.media.probe import probe_video

pytestmark = pytest.mark.slow

ONE = 1 << 16  # ISO 14496-12, 8.3.2: fixed point


def half_transparent(path: Path, *options: str, alpha: int = 0) -> Path:
    """Red on the left; green with this opacity on the right, which a player does not show where it is 0."""
    colours = "r='255*lt(X,80)':g='255*gte(X,80)':b=0"
    picture = f"color=red:s=160x120:d=1:r=25,format=rgba,geq={colours}:a='if(lt(X,80),255,{alpha})'"
    run_ffmpeg("-f", "lavfi", "-i", picture, *options, path)
    return path


KINDS = {
    "qtrle.mov": ("-c:v", "qtrle", "-pix_fmt", "argb"),
    "prores.mov": ("-c:v", "prores_ks", "-profile:v", "4444", "-pix_fmt", "yuva444p10le"),
    "png.mov": ("-c:v", "png", "-pix_fmt", "rgba"),
    "rgb.mkv": ("-c:v", "ffv1", "-pix_fmt", "bgra"),
    "vp9.webm": ("-c:v", "libvpx-vp9", "-pix_fmt", "yuva420p", "-b:v", "1M"),
    "vp8.webm": ("-c:v", "libvpx", "-pix_fmt", "yuva420p", "-auto-alt-ref", "0", "-b:v", "1M"),
}


@pytest.mark.parametrize("name", KINDS)
def test_a_transparent_ground_becomes_black(tmp_path, out_dir, name):
    outputs = converted(half_transparent(tmp_path / name, *KINDS[name]), out_dir)
    frame = list(read_frames(outputs.video, 160, 120))[12]
    np.testing.assert_allclose(frame[60, 130], (0, 0, 0), atol=6)
    np.testing.assert_allclose(frame[60, 30], (255, 0, 0), atol=25)
    assert outputs.frames == 25
    assert any("transparent" in item.message for item in outputs.doubts)


def test_a_colour_that_is_half_transparent_is_half_as_bright(tmp_path, out_dir):
    source = half_transparent(tmp_path / "qtrle.mov", *KINDS["qtrle.mov"], alpha=128)
    frame = list(read_frames(converted(source, out_dir).video, 160, 120))[12]
    np.testing.assert_allclose(frame[60, 130], (0, 128, 0), atol=12)


def test_an_opaque_picture_with_an_alpha_channel_needs_no_note(tmp_path, out_dir):
    outputs = converted(half_transparent(tmp_path / "qtrle.mov", *KINDS["qtrle.mov"], alpha=255), out_dir)
    np.testing.assert_allclose(list(read_frames(outputs.video, 160, 120))[12][60, 130], (0, 255, 0), atol=25)
    assert outputs.doubts == ()


@pytest.mark.parametrize("pix_fmt", ["pal8", "ya8", "rgba64be"])
def test_any_pixel_format_with_an_alpha_channel_is_converted(tmp_path, out_dir, pix_fmt):
    source = tmp_path / "clip.mov"
    palette = ["-vf", "split[a][b];[a]palettegen[p];[b][p]paletteuse"] if pix_fmt == "pal8" else []
    picture = "color=white:s=64x48:d=1:r=25,format=rgb24"
    run_ffmpeg("-f", "lavfi", "-i", picture, *palette, "-c:v", "png", "-pix_fmt", pix_fmt, source)
    outputs = converted(source, out_dir)
    np.testing.assert_allclose(list(read_frames(outputs.video, 64, 48))[12], 255, atol=6)
    assert outputs.doubts == ()


MATRICES = {
    "vertical": ((ONE, 0, 0, 0, -ONE, 0, 0, 48 << 16, 1 << 30), (4, 4)),
    "horizontal": ((-ONE, 0, 0, 0, ONE, 0, 64 << 16, 0, 1 << 30), (-4, -4)),
    "both": ((-ONE, 0, 0, 0, -ONE, 0, 64 << 16, 48 << 16, 1 << 30), (4, -4)),
    "turned and mirrored": ((0, ONE, 0, ONE, 0, 0, 0, 0, 1 << 30), (4, -4)),
    "turned back and mirrored": ((0, -ONE, 0, -ONE, 0, 0, 48 << 16, 64 << 16, 1 << 30), (-4, 4)),
}
"""Display matrices, and the place (line, column) where a player shows what is stored in the lower left corner."""


@pytest.mark.parametrize(("fps", "name"), [("24", "vertical"), *(("25", name) for name in MATRICES)])
def test_a_mirrored_picture_is_stored_as_a_player_shows_it(tmp_path, out_dir, name, fps):
    matrix, (line, column) = MATRICES[name]
    source = made.clip(tmp_path / "clip.mp4", fps=fps)
    data = bytearray(source.read_bytes())
    start = data.index(b"tkhd") + 4 + 40
    data[start : start + 36] = struct.pack(">9i", *matrix)
    source.write_bytes(data)
    outputs = converted(source, out_dir)
    frame = list(read_frames(outputs.video, outputs.width, outputs.height))[1]
    assert frame[line, column].mean() > 200, "the block of bit 0, stored in the lower left corner"
    result = probe_video(outputs.video)
    assert (result.mirrored, result.rotation) == (False, 0)
    assert outputs.encoded


def test_an_alpha_channel_that_is_0_everywhere_was_left_empty_by_the_recorder(tmp_path, out_dir):
    source = tmp_path / "capture.avi"
    capture = "color=red:s=160x120:d=0.2:r=25,format=bgra,colorchannelmixer=aa=0"
    run_ffmpeg("-f", "lavfi", "-i", capture, "-c:v", "rawvideo", "-pix_fmt", "bgra", source)
    outputs = converted(source, out_dir)
    np.testing.assert_allclose(next(read_frames(outputs.video, 160, 120))[60, 80], (255, 0, 0), atol=25)
    assert not outputs.doubts
