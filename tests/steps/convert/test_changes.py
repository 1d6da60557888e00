"""Formats that change within a file: picture and sound stay together, and every frame is there."""

import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.composing.flash_and_beep import Piece, combing, joined, run_ffmpeg, sync_errors_s
from tests.steps.convert.converting import converted
from vidlib.media.frames import read_frames
from vidlib.media.probe import frame_times, probe_video
from vidlib.media.scan import scan_formats
from vidlib.steps import convert

pytestmark = pytest.mark.slow

H264 = ("-c:v", "libx264", "-bf", "0", "-preset", "ultrafast")
MPEG2 = ("-c:v", "mpeg2video", "-q:v", "3", "-c:a", "mp2")

FIRST_S = 0.4
"""When a flash begins: away from the change, where pieces overlap."""

SOUNDS = [Piece(channels=c, sample_rate=rate) for c, rate in ((1, 48000), (2, 32000), (6, 48000), (2, 48000))]
RATES = [Piece(sample_rate=rate) for rate in (48000, 32000, 48000, 44100, 48000, 32000, 48000)]
SIZES = [Piece(size=size) for size in ((160, 120), (120, 160), (320, 180), (160, 120))]
SHAPES = [Piece(size=(160, 120), seconds=4), Piece(size=(120, 160)), Piece(size=(160, 120), sar="4/3")]
FIELDS = [Piece(interlaced=number % 2 == 1) for number in range(7)]


def flashing(path: Path, pieces: Sequence[Piece], *options: str) -> Path:
    return joined(path, [replace(piece, first_s=FIRST_S) for piece in pieces], *options)


def assert_in_sync(outputs: convert.Outputs, pieces: Sequence[Piece]) -> None:
    assert outputs.frames == 25 * sum(piece.seconds for piece in pieces)
    errors = sync_errors_s(outputs.video)
    assert len(errors) == sum(piece.seconds for piece in pieces)
    assert max(map(abs, errors)) < 0.02
    assert len(set(frame_times(probe_video(outputs.video)))) == outputs.frames


@pytest.mark.parametrize(
    ("pieces", "options"),
    [
        (SOUNDS[:1] * 2 + SOUNDS[1:], (*H264, "-c:a", "ac3")),
        (RATES, (*H264, "-c:a", "aac")),
        (RATES, MPEG2),
        (SIZES, (*H264, "-c:a", "aac")),
        (FIELDS, (*H264, "-c:a", "aac")),
        ([*SIZES, *FIELDS[:2], SHAPES[-1], SOUNDS[0]], MPEG2),
    ],
    ids=["ac3", "rates", "rates-mp2", "sizes", "fields", "all"],
)
def test_picture_and_sound_stay_in_sync_after_every_change(tmp_path, out_dir, pieces, options):
    outputs = converted(flashing(tmp_path / "clip.ts", pieces, *options), out_dir, preset="ultrafast")
    assert_in_sync(outputs, pieces)
    assert combing(outputs.video) < 0.01
    assert outputs.doubts


def test_a_change_of_the_sound_is_named_with_all_formats(tmp_path, out_dir):
    outputs = converted(flashing(tmp_path / "clip.ts", SOUNDS, *H264, "-c:a", "aac"), out_dir, preset="ultrafast")
    assert_in_sync(outputs, SOUNDS)
    (note,) = [item.message for item in outputs.doubts if "sound" in item.message]
    assert all(name in note for name in ("mono at 48000 Hz", "stereo at 32000 Hz", "5.1 at 48000 Hz"))
    assert probe_video(outputs.video).audio[0].channels == 6


def test_shapes_stay_with_bars_around_them(tmp_path, out_dir):
    outputs = converted(flashing(tmp_path / "clip.ts", SHAPES, *H264, "-c:a", "aac"), out_dir)
    assert_in_sync(outputs, SHAPES)
    assert (outputs.width, outputs.height) == (160, 120)
    frames = list(read_frames(outputs.video, 160, 120))
    assert shown(frames[20]) == pytest.approx((160, 120), abs=2)
    assert shown(frames[120]) == pytest.approx((90, 120), abs=2)
    assert shown(frames[170]) == pytest.approx((160, 90), abs=2)
    (note,) = [item for item in outputs.doubts if "bars" in item.message]
    assert note.frame == 100
    assert "changes 2 times" in note.message


def test_frames_of_one_size_keep_the_shape_that_each_of_them_has(tmp_path, out_dir):
    """So a broadcast switches between 4:3 and 16:9."""
    pieces = [Piece(seconds=3), Piece(sar="4/3"), Piece()]
    outputs = converted(flashing(tmp_path / "clip.ts", pieces, *MPEG2), out_dir)
    assert_in_sync(outputs, pieces)
    width, height = outputs.width, outputs.height
    frames = list(read_frames(outputs.video, width, height))
    for number, shape in ((20, (width, height)), (100, (width, height * 3 / 4)), (150, (width, height))):
        assert shown(frames[number]) == pytest.approx(shape, abs=2)


def in_mp4(path: Path, pieces: Sequence[Piece]) -> Path:
    """H.264 in the editors' format, as far as the container tells."""
    ts = joined(path.with_suffix(".ts"), pieces, *H264, "-c:a", "aac")
    run_ffmpeg("-i", ts, "-c", "copy", "-bsf:a", "aac_adtstoasc", path)
    return path


def test_frames_of_two_sizes_are_never_in_one_file(tmp_path, out_dir):
    """The second half has another size: the container names only the first."""
    outputs = converted(in_mp4(tmp_path / "clip.mp4", [Piece(), Piece(size=(320, 240))]), out_dir)
    assert outputs.encoded
    assert sizes(outputs.video) == {f"{outputs.width},{outputs.height}"}
    assert any("160x120" in item.message and "320x240" in item.message for item in outputs.doubts)


@pytest.fixture(scope="module")
def half_interlaced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return in_mp4(tmp_path_factory.mktemp("half interlaced") / "clip.mp4", [Piece(), Piece(interlaced=True)])


@pytest.mark.parametrize("only_between_key_frames", [False, True])
def test_fields_in_one_half_of_a_copied_picture_are_found(
    out_dir, monkeypatch, half_interlaced, only_between_key_frames
):
    def scan(info, timeout_s, *, key_frames=False):
        found = scan_formats(info, timeout_s, key_frames=key_frames)
        return replace(found, interlaced=0) if key_frames else found

    if only_between_key_frames:
        monkeypatch.setattr(convert, "scan_formats", scan)
    outputs = converted(half_interlaced, out_dir)
    assert outputs.encoded
    assert combing(outputs.video) < 0.01
    assert any("50 of 100 frames were interlaced" in item.message for item in outputs.doubts)


def shown(frame: np.ndarray) -> tuple[int, int]:
    """Width and height of the part of a frame that is not black."""
    bright = frame.mean(axis=2) > 60
    return int(bright.any(axis=0).sum()), int(bright.any(axis=1).sum())


def sizes(video: Path) -> set[str]:
    entries = ["-select_streams", "v", "-show_entries", "frame=width,height", "-of", "csv=p=0"]
    output = subprocess.check_output(["ffprobe", "-v", "error", *entries, video], text=True)
    return {line.rstrip(",") for line in output.split()}
