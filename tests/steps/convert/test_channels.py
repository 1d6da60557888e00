"""Channels: discrete ones stay discrete, and layouts that AAC does not know do not stop the video."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from benchmarks.composing.flash_and_beep import run_ffmpeg
from tests.steps.convert.converting import converted
from vidlib.media.audio import SAMPLE_RATE, read_waveform
from vidlib.media.ffmpeg import input_args
from vidlib.media.probe import probe_video
from vidlib.media.sound_tracks import AAC_LAYOUTS
from vidlib.steps import convert

pytestmark = pytest.mark.slow

LEVEL = 0.25
PICTURE = ("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25:duration=2")
PCM = ("-c:a", "pcm_s16le")
N_TRACKS = {3: 1, 4: 1, 5: 1, 6: 1, 7: 1, 8: 1, 10: 2, 12: 2, 16: 2, 24: 3, 2: 1}
"""How many tracks become of a track with so many discrete channels; in the order of the file `discrete`."""


@dataclass(frozen=True)
class Sound:
    """An audio track whose channels hold tones of 400, 600, ... Hz."""

    n_channels: int
    layout: str = ""


def hertz(channel: int) -> int:
    return 400 + 200 * channel


def clip(path: Path, sounds: Sequence[Sound], *codecs: str) -> Path:
    """A video with these audio tracks."""
    inputs = []
    for sound in sounds:
        tones = "|".join(f"{LEVEL}*sin(2*PI*{hertz(channel)}*t)" for channel in range(sound.n_channels))
        named = f":c={sound.layout}" if sound.layout else ""
        inputs += ["-guess_layout_max", "0", "-f", "lavfi", "-i", f"aevalsrc='{tones}':s=48000:d=2{named}"]
    maps = [arg for number in range(len(sounds) + 1) for arg in ("-map", str(number))]
    run_ffmpeg(*PICTURE, *inputs, *maps, "-c:v", "libx264", *codecs, path)
    return path


def channels(video: Path) -> list[list[np.ndarray]]:
    """One second of every channel at 16 kHz, for each track."""
    tracks = probe_video(video).audio
    files = [video.with_name(f"{track.index}.f32") for track in tracks]
    outputs = []
    for track, file in zip(tracks, files, strict=True):
        outputs += ["-map", f"0:{track.index}", "-ar", str(SAMPLE_RATE), "-f", "f32le", file]
    run_ffmpeg(*input_args(video), *outputs)
    second = slice(SAMPLE_RATE // 2, SAMPLE_RATE * 3 // 2)
    return [
        list(np.fromfile(file, np.float32).reshape(-1, track.channels)[second].T)
        for track, file in zip(tracks, files, strict=True)
    ]


def level(samples: np.ndarray, frequency: int) -> float:
    return float(np.abs(np.fft.rfft(samples))[frequency] * 2 / len(samples))


@pytest.fixture(scope="module")
def discrete(tmp_path_factory: pytest.TempPathFactory) -> convert.Outputs:
    """The conversion of a video whose audio tracks have different numbers of channels, all without a layout."""
    folder = tmp_path_factory.mktemp("discrete")
    last_in_german = [f"-metadata:s:a:{len(N_TRACKS) - 1}", "language=ger"]
    source = clip(folder / "clip.mkv", [Sound(n_channels) for n_channels in N_TRACKS], *PCM, *last_in_german)
    return converted(source, folder / "out")


@pytest.fixture(scope="module")
def tracks_of(discrete: convert.Outputs) -> dict[int, slice]:
    """Which of the tracks came from the track with so many channels."""
    stops = np.cumsum(list(N_TRACKS.values()))
    return {
        n: slice(int(stop) - n_tracks, int(stop)) for (n, n_tracks), stop in zip(N_TRACKS.items(), stops, strict=True)
    }


@pytest.fixture(scope="module")
def delivered(discrete: convert.Outputs) -> list[list[np.ndarray]]:
    return channels(discrete.video)


@pytest.mark.parametrize("n_channels", [n_channels for n_channels in N_TRACKS if n_channels > 2])
def test_discrete_channels_are_all_delivered_at_their_level(discrete, tracks_of, delivered, n_channels):
    samples_of = [samples for track in delivered[tracks_of[n_channels]] for samples in track]
    assert len(samples_of) == n_channels
    for channel, samples in enumerate(samples_of):
        own = level(samples, hertz(channel))
        assert abs(20 * np.log10(own / LEVEL)) < 1
        others = [level(samples, hertz(other)) for other in range(n_channels) if other != channel]
        assert max(others) < 0.02 * own
    stream = 1 + list(N_TRACKS).index(n_channels)
    assert any(f"{n_channels} channels of stream {stream} " in item.message for item in discrete.doubts)


def test_a_track_that_aac_cannot_hold_becomes_several_and_the_others_stay(discrete):
    assert discrete.audio_tracks == sum(N_TRACKS.values())
    tracks = probe_video(discrete.video).audio
    assert [track.channels for track in tracks] == [3, 4, 5, 6, 7, 8, 5, 5, 6, 6, 8, 8, 8, 8, 8, 2]
    assert [track.title for track in tracks][-4:-1] == [
        "channels 1-8 of 24",
        "channels 9-16 of 24",
        "channels 17-24 of 24",
    ]
    assert tracks[-1].language == "ger"


@pytest.mark.parametrize("n_channels", [6, 12, 24])
def test_analysis_hears_every_discrete_channel(discrete, tracks_of, tmp_path, n_channels):
    places = range(discrete.audio_tracks)[tracks_of[n_channels]]
    maps = [arg for place in places for arg in ("-map", f"0:a:{place}")]
    run_ffmpeg("-i", discrete.video, "-map", "0:v", *maps, "-c", "copy", tmp_path / "clip.mp4")
    heard = read_waveform(tmp_path / "clip.mp4")
    second = heard[SAMPLE_RATE // 2 : SAMPLE_RATE * 3 // 2]
    for channel in range(n_channels):
        assert level(second, hertz(channel)) > 0.85 * LEVEL / n_channels


def test_surround_channels_at_the_sides_keep_a_layout_that_programs_know(tmp_path, out_dir):
    """So FFmpeg calls the layout of AC-3, which would be unknown in AAC."""
    sounds = [Sound(5, "5.0(side)"), Sound(6, "5.1(side)")]
    outputs = converted(clip(tmp_path / "clip.mkv", sounds, "-c:a", "ac3"), out_dir)
    assert [track.layout for track in probe_video(outputs.video).audio] == ["5.0", "5.1"]
    for track in channels(outputs.video):
        front = [level(samples, hertz(n)) for n, samples in enumerate(track[:3])]
        assert front == pytest.approx([LEVEL] * 3, rel=0.1)
    assert not outputs.doubts


def test_a_codec_that_names_no_layout_of_one_channel_does_not_stop_the_video(tmp_path, out_dir):
    speech = tmp_path / "speech.ogv"
    theora = ["-c:v", "libtheora", "-c:a", "libspeex", "-ar", "16000"]
    run_ffmpeg(*PICTURE, "-f", "lavfi", "-i", "sine=duration=2:sample_rate=16000", *theora, speech)
    (track,) = probe_video(converted(speech, out_dir).video).audio
    assert (track.layout, track.channels) == ("mono", 1)


def test_ambisonics_become_discrete_channels(tmp_path, out_dir):
    opus = ["-af", "channelmap=map=0|1|2|3:channel_layout=ambisonic 1", "-c:a", "libopus", "-mapping_family", "2"]
    outputs = converted(clip(tmp_path / "clip.mkv", [Sound(4)], *opus), out_dir)
    (track,) = channels(outputs.video)
    assert [round(level(samples, hertz(n)), 2) for n, samples in enumerate(track)] == [LEVEL] * 4
    assert any("ambisonic 1" in item.message for item in outputs.doubts)


def test_a_layout_with_names_stays_as_it_is(tmp_path, out_dir):
    sounds = [Sound(6, "5.1"), Sound(8, "7.1"), Sound(4, "quad")]
    outputs = converted(clip(tmp_path / "clip.mkv", sounds, "-c:a", "flac"), out_dir)
    delivered = [(track.channels, track.layout) for track in probe_video(outputs.video).audio]
    assert delivered == [(sound.n_channels, sound.layout) for sound in sounds]
    assert outputs.doubts == ()


def test_the_encoder_takes_every_layout_of_the_list():
    assert [layout for layout in AAC_LAYOUTS if not encodes(layout)] == []


def encodes(layout: str) -> bool:
    """Whether the encoder takes this layout."""
    source = ["-f", "lavfi", "-i", f"anullsrc=channel_layout={layout}:d=0.05"]
    return subprocess.run(["ffmpeg", "-v", "error", *source, "-c:a", "aac", "-f", "null", "-"]).returncode == 0
