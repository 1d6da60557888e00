"""Interlaced material becomes whole pictures, whatever says that it is interlaced; progressive material stays."""

import re
from pathlib import Path

import numpy as np
import pytest

from benchmarks.composing.flash_and_beep import Piece, combing, picture, run_ffmpeg, sync_errors_s, write
from tests.steps.convert.converting import converted
from vidlib.media.frames import read_frames

pytestmark = pytest.mark.slow

FLAGGED = ("-flags", "+ildct+ilme")
UNFLAGGED = ("-vf", "setfield=tff")
"""Fields that JPEG cannot name, but the container does."""

PCM = ("-c:a", "pcm_s16le", "-ar", "48000")
DV, SMALL = (720, 576), (160, 120)


def state_fields(video: Path, order: str) -> None:
    """Let the container of a QuickTime file state fields in this order, whatever its frames say."""
    codes = {"tt": b"\2\1", "bb": b"\2\6", "tb": b"\2\x09"}
    content, n_places = re.subn(rb"(?<=fiel)..", codes[order], video.read_bytes(), flags=re.DOTALL)
    assert n_places == 1
    video.write_bytes(content)


@pytest.mark.parametrize(
    ("name", "options", "size"),
    [
        ("clip.avi", ("-c:v", "dvvideo", "-pix_fmt", "yuv420p", *PCM), DV),
        ("clip.dv", ("-target", "pal-dv"), DV),
        ("clip.avi", ("-c:v", "mpeg4", "-pix_fmt", "yuv420p", "-q:v", "2", *FLAGGED, "-c:a", "mp3"), SMALL),
        ("clip.mov", ("-c:v", "prores_ks", "-pix_fmt", "yuv422p10le", *FLAGGED, *PCM), SMALL),
        ("clip.mov", ("-c:v", "mjpeg", "-pix_fmt", "yuvj422p", "-q:v", "2", *UNFLAGGED, *PCM), SMALL),
        ("clip.mp4", ("-c:v", "libx264", "-pix_fmt", "yuv420p", *FLAGGED, "-c:a", "aac"), SMALL),
        ("clip.mxf", ("-c:v", "mpeg2video", "-pix_fmt", "yuv420p", "-q:v", "2", *FLAGGED, *PCM), SMALL),
    ],
    ids=["dv-avi", "raw-dv", "mpeg4-avi", "prores", "mjpeg-fiel", "h264", "mxf"],
)
def test_no_frame_stays_combed(tmp_path, out_dir, name, options, size):
    source = write(tmp_path / name, Piece(size=size, interlaced=True), *options)
    assert combing(source) > 0.01, "the source is combed"
    outputs = converted(source, out_dir)
    assert combing(outputs.video) < 0.002
    assert outputs.frames == pytest.approx(50, abs=1)
    assert max(map(abs, sync_errors_s(outputs.video))) <= 0.02
    assert any("interlaced" in item.message for item in outputs.doubts)


@pytest.mark.parametrize("order", ["bb", "tb"])
def test_a_bottom_field_that_only_the_container_calls_first_gives_the_moment(tmp_path, out_dir, order):
    """The bar moves by 8 pixels from frame to frame, and by 4 from field to field."""
    piece = Piece(interlaced=True, seconds=0.4)
    moving = picture(piece).replace("interleave_top", "interleave_bottom")
    fields = ["-r", "25", "-vf", "setfield=prog", "-field_order", order, "-c:v", "prores_ks", "-pix_fmt", "yuv422p10le"]
    run_ffmpeg("-f", "lavfi", "-i", moving, *fields, tmp_path / "clip.mov")
    state_fields(tmp_path / "clip.mov", order)
    frame = list(read_frames(converted(tmp_path / "clip.mov", out_dir, crf=8).video, 160, 120))[8]
    assert np.flatnonzero(frame[96:112].mean(axis=(0, 2)) > 190)[0] == pytest.approx(8 * 8, abs=1)


def test_a_progressive_picture_in_an_interlaced_container_stays_as_it_is(tmp_path, out_dir):
    """Progressive segmented frames: the container states fields, and no frame is combed."""
    source = tmp_path / "clip.mov"
    moving = "testsrc2=size=160x120:rate=25,gblur=sigma=4"
    codec = ["-c:v", "prores_ks", "-pix_fmt", "yuv422p10le", "-field_order", "tt"]
    run_ffmpeg("-f", "lavfi", "-i", moving, "-t", "2", *codec, source)
    state_fields(source, "tt")
    outputs = converted(source, out_dir, crf=10)
    before, after = (list(read_frames(path, 160, 120)) for path in (source, outputs.video))
    assert max(abs(one.astype(int) - other).mean() for one, other in zip(before, after, strict=True)) < 8
    assert not outputs.doubts


def test_rolling_titles_that_are_progressive_are_not_taken_for_fields(tmp_path, out_dir):
    source = tmp_path / "clip.mkv"
    stripes = "nullsrc=s=160x480:r=25:d=2,format=gray,geq=lum='255*lt(mod(Y,8),3)',crop=160:120:0:n"
    run_ffmpeg("-f", "lavfi", "-i", stripes, "-pix_fmt", "yuv420p", "-c:v", "libx264", source)
    outputs = converted(source, out_dir)
    assert (outputs.frames, outputs.doubts) == (50, ())
