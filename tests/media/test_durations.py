"""A file is blamed only for frames that it promised."""

import subprocess
from pathlib import Path

import pytest

from benchmarks.composing.flash_and_beep import Piece, sync_errors_s, write
from vidlib.machine import commands
from vidlib.media import ffprobe
from vidlib.media.durations import promised_end_s
from vidlib.media.probe import probe_video
from vidlib.steps import convert

H264 = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac"]
VP8 = ["-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libopus"]
WMV = ["-c:v", "wmv2", "-c:a", "wmav2"]
MPEG2 = ["-c:v", "mpeg2video", "-c:a", "mp2"]

SUBTITLE = "1\n00:00:00,500 --> 00:00:05,000\nhello\n"
CHAPTER = ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=5000\ntitle=x\n"


def clip(path: Path, *options: str, sound_s: float = 2, extra: tuple[str, ...] = (), picture: str = "testsrc") -> Path:
    """Two seconds of picture with ``sound_s`` seconds of sound; ``extra`` are arguments for a third input."""
    sources = ["-f", "lavfi", "-i", f"{picture}=size=160x120:rate=25:duration=2"]
    sources += ["-f", "lavfi", "-i", f"sine=duration={sound_s}", *extra]
    maps = ["-map", "0", "-map", "1"]
    subprocess.run([commands.find_program("ffmpeg"), "-v", "error", "-y", *sources, *maps, *options, path], check=True)
    return path


def cut(path: Path, share: float = 0.5) -> Path:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


def join(path: Path, *parts: Path) -> Path:
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


def convert_file(path: Path) -> convert.Outputs:
    params = convert.Params(preset="ultrafast")
    return convert.run(convert.Inputs(source=path, out_dir=path.with_name("out")), params)


def promise_s(path: Path) -> float | None:
    return promised_end_s(path, probe_video(path).index)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("suffix", "codecs"),
    [
        *((suffix, H264) for suffix in ("mkv", "flv", "nut", "mp4", "ts", "avi")),
        ("webm", VP8),
        ("wmv", WMV),
        ("mpg", MPEG2),
        ("wtv", MPEG2),
    ],
)
def test_sound_after_the_end_of_the_picture_promises_no_frames(tmp_path, suffix, codecs):
    path = clip(tmp_path / f"clip.{suffix}", *codecs, sound_s=4)
    assert promise_s(path) == pytest.approx(2, abs=0.1)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["mkv", "flv"])
def test_a_picture_that_is_shorter_than_its_sound_is_converted_whole(tmp_path, suffix):
    outputs = convert_file(clip(tmp_path / f"clip.{suffix}", *H264, sound_s=4))
    assert outputs.frames == pytest.approx(50, abs=1)
    assert (outputs.source_frames, outputs.lost_frames, outputs.doubts) == (50, 0, ())


@pytest.mark.parametrize(("suffix", "codecs"), [("mkv", H264), ("flv", H264), ("webm", VP8), ("ts", H264)])
def test_a_file_that_starts_at_one_hour_is_not_one_hour_longer(tmp_path, suffix, codecs):
    path = clip(tmp_path / f"clip.{suffix}", *codecs, "-output_ts_offset", "3600")
    assert promise_s(path) == pytest.approx(2, abs=0.1)


@pytest.mark.slow
def test_a_subtitle_or_chapter_after_the_end_promises_no_frames(tmp_path):
    (tmp_path / "text.srt").write_text(SUBTITLE)
    (tmp_path / "chapters.txt").write_text(CHAPTER)
    subtitle = clip(tmp_path / "s.mkv", *H264, "-map", "2", "-c:s", "srt", extra=("-i", str(tmp_path / "text.srt")))
    chapter = clip(tmp_path / "c.mkv", *H264, "-map_chapters", "2", extra=("-i", str(tmp_path / "chapters.txt")))
    assert promise_s(subtitle) == pytest.approx(2, abs=0.1)
    assert promise_s(chapter) == pytest.approx(2, abs=0.1)


@pytest.mark.slow
def test_a_matroska_file_without_durations_promises_its_packets(tmp_path):
    path = clip(tmp_path / "clip.mkv", *H264, "-live", "1", sound_s=4)
    assert promise_s(path) == pytest.approx(2, abs=0.1)
    tagged = clip(tmp_path / "tagged.mkv", *H264, "-output_ts_offset", "60", sound_s=4)
    assert probe_video(tagged).duration_s == pytest.approx(2, abs=0.1)


