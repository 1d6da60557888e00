"""By how much the sound of a video is ahead of its pictures, or behind them: measured on the mouths that speak.

A mouth moves when the sound of its voice changes. Over a whole video, this correlation is highest where sound and
picture are aligned. Where nobody in sight is heard, no shift is much better than another, and nothing is claimed.
"""

from collections.abc import Iterable, Iterator
from itertools import pairwise

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from vidlib.media.audio import SAMPLE_RATE
from vidlib.tracking.speaking import MOVEMENT_FLOOR, SYLLABLE_FRAMES, Mouth, moving_mean

MAX_OFFSET = 27
"""Frames (1.1 s at 25 fps) in both directions within which an offset is found: files are seldom further off."""

WINDOW_FRAMES, MIN_WINDOW_FRAMES = 75, 50
"""Frames (3 s) of a mouth that are correlated at once, about, and those (2 s) below which chance decides."""

SLOW_FRAMES = 38
"""Changes over more frames (1.5 s) are left out: sentences and turns agree at many shifts, syllables at one."""

MIN_KNOWN_SHARE = 0.8
"""A window counts if the mouth is known in at least this share of its frames."""

INDEPENDENT_FRAMES = 15
"""Frames (0.6 s) that count as one independent observation: a phrase is about as long."""

PEAK_FRAMES = 6
"""Shifts that are further from the best one (0.24 s) compete with it; nearer ones share its syllables."""

MIN_MARGIN = 0.95
"""The best shift must be better by this much than any that competes with it. It was chosen between foreign sound, where
no shift is right (0.5 at most), and own sound (1.3 and more); see docs/how/tracking.md."""

TOLERATED_FRAMES = 3
"""Offsets up to this (0.12 s) are left alone: an estimate may be wrong by 2 frames, and few viewers notice them."""

BANDS_HZ = (100, 400, 800, 1500, 2500, 4000, 7500)
"""Limits of the bands in which sound changes: from the pitch of a voice to its sibilants, each about an octave."""

POWER_FLOOR = 1e-5
"""Added to the power of a band (-50 dB) before its logarithm is taken: fainter sound is silence."""

_REACH = MAX_OFFSET + 1
"""Shifts at both ends, one more than those that are found: each is averaged with its neighbours."""


class SoundOffset:
    """Collects mouths and sound, shot by shot and in order, and then estimates the offset of the whole video.

    It keeps 4 bytes for each frame, and 5 for each frame of a face.
    """

    def __init__(self) -> None:
        self._changes: list[np.ndarray] = []
        self._mouths: list[tuple[int, np.ndarray, np.ndarray]] = []

    def add_shot(self, samples: np.ndarray, mouths: Iterable[Mouth]) -> None:
        """Add the sound of the next shot, (n, 640) float32 in [-1, 1] at 16 kHz, and the mouths seen in it."""
        self._changes.append(spectral_change(samples))
        for mouth in mouths:
            known = np.isfinite(mouth.shapes).all(axis=1)
            movement = _quick(np.log(mouth.movement(SYLLABLE_FRAMES) + MOVEMENT_FLOOR))
            self._mouths.append((mouth.start, movement.astype(np.float32), known))

    def frames(self) -> int | None:
        """The frames by which the sound is late (negative: early), less than `MAX_OFFSET`; None if nothing shows it."""
        agreement = moving_mean(self._agreement(), 3)[1:-1]
        best = int(agreement.argmax())
        far = np.abs(np.arange(len(agreement)) - best) > PEAK_FRAMES
        is_peak = abs(best - MAX_OFFSET) < MAX_OFFSET and agreement[best] - agreement[far].max() >= MIN_MARGIN
        return best - MAX_OFFSET if is_peak else None

    def _agreement(self) -> np.ndarray:
        """For each shift of the sound, from early to late, how well all mouths agree with it: (2 * _REACH + 1,).

        It is the mean correlation times the root of the number of independent observations, so that chance alone
        stays near 0, with a deviation of about 1.
        """
        total, n_frames = np.zeros(2 * _REACH + 1), 0
        if self._changes:
            change = moving_mean(_quick(np.concatenate(self._changes)), SYLLABLE_FRAMES)
            change = np.pad(change, _REACH, constant_values=np.nan)
            for start, movement in self._windows():
                n = len(movement)
                total += n * _correlations(movement, sliding_window_view(change[start : start + n + 2 * _REACH], n))
                n_frames += n
        return total / np.sqrt(max(1, n_frames) * INDEPENDENT_FRAMES)

    def _windows(self) -> Iterator[tuple[int, np.ndarray]]:
        """The first frame and the movement of each window in which a mouth is known."""
        for start, movement, known in self._mouths:
            n_windows = max(1, round(len(movement) / WINDOW_FRAMES))
            edges = np.linspace(0, len(movement), n_windows + 1).astype(int)
            for first, stop in pairwise(edges):
                if stop - first >= MIN_WINDOW_FRAMES and known[first:stop].mean() >= MIN_KNOWN_SHARE:
                    yield start + first, movement[first:stop]


def compensated(frames: int | None) -> int:
    """The part of a measured offset by which the sound is shifted: all of it, or 0 if it is small or unknown."""
    return frames if frames is not None and abs(frames) > TOLERATED_FRAMES else 0


def spectral_change(samples: np.ndarray) -> np.ndarray:
    """How much each frame sounds other than the one before: (n, 640) samples at 16 kHz -> (n,) float32 in dB.

    It is the sum of the absolute differences over the bands of `BANDS_HZ`.
    """
    length = samples.shape[1]
    power = np.abs(np.fft.rfft(samples * np.hanning(length), axis=1)) ** 2 / length
    first_bins = np.searchsorted(np.fft.rfftfreq(length, 1 / SAMPLE_RATE), BANDS_HZ)
    bands = np.add.reduceat(power, first_bins, axis=1)[:, :-1]
    levels = 10 * np.log10(bands + POWER_FLOOR)
    return np.abs(np.diff(levels, axis=0, prepend=levels[:1])).sum(axis=1).astype(np.float32)


def _quick(values: np.ndarray) -> np.ndarray:
    """The values (n,) without their `SLOW_FRAMES` mean."""
    return values - moving_mean(values, SLOW_FRAMES)


def _correlations(movement: np.ndarray, shifted: np.ndarray) -> np.ndarray:
    """The correlation of ``movement`` (n,) with each row of ``shifted`` (k, n): (k,).

    It is 0 where the sound is constant or, beyond its ends, unknown.
    """
    x, y = movement - movement.mean(), shifted - shifted.mean(axis=1, keepdims=True)
    scale = np.sqrt((y**2).sum(axis=1) * (x @ x))
    return np.where(scale > 0, (y @ x) / np.maximum(scale, 1e-9), 0)
