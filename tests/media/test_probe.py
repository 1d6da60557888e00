import math
from fractions import Fraction

import numpy as np
import pytest

from tests import sample_media as made
from vidlib.errors import CommandFailed, MediaError
from vidlib.machine import commands
from vidlib.media import ffmpeg, probe

TIMEOUT_S = 60


def test_probe_says_what_a_clip_holds(tmp_path):
    info = probe.probe(made.clip(tmp_path / "clip.mp4", sounds=2))
    assert (info.codec, info.pix_fmt, info.width, info.height) == ("h264", "yuv420p", 64, 48)
    assert (info.fps, info.base_fps, info.frames, info.duration_s) == (25, 25, 50, 2.0)
    assert (info.sar, info.rotation, info.interlaced, info.is_hdr, info.is_rgb) == (1, 0, False, False, False)
    assert [(track.codec, track.sample_rate, track.channels) for track in info.audio] == [("aac", 48000, 1)] * 2


def test_a_file_is_described_once_and_anew_when_it_has_changed(tmp_path, monkeypatch):
    asked, run = [], commands.run
    monkeypatch.setattr(commands, "run", lambda args, **how: asked.append(args) or run(args, **how))
    path = made.clip(tmp_path / "clip.mp4", sounds=1)
    del asked[:]
    assert probe.probe(path) == probe.probe(path) and len(probe.waveform(path))
    (tmp_path / "other.mp4").hardlink_to(path)
    infos = [probe.probe(path), probe.probe(tmp_path / "other.mp4")]
    assert [info.path.name for info in infos] == ["clip.mp4", "other.mp4"]
    assert probe.timestamps(infos[0]) == probe.timestamps(infos[1])
    assert len([args for args in asked if "-show_format" in args or "-select_streams" in args]) == 2
    made.clip(path, fps="30", sounds=0)
    assert (probe.probe(path).fps, probe.probe(path).audio) == (30, ())
    assert len(probe.waveform(path)) == 0


def test_rates_are_exact(tmp_path):
    assert probe.probe(made.clip(tmp_path / "clip.mp4", fps="30000/1001")).fps == Fraction(30000, 1001)


@pytest.mark.parametrize(
    ("maker", "shown"), [(made.rotated, (48, 64)), (made.anamorphic, (128, 48)), (made.odd_size, (63, 47))]
)
def test_the_display_size_is_what_a_viewer_sees(tmp_path, maker, shown):
    info = probe.probe(maker(tmp_path / "clip.mp4"))
    assert info.display_size == shown


def test_a_quarter_turn_is_told_clockwise(tmp_path):
    assert probe.probe(made.rotated(tmp_path / "clip.mp4")).rotation == 90


def test_cover_art_is_no_video(tmp_path):
    with pytest.raises(MediaError, match="no moving picture"):
        probe.probe(made.cover_only(tmp_path / "song.mp4"))
    info = probe.probe(made.with_cover(tmp_path / "clip.mp4"))
    assert (info.width, info.codec) == (64, "h264")


def test_a_file_that_is_not_there_is_said_to_be_missing(tmp_path):
    with pytest.raises(MediaError, match="is no file"):
        probe.probe(tmp_path / "nothing.mp4")


def test_a_picture_larger_than_any_film_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(probe, "MAX_SIDE", 63)
    with pytest.raises(MediaError, match="64 x 48 pixels; expected 2 to 63"):
        probe.probe(made.silent(tmp_path / "clip.mp4"))


def test_a_picture_that_is_really_too_large_is_refused_by_what_it_says(tmp_path):
    huge = made.clip(tmp_path / "huge.mkv", size=(8196, 16), n_frames=2, sounds=0, options=["-c:v", "ffv1"])
    with pytest.raises(MediaError, match="8196 x 16 pixels"):
        probe.probe(huge)


def test_a_picture_that_grows_in_the_middle_is_not_decoded(tmp_path, monkeypatch):
    small, large = (
        made.clip(tmp_path / f"{width}.h264", size=(width, 48), sounds=0, options=["-movflags", "0", "-f", "h264"])
        for width in (64, 320)
    )
    small.write_bytes(small.read_bytes() + large.read_bytes())
    assert probe.decode(probe.probe(small), timeout_s=TIMEOUT_S).frames == 100
    monkeypatch.setitem(ffmpeg.INPUT_OPTIONS, "max_pixels", str(200 * 48))
    assert probe.decode(probe.probe(small), timeout_s=TIMEOUT_S).frames == 50


def test_a_file_that_says_it_lasts_for_days_is_refused(tmp_path):
    with pytest.raises(MediaError, match="s long; expected at most 86400 s"):
        probe.probe(made.endless(tmp_path / "clip.mp4"))


