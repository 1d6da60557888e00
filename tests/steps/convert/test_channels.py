"""Channels: discrete ones stay discrete, and layouts that AAC does not know do not stop the video."""

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from benchmarks.composing.flash_and_beep import run_ffmpeg
from tests.steps.convert.converting import converted
from vidlib.media.audio import SAMPLE_RATE, read_waveform
from vidlib.media.ffmpeg import input_args, stream_decoded
from vidlib.media.probe import probe_video
from vidlib.media.sound_tracks import AAC_LAYOUTS

pytestmark = pytest.mark.slow

LEVEL = 0.25
PICTURE = ("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25:duration=2")


def hertz(channel: int) -> int:
    return 400 + 200 * channel


def clip(path: Path, n_channels: int, *options: str, layout: str = "") -> Path:
    """A video whose channels hold tones of 400, 600, ... Hz; PCM without a layout by default."""
    tones = "|".join(f"{LEVEL}*sin(2*PI*{hertz(channel)}*t)" for channel in range(n_channels))
    named = f":c={layout}" if layout else ""
    sound = ["-f", "lavfi", "-i", f"aevalsrc='{tones}':s=48000:d=2{named}"]
    codec = options or ("-c:a", "pcm_s16le")
    run_ffmpeg(*PICTURE, "-guess_layout_max", "0", *sound, "-c:v", "libx264", *codec, path)
    return path


def channels(video: Path) -> list[np.ndarray]:
    """One second of every channel of every track, at 16 kHz."""
    found = []
    for track in probe_video(video).audio:
        output = ["-map", f"0:{track.index}", "-ar", str(SAMPLE_RATE), "-f", "f32le"]
        with stream_decoded(video, *input_args(video), *output) as stream:
            samples = np.frombuffer(stream.read(), np.float32).reshape(-1, track.channels)
        found += list(samples[SAMPLE_RATE // 2 : SAMPLE_RATE * 3 // 2].T)
    return found


def level(samples: np.ndarray, frequency: int) -> float:
    return float(np.abs(np.fft.rfft(samples))[frequency] * 2 / len(samples))


@pytest.mark.parametrize(
    ("n_channels", "n_tracks"), [(3, 1), (4, 1), (5, 1), (6, 1), (7, 1), (8, 1), (10, 2), (12, 2), (16, 2), (24, 3)]
)
def test_discrete_channels_are_all_delivered_at_their_level(tmp_path, out_dir, n_channels, n_tracks):
    outputs = converted(clip(tmp_path / "clip.mkv", n_channels), out_dir)
    assert outputs.audio_tracks == n_tracks
    delivered = channels(outputs.video)
    assert len(delivered) == n_channels
    for channel, samples in enumerate(delivered):
        own = level(samples, hertz(channel))
        assert abs(20 * np.log10(own / LEVEL)) < 1
        others = [level(samples, hertz(other)) for other in range(n_channels) if other != channel]
        assert max(others) < 0.02 * own
    assert any(f"{n_channels} channels" in item.message for item in outputs.doubts)


@pytest.mark.parametrize("n_channels", [4, 6, 8, 12, 24])
def test_analysis_hears_every_discrete_channel(tmp_path, out_dir, n_channels):
    heard = read_waveform(converted(clip(tmp_path / "clip.mkv", n_channels), out_dir).video)
    second = heard[SAMPLE_RATE // 2 : SAMPLE_RATE * 3 // 2]
    for channel in range(n_channels):
        assert level(second, hertz(channel)) > 0.85 * LEVEL / n_channels


@pytest.mark.parametrize("layout", ["5.0(side)", "5.1(side)"])
def test_surround_channels_at_the_sides_keep_a_layout_that_programs_know(tmp_path, out_dir, layout):
    """So FFmpeg calls the layout of AC-3, which would be unknown in AAC."""
    n_channels = 6 if "5.1" in layout else 5
    outputs = converted(clip(tmp_path / "clip.mkv", n_channels, "-c:a", "ac3", layout=layout), out_dir)
    assert [track.layout for track in probe_video(outputs.video).audio] == [layout.removesuffix("(side)")]
    front = channels(outputs.video)[:3]
    assert [level(samples, hertz(n)) for n, samples in enumerate(front)] == pytest.approx([LEVEL] * 3, rel=0.1)
    assert not outputs.doubts


def test_a_codec_that_names_no_layout_of_one_channel_does_not_stop_the_video(tmp_path, out_dir):
    speech = tmp_path / "speech.ogv"
    theora = ["-c:v", "libtheora", "-c:a", "libspeex", "-ar", "16000"]
    run_ffmpeg(*PICTURE, "-f", "lavfi", "-i", "sine=duration=2:sample_rate=16000", *theora, speech)
    (track,) = probe_video(converted(speech, out_dir).video).audio
    assert (track.layout, track.channels) == ("mono", 1)


def test_ambisonics_become_discrete_channels(tmp_path, out_dir):
    opus = ["-af", "channelmap=map=0|1|2|3:channel_layout=ambisonic 1", "-c:a", "libopus", "-mapping_family", "2"]
    outputs = converted(clip(tmp_path / "clip.mkv", 4, *opus), out_dir)
    assert [round(level(samples, hertz(n)), 2) for n, samples in enumerate(channels(outputs.video))] == [LEVEL] * 4
    assert any("ambisonic 1" in item.message for item in outputs.doubts)


@pytest.mark.parametrize("layout", ["5.1", "7.1", "quad"])
def test_a_layout_with_names_stays_as_it_is(tmp_path, out_dir, layout):
    n_channels = {"5.1": 6, "7.1": 8, "quad": 4}[layout]
    outputs = converted(clip(tmp_path / "clip.mkv", n_channels, "-c:a", "flac", layout=layout), out_dir)
    assert len(channels(outputs.video)) == n_channels
    assert outputs.doubts == ()


def test_one_track_that_aac_cannot_hold_does_not_stop_the_others(tmp_path, out_dir):
    many, one = clip(tmp_path / "many.mkv", 24), clip(tmp_path / "one.mkv", 2)
    both = tmp_path / "both.mkv"
    language = ["-metadata:s:a:1", "language=ger"]
    run_ffmpeg("-i", many, "-i", one, "-map", "0", "-map", "1:a", *language, "-c", "copy", both)
    outputs = converted(both, out_dir)
    assert [track.channels for track in probe_video(outputs.video).audio] == [8, 8, 8, 2]
    assert [track.title for track in probe_video(outputs.video).audio][:3] == [
        "channels 1-8 of 24",
        "channels 9-16 of 24",
        "channels 17-24 of 24",
    ]


def test_the_list_of_layouts_is_that_of_the_encoder():
    names = subprocess.check_output(["ffmpeg", "-v", "error", "-layouts"], text=True)
    standard = re.findall(r"^(\S+)\s+\S*\+\S*$|^(mono|stereo)\b", names.split("Standard channel layouts")[1], re.M)
    layouts = [one or other for one, other in standard]
    assert set(layouts) >= AAC_LAYOUTS
    for layout in layouts:
        source = ["-f", "lavfi", "-i", f"anullsrc=channel_layout={layout}", "-t", "0.05"]
        done = subprocess.run(["ffmpeg", "-v", "error", *source, "-c:a", "aac", "-f", "null", "-"], capture_output=True)
        assert (done.returncode == 0) == (layout in AAC_LAYOUTS), layout
