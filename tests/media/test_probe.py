import struct
from fractions import Fraction

import pytest

from tests import sample_media as made
from vidlib.errors import CommandFailed, MediaError
from vidlib.machine import commands
from vidlib.media import ffmpeg, probe
from vidlib.media.audio import read_waveform
from vidlib.media.frames import decode_all
from vidlib.media.probe import frame_times, probe_video
from vidlib.steps import convert
from vidlib.timeline import relabel

TIMEOUT_S = 60


def test_probe_says_what_a_clip_holds(tmp_path):
    info = probe_video(made.clip(tmp_path / "clip.mp4", sounds=2))
    assert (info.codec, info.pix_fmt, info.width, info.height) == ("h264", "yuv420p", 64, 48)
    assert (info.fps, info.frames, info.duration_s) == (25, 50, 2.0)
    assert (info.sar, info.rotation, info.interlaced, info.is_hdr, info.is_rgb) == (1, 0, False, False, False)
    assert [(track.codec, track.sample_rate, track.channels) for track in info.audio] == [("aac", 48000, 1)] * 2


def test_a_file_is_described_once_and_anew_when_it_has_changed(tmp_path, monkeypatch):
    asked, run = [], commands.run
    monkeypatch.setattr(commands, "run", lambda args, **how: asked.append(args) or run(args, **how))
    path = made.clip(tmp_path / "clip.mp4", n_frames=47, sounds=1)  # which no other test asks about
    del asked[:]
    assert probe_video(path) == probe_video(path) and len(read_waveform(path))
    (tmp_path / "other.mp4").hardlink_to(path)
    infos = [probe_video(path), probe_video(tmp_path / "other.mp4")]
    assert [info.path.name for info in infos] == ["clip.mp4", "other.mp4"]
    assert frame_times(infos[0]) == frame_times(infos[1])
    assert len([args for args in asked if "-show_format" in args or "-select_streams" in args]) == 2
    made.clip(path, fps="30", sounds=0)
    assert (probe_video(path).fps, probe_video(path).audio) == (30, ())
    assert len(read_waveform(path)) == 0


def test_rates_are_exact(tmp_path):
    assert probe_video(made.clip(tmp_path / "clip.mp4", fps="30000/1001")).fps == Fraction(30000, 1001)


@pytest.mark.parametrize(
    ("maker", "shown"), [(made.rotated, (48, 64)), (made.anamorphic, (128, 48)), (made.odd_size, (63, 47))]
)
def test_the_display_size_is_what_a_viewer_sees(tmp_path, maker, shown):
    info = probe_video(maker(tmp_path / "clip.mp4"))
    assert info.display_size == shown


def test_a_quarter_turn_is_told_clockwise(tmp_path):
    assert probe_video(made.rotated(tmp_path / "clip.mp4")).rotation == 90


def test_cover_art_is_no_video(tmp_path):
    with pytest.raises(MediaError, match="no moving picture"):
        probe_video(made.cover_only(tmp_path / "song.mp4"))
    info = probe_video(made.with_cover(tmp_path / "clip.mp4"))
    assert (info.width, info.codec) == (64, "h264")


def test_a_file_that_is_not_there_is_said_to_be_missing(tmp_path):
    with pytest.raises(MediaError, match="is no file"):
        probe_video(tmp_path / "nothing.mp4")


def test_a_picture_larger_than_any_film_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(probe, "MAX_SIDE", 63)
    with pytest.raises(MediaError, match="64 x 48 pixels; expected 2 to 63"):
        probe_video(made.silent(tmp_path / "clip.mp4"))


def test_a_picture_that_is_really_too_large_is_refused_by_what_it_says(tmp_path):
    huge = made.clip(tmp_path / "huge.mkv", size=(8196, 16), n_frames=2, sounds=0, options=["-c:v", "ffv1"])
    with pytest.raises(MediaError, match="8196 x 16 pixels"):
        probe_video(huge)


def test_a_picture_that_grows_in_the_middle_is_not_decoded(tmp_path, monkeypatch):
    small, large = (
        made.clip(tmp_path / f"{width}.h264", size=(width, 48), sounds=0, options=["-movflags", "0", "-f", "h264"])
        for width in (64, 320)
    )
    small.write_bytes(small.read_bytes() + large.read_bytes())
    assert decode_all(probe_video(small), timeout_s=TIMEOUT_S).frames == 100
    monkeypatch.setitem(ffmpeg.INPUT_OPTIONS, "max_pixels", str(200 * 48))
    assert decode_all(probe_video(small), timeout_s=TIMEOUT_S).frames == 50


