"""Picture and sound stay in sync where the file has gaps, or where one of them begins later."""

from pathlib import Path

import pytest

from benchmarks.composing.flash_and_beep import Piece, run_ffmpeg, sync_errors_s, write
from tests.steps.convert.converting import converted

pytestmark = pytest.mark.slow

H264 = ("-c:v", "libx264", "-bf", "0", "-preset", "ultrafast", "-pix_fmt", "yuv420p")


@pytest.mark.parametrize(
    ("name", "codec", "rate"),
    [("clip.mkv", "pcm_s16le", "24"), ("clip.ts", "aac", "24"), ("clip.mp4", "aac", "25")],
)
def test_short_gaps_of_the_sound_do_not_add_up(tmp_path, out_dir, name, codec, rate):
    """In each of 12 seconds two or three packets are missing, 43 to 64 ms, away from the beep."""
    whole = write(tmp_path / f"whole {name}", Piece(rate=rate, seconds=12), *H264, "-c:a", codec)
    drop = ["-bsf:a", "noise=drop='between(mod(pts*tb,1),0.5,0.55)'"]
    run_ffmpeg("-i", whole, "-c", "copy", *drop, tmp_path / name)
    outputs = converted(tmp_path / name, out_dir, preset="ultrafast")
    assert max(map(abs, sync_errors_s(outputs.video))) < 0.02


@pytest.fixture(scope="module")
def in_sync(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("in sync") / "whole.mkv", Piece(seconds=3), *H264, "-c:a", "pcm_s16le")


@pytest.mark.parametrize("late_ms", [5, 21, 35, 60, 1010])
@pytest.mark.parametrize("late", ["picture", "sound"])
def test_whatever_begins_late_stays_in_sync(tmp_path, out_dir, in_sync, late_ms, late):
    order = ("1:v", "0:a") if late == "picture" else ("0:v", "1:a")
    shifted = tmp_path / "late.mkv"
    delay = ["-itsoffset", f"{late_ms / 1000}", "-i", in_sync]
    run_ffmpeg("-i", in_sync, *delay, "-map", order[0], "-map", order[1], "-c", "copy", shifted)
    outputs = converted(shifted, out_dir, preset="ultrafast")
    sign = -1 if late == "picture" else 1
    # a beep of the next second is the nearest one where a second is missing
    assert sync_errors_s(outputs.video)[0] == pytest.approx(sign * (late_ms % 1000) / 1000, abs=0.02)