@pytest.mark.parametrize("kind", made.TRAPS)
def test_a_text_that_names_something_is_refused_before_ffmpeg_sees_it(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(commands, "run", None)
    trap = made.trap(tmp_path / "trap.mp4", kind, made.silent(tmp_path / "secret.mp4"))
    with pytest.raises(MediaError, match=r"'trap\.mp4' is a text"):
        probe.probe(trap)


@pytest.mark.parametrize("kind", made.TRAPS)
def test_ffmpeg_opens_nothing_that_a_text_names_either(tmp_path, kind):
    trap = made.trap(tmp_path / "trap.mp4", kind, made.silent(tmp_path / "secret.mp4"))
    with pytest.raises(CommandFailed):
        commands.run(ffmpeg.command(*ffmpeg.input_args(trap), "-f", "null", "-"), timeout_s=TIMEOUT_S)


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
    assert probe.probe(video).width == 64

    constant = probe.timestamps(probe.probe(made.silent(tmp_path / "clip.mp4")))
    assert constant == [Fraction(frame, 25) for frame in range(50)]
    variable = probe.timestamps(probe.probe(made.variable_rate(tmp_path / "vfr.mp4")))
    assert variable[24:27] == [Fraction(24, 25), Fraction(25, 25), Fraction(27, 25)]


def test_decode_counts_what_is_really_there(tmp_path):
    whole = probe.decode(probe.probe(made.clip(tmp_path / "clip.mp4")), timeout_s=TIMEOUT_S)
    assert (whole.frames, whole.messages) == (50, "")
    cut = probe.decode(probe.probe(made.truncated(tmp_path / "cut.mp4")), timeout_s=TIMEOUT_S)
    assert 0 < cut.frames < 50
    assert cut.messages


def test_frames_come_in_order_neither_dropped_nor_repeated(tmp_path):
    for source in (made.clip(tmp_path / "clip.mp4"), made.variable_rate(tmp_path / "vfr.mp4")):
        found = [made.frame_number(frame) for frame in probe.frames(source, 64, 48)]
        assert found == list(range(50))


def test_frames_are_rgb_and_of_the_size_asked_for(tmp_path):
    frame = next(probe.frames(made.silent(tmp_path / "clip.mp4"), 32, 24))
    assert (frame.shape, frame.dtype) == ((24, 32, 3), np.uint8)
    assert abs(frame[2, 30].astype(int) - made.COLOURS[0]).max() < 25


def test_frames_of_a_file_that_is_no_video_raise(tmp_path):
    with pytest.raises(MediaError, match="cannot be decoded"):
        list(probe.frames(made.garbage(tmp_path / "clip.mp4"), 64, 48))


def test_stills_are_the_very_frames(tmp_path):
    source = made.clip(tmp_path / "clip.mp4")
    wanted = [0, 1, 19, 20, 49, 3, 3, 7]
    assert [made.frame_number(still) for still in probe.stills(source, wanted, 64, 48)] == wanted
    with pytest.raises(MediaError, match="no frame 50"):
        probe.stills(source, [50], 64, 48)


def test_the_waveform_is_mono_at_16_khz(tmp_path):
    sound = probe.waveform(made.clip(tmp_path / "clip.mp4"))
    assert sound.dtype == np.float32
    assert len(sound) == pytest.approx(2 * probe.SAMPLE_RATE, abs=1024)
    crossings = (np.diff(np.signbit(sound[4000:20000])) != 0).sum()
    assert crossings == pytest.approx(2 * 440, rel=0.01)


def test_the_waveform_begins_with_the_picture(tmp_path):
    late = made.clip(tmp_path / "late.mkv", options=["-af", "asetpts=PTS+0.5/TB", "-c:a", "pcm_s16le"])
    sound = probe.waveform(late)
    assert math.isclose((abs(sound) > 0.01).argmax() / probe.SAMPLE_RATE, 0.5, abs_tol=0.02)


def test_a_silent_clip_has_an_empty_waveform(tmp_path):
    assert len(probe.waveform(made.silent(tmp_path / "clip.mp4"))) == 0


def test_a_waveform_on_disk_is_the_same_and_leaves_nothing(tmp_path):
    source, folder = made.clip(tmp_path / "clip.mp4"), tmp_path / "folder"
    folder.mkdir()
    with probe.stored_waveform(source, folder, 30_000) as stored:
        np.testing.assert_array_equal(stored[:], probe.waveform(source)[:30_000])
        assert not list(folder.iterdir())
    with probe.stored_waveform(source, folder, 60_000) as stored:
        assert len(stored) == len(probe.waveform(source)) < 60_000
    with probe.stored_waveform(made.silent(tmp_path / "silent.mp4"), folder, 60_000) as stored:
        assert len(stored) == 0


def test_sound_that_cannot_be_decoded_is_not_stored(tmp_path):
    with pytest.raises(MediaError), probe.stored_waveform(made.garbage(tmp_path / "clip.mp4"), tmp_path, 1):
        pass


def test_only_the_frames_asked_for_come(tmp_path):
    source = made.clip(tmp_path / "clip.mp4")
    for wanted in ([7], [0, 1, 30, 49], list(range(0, 50, 2))):
        assert [made.frame_number(frame) for frame in probe.frames(source, 64, 48, only=wanted)] == wanted


def test_loudness_has_one_value_a_frame_and_knows_silence(tmp_path):
    late = made.clip(tmp_path / "late.mkv", options=["-af", "asetpts=PTS+0.4/TB", "-c:a", "pcm_s16le"])
    loud = probe.loudness(late)
    assert loud[:9].max() < 0.001
    assert loud[11:50] == pytest.approx(0.125 / math.sqrt(2), rel=0.05)  # a sine of amplitude 1/8
    assert len(probe.loudness(made.silent(tmp_path / "clip.mp4"))) == 0