@pytest.mark.slow
@pytest.mark.parametrize(("suffix", "promised_s"), [("mkv", 2), ("flv", 4)])
def test_a_file_that_lost_its_end_promised_more(tmp_path, suffix, promised_s):
    """The header of a Flash video promises a duration of the whole file alone."""
    path = cut(clip(tmp_path / f"clip.{suffix}", *H264, sound_s=4), 0.4)
    assert promise_s(path) == pytest.approx(promised_s, abs=0.1)
    outputs = convert_file(path)
    assert outputs.lost_frames >= 15
    assert "are missing" in outputs.doubts[0].message


@pytest.mark.slow
def test_an_avi_without_its_index_promises_the_frames_of_its_header(tmp_path):
    path = cut(clip(tmp_path / "clip.avi", "-c:v", "mpeg4", "-c:a", "mp3"))
    outputs = convert_file(path)
    assert outputs.lost_frames == pytest.approx(50 - outputs.frames, abs=1)
    assert outputs.lost_frames > 10


@pytest.mark.slow
def test_a_file_that_lost_its_end_after_that_of_the_picture_lost_no_frame(tmp_path):
    path = cut(clip(tmp_path / "clip.flv", *H264, sound_s=20), 0.9)
    assert promise_s(path) == pytest.approx(2, abs=0.1)


@pytest.mark.slow
@pytest.mark.parametrize(("hours", "suffix", "codecs"), [(20, "ts", H264), (25, "mpg", MPEG2)])
def test_a_jump_of_the_clock_is_no_length(tmp_path, hours, suffix, codecs):
    before = clip(tmp_path / f"before.{suffix}", *codecs)
    after = clip(tmp_path / f"after.{suffix}", *codecs, "-output_ts_offset", str(hours * 3600), picture="testsrc2")
    for name, parts in {"forth": (before, after), "back": (after, before)}.items():
        path = join(tmp_path / f"{name}.{suffix}", *parts)
        assert probe_video(path).duration_s == pytest.approx(4, abs=0.2)
        assert promise_s(path) == pytest.approx(4, abs=0.2)
    outputs = convert_file(path)
    assert outputs.frames == pytest.approx(100, abs=2)
    assert outputs.lost_frames == 0


@pytest.mark.slow
def test_recordings_that_were_joined_follow_each_other(tmp_path):
    """The clock of the picture steps back while the sound of the first part still arrives."""
    pieces = [write(tmp_path / "part.ts", Piece(seconds=2, first_s=0.4), *H264[:-1], "mp2")] * 3
    path = join(tmp_path / "clip.ts", *pieces)
    assert promise_s(path) == pytest.approx(6, abs=0.1)
    outputs = convert_file(path)
    assert (outputs.frames, outputs.lost_frames, outputs.doubts) == (150, 0, ())
    assert max(map(abs, sync_errors_s(outputs.video))) < 0.02


def test_a_clock_goes_on_evenly_after_a_step_back():
    packets = ffprobe.StreamPackets()
    for number in [*range(50), *range(30), *range(10, 20)]:
        packets.add(number / 25, number / 25, 1 / 25)
    assert packets.even_s == pytest.approx(90 / 25)
    assert packets.back_s == pytest.approx(19 / 25)


@pytest.mark.slow
def test_a_matroska_file_behind_another_is_not_dropped_without_a_word(tmp_path):
    part = clip(tmp_path / "part.mkv", *H264)
    outputs = convert_file(join(tmp_path / "clip.mkv", part, part))
    assert outputs.frames == 50
    (item,) = outputs.doubts
    assert item.message == "50 frames were left out, because their clock begins again, as after joining files"


@pytest.mark.slow
def test_sound_that_a_broadcast_begins_late_is_found(tmp_path):
    silent = write(tmp_path / "silent.ts", Piece(seconds=8), *H264[:-2], "-an")
    loud = clip(tmp_path / "loud.ts", *H264[:-1], "mp2", "-output_ts_offset", "8")
    path = join(tmp_path / "clip.ts", silent, loud)
    assert [track.channels for track in probe_video(path).audio] == [1]