def test_a_file_that_says_it_lasts_for_days_is_refused(tmp_path):
    with pytest.raises(MediaError, match=r"duration of \d+ s; expected at most 86400 s"):
        probe_video(made.endless(tmp_path / "clip.mp4"))


@pytest.mark.parametrize("kind", made.TRAPS)
def test_a_text_that_names_something_is_refused_before_ffmpeg_sees_it(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(commands, "run", None)
    trap = made.trap(tmp_path / "trap.mp4", kind, made.silent(tmp_path / "secret.mp4"))
    with pytest.raises(MediaError, match=r"'trap\.mp4' is a text"):
        probe_video(trap)


@pytest.mark.parametrize("kind", made.TRAPS)
def test_ffmpeg_opens_nothing_that_a_text_names_either(tmp_path, kind):
    trap = made.trap(tmp_path / "trap.mp4", kind, made.silent(tmp_path / "secret.mp4"))
    with pytest.raises(CommandFailed):
        commands.run(ffmpeg.command(*ffmpeg.input_args(trap), "-f", "null", "-"), timeout_s=TIMEOUT_S)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("suffix", "options"),
    [
        *((suffix, []) for suffix in ("mp4", "mov", "mkv", "avi", "flv", "ts", "nut")),
        ("mpg", ["-c:v", "mpeg2video", "-c:a", "mp2"]),
        ("mxf", ["-c:v", "mpeg2video", "-c:a", "pcm_s16le"]),
        ("wmv", ["-c:v", "wmv2", "-c:a", "wmav2"]),
        ("webm", ["-c:v", "libvpx", "-c:a", "libopus"]),
        ("y4m", ["-an", "-c:v", "wrapped_avframe"]),
    ],
)
def test_a_video_is_told_by_its_content_whatever_it_is_called(tmp_path, suffix, options):
    video = made.clip(tmp_path / f"clip.{suffix}", options=options).rename(tmp_path / "notes.txt")
    assert probe_video(video).width == 64


def test_frame_times_are_those_of_the_file(tmp_path):
    constant = frame_times(probe_video(made.silent(tmp_path / "clip.mp4")))
    assert constant == [Fraction(frame, 25) for frame in range(50)]
    variable = frame_times(probe_video(made.variable_rate(tmp_path / "vfr.mp4")))
    assert variable[24:27] == [Fraction(24, 25), Fraction(25, 25), Fraction(27, 25)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("suffix", "fps", "options", "timecode"),
    [
        ("mov", "50", ["-timecode", "10:00:00:49"], "10:00:00:24"),
        ("mov", "60000/1001", ["-timecode", "10:00:00;49"], "10:00:00:20"),
        ("mkv", "25", ["-metadata", "timecode=10:00:00:12"], "10:00:00:12"),
        ("mkv", "50", ["-metadata:s:v:0", "TIMECODE=10:00:00:49"], "10:00:00:24"),
        ("mkv", "60000/1001", ["-metadata", "TIMECODE=10:00:00;49"], "10:00:00:20"),
    ],
)
def test_the_time_code_of_any_rate_is_kept_in_frames_of_25(tmp_path, suffix, fps, options, timecode):
    source = made.clip(tmp_path / f"clip.{suffix}", fps=fps, n_frames=10, sounds=0, options=options)
    outputs = convert.run(convert.Inputs(source=source, out_dir=tmp_path / "out"), convert.Params())
    assert probe_video(outputs.video).timecode == timecode


def test_a_time_code_track_counts_at_its_own_rate(tmp_path):
    source = made.clip(tmp_path / "clip.mov", fps="50", sounds=0, options=["-timecode", "10:00:00:12"])
    data = bytearray(source.read_bytes())
    entry = (
        data.index(b"tmcd", data.index(b"tmcd", data.index(b"gmhd") + 1) + 1) + 20
    )  # QuickTime: timecode description
    scale, duration, per_second = struct.unpack(">IIB", data[entry : entry + 9])
    assert (scale / duration, per_second) == (50, 50)
    data[entry : entry + 9] = struct.pack(">IIB", scale, duration * 2, 25)  # the same count, of pairs of frames
    source.write_bytes(data)
    info = probe_video(source)
    assert (info.fps, info.timecode, info.timecode_fps) == (50, "20:00:00:12", 25)
    assert relabel(info.timecode, info.timecode_fps) == "20:00:00:12"
