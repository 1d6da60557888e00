"""Sound of several channels as one: nothing that any channel holds is lost."""

import subprocess
from pathlib import Path

import numpy as np
import pytest

from vidlib.media.audio import SAMPLE_RATE, read_by_frame, read_waveform
from vidlib.media.mixdown import cancelled_blocks


def sound(path: Path, expressions: list[str], *options: str, duration_s: float = 4) -> Path:
    """A file with a channel for each expression of FFmpeg's ``aevalsrc``, 48 kHz, without a layout."""
    source = f"aevalsrc='{'|'.join(expressions)}':s=48000:d={duration_s}"
    codec = options or ("-c:a", "pcm_s16le")
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, *codec, f"file:{path}"], check=True)
    return path


def tone(hertz: int, level: float = 0.3) -> str:
    return f"{level}*sin(2*PI*{hertz}*t)"


def level_at(samples: np.ndarray, hertz: int) -> float:
    """Amplitude of a tone in whole seconds of sound."""
    spectrum = np.abs(np.fft.rfft(samples)) * 2 / len(samples)
    return float(spectrum[round(hertz * len(samples) / SAMPLE_RATE)])


def test_both_channels_of_stereo_are_heard_equally_loud(tmp_path):
    path = sound(tmp_path / "a.wav", [tone(400), tone(600)])
    assert not cancelled_blocks(path)
    samples = read_waveform(path)
    assert level_at(samples, 400) == pytest.approx(0.3 / 2**0.5, rel=0.05)
    assert level_at(samples, 600) == pytest.approx(0.3 / 2**0.5, rel=0.05)


@pytest.mark.slow
@pytest.mark.parametrize("inverted", ["-1", "-0.8"], ids=["whole", "weaker"])
def test_stereo_out_of_phase_is_heard_through_one_channel(tmp_path, inverted):
    path = sound(tmp_path / "a.wav", [tone(400), f"{inverted}*{tone(400)}"])
    assert cancelled_blocks(path) == {0, 1, 2, 3}
    samples = read_waveform(path)
    assert level_at(samples, 400) == pytest.approx(0.3, rel=0.05)
    np.testing.assert_array_equal(np.concatenate(list(read_by_frame(path))), samples)


@pytest.mark.slow
def test_only_the_seconds_out_of_phase_are_heard_through_one_channel(tmp_path):
    path = sound(tmp_path / "a.wav", [tone(400), f"if(between(t,1,2),-1,1)*{tone(400)}+{tone(600, 0.05)}"])
    assert cancelled_blocks(path) == {1}
    samples = read_waveform(path)
    assert len(samples) == 4 * SAMPLE_RATE
    for second in range(4):
        heard = samples[second * SAMPLE_RATE : (second + 1) * SAMPLE_RATE]
        assert 0.27 < level_at(heard, 400) < 0.45


@pytest.mark.slow
def test_silence_and_independent_channels_do_not_cancel(tmp_path):
    assert not cancelled_blocks(sound(tmp_path / "silent.wav", ["0", "0"]))
    assert not cancelled_blocks(sound(tmp_path / "noise.wav", ["random(1)-0.5", "random(2)-0.5"]))
    assert not cancelled_blocks(sound(tmp_path / "one.wav", [tone(400)]))
    assert not cancelled_blocks(sound(tmp_path / "left.wav", [tone(400), "0"]))


@pytest.mark.slow
@pytest.mark.parametrize("n_channels", [3, 4, 6, 8, 12])
def test_every_discrete_channel_is_heard_equally_loud(tmp_path, n_channels):
    hertz = [400 + 200 * channel for channel in range(n_channels)]
    path = sound(tmp_path / "a.mkv", [tone(frequency) for frequency in hertz])
    samples = read_waveform(path)
    for frequency in hertz:
        assert level_at(samples, frequency) == pytest.approx(0.3 / n_channels, rel=0.1)


@pytest.mark.slow
def test_gaps_are_filled_however_short_they_are(tmp_path):
    beeps = sound(tmp_path / "a.mkv", ["0.5*sin(2*PI*1000*t)*between(mod(t,2),1,1.2)"], duration_s=20)
    lossy = tmp_path / "gaps.mkv"  # 5 of 100 packets are missing: 50 ms of silence each, twelve times
    drop = ["-bsf:a", "noise=drop='lt(mod(n,40),2)*gt(n,40)'"]
    subprocess.run(["ffmpeg", "-v", "error", "-i", beeps, "-c", "copy", *drop, lossy], check=True)
    samples = np.abs(read_waveform(lossy))
    for start in range(1, 20, 2):
        second = samples[int((start - 0.1) * SAMPLE_RATE) : int((start + 0.5) * SAMPLE_RATE)]
        heard = np.flatnonzero(second > 0.1)
        assert abs(heard[0] / SAMPLE_RATE - 0.1) < 0.02
