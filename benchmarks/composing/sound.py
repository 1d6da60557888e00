"""Sound of composed material: where a clean voice speaks, a room with reflections, and WAV files."""

import wave
from pathlib import Path

import numpy as np

from vidlib.media.audio import SAMPLE_RATE, Waveform

HOP = SAMPLE_RATE // 100
QUIET, PAUSE, SHORT = 0.1, 30, 12
"""Speech is louder than a tenth of the loudest (20 dB below it), by the root mean square of 10 ms. This is above the
room noise of these clips. A pause lasts at least 30 such pieces (300 ms). A sound below 12 of them (120 ms) is a
breath."""

SPEED_OF_SOUND = 343.0
"""Metres per second, at 20 degrees."""

SABINE = 0.161
"""Seconds per metre in Sabine's formula: the reverberation time is this times volume / absorbing area."""


def speech(sound: np.ndarray) -> list[tuple[float, float]]:
    """The speech in the clean sound (n,) of one speaker: ``(start, stop)`` in seconds."""
    n = len(sound) // HOP
    loudness = np.sqrt((sound[: n * HOP].reshape(n, HOP) ** 2).mean(axis=1))
    loud = np.flatnonzero(loudness > QUIET * np.percentile(loudness, 98)) if n else np.zeros(0, int)
    runs = np.split(loud, np.flatnonzero(np.diff(loud) > PAUSE) + 1)
    long = [run for run in runs if len(run) and run[-1] + 1 - run[0] >= SHORT]
    return [(run[0] * HOP / SAMPLE_RATE, (run[-1] + 1) * HOP / SAMPLE_RATE) for run in long]


def impulse_response(room: np.ndarray, source: np.ndarray, microphone: np.ndarray, reverberation_s: float) -> Waveform:
    """The response (n,) of a shoebox ``room`` between two points, all (3,) in metres; the direct sound is sample 0.

    Allen and Berkley, "Image method for efficiently simulating small-room acoustics", 1979: every reflection is the
    sound of an image of the source. Sabine's formula gives one absorption for all walls.
    """
    surface = 2 * (room[0] * room[1] + room[0] * room[2] + room[1] * room[2])
    reflection = np.sqrt(max(0.0, 1 - SABINE * room.prod() / (surface * reverberation_s)))
    order = np.ceil(reverberation_s * SPEED_OF_SOUND / (2 * room)).astype(int)
    grid = np.meshgrid(*[np.arange(-n, n + 1) for n in order], *[(0, 1)] * 3, indexing="ij")
    repeats, mirrored = np.stack(grid[:3], -1).reshape(-1, 3), np.stack(grid[3:], -1).reshape(-1, 3)
    images = (1 - 2 * mirrored) * source + 2 * repeats * room
    distance = np.linalg.norm(images - microphone, axis=1)
    hits = np.abs(repeats - mirrored).sum(axis=1) + np.abs(repeats).sum(axis=1)
    delay = np.rint((distance - distance.min()) / SPEED_OF_SOUND * SAMPLE_RATE).astype(int)
    heard = delay < reverberation_s * SAMPLE_RATE
    amplitude = reflection ** hits[heard] / np.maximum(distance[heard], 0.1)
    return np.bincount(delay[heard], weights=amplitude).astype(np.float32)


def rms(sound: np.ndarray) -> float:
    """The root mean square of (n,) samples; 0 for none."""
    return float(np.sqrt(np.mean(np.square(sound)))) if len(sound) else 0.0


def decibels(value: float) -> float:
    """The factor of a change in dB."""
    return 10 ** (value / 20)


def write_wav(path: Path, sound: np.ndarray) -> Path:
    """Write (n,) samples in [-1, 1] with 16 bits."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(np.rint(sound.clip(-1, 1) * 32767).astype("<i2").tobytes())
    return path
