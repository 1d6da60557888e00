"""Pauses that the segmentation network hears as speech: the sound is no louder than the noise around them.

The network bridges pauses of a second in noise, in a reverberant room and on a street, without being sure of it. There
the level of the sound decides. Where the network is sure, it hears speech below the noise, and stays right.
"""

import numpy as np
from scipy.ndimage import binary_opening, percentile_filter, uniform_filter1d

from vidlib.media.audio import SAMPLE_RATE, Samples

MAX_PROBABILITY = 0.9
"""Mean probability of speech, over all windows around an instant, up to which the level decides."""

ABOVE_NOISE_DB = 1.0
"""A pause is at most this much louder than the noise."""

NOISE_PERCENTILE, NOISE_S = 20, 12.0
"""The noise is what a fifth of the `NOISE_S` seconds around stays below; people speak less than the rest."""

SMOOTHED_S = 0.15
"""The level is that of so many seconds: the loudness of a syllable, and of the gap after it."""

MIN_PAUSE_S = 0.5
"""Shorter pauses are gaps between words of somebody who talks on and on, with no noise to compare with.

All five were chosen together, on dialogues for choices, meetings and films (docs/how-we-measure.md).
"""

SILENCE = 1e-10
"""Power of a sample that counts as digital silence."""

BLOCK = 4000
"""Instants whose samples are in memory together, a minute."""


def pauses(sound: Samples, step_s: float, probability: np.ndarray) -> np.ndarray:
    """(instants,) bool: whether an instant lies in a pause.

    Instants are ``step_s`` seconds apart in ``sound``, 16 kHz. ``probability``, (instants,), is that of speech.
    """
    step = round(step_s * SAMPLE_RATE)
    smoothed, around, shortest = (round(length_s / step_s) for length_s in (SMOOTHED_S, NOISE_S, MIN_PAUSE_S))
    level = uniform_filter1d(_levels_db(sound, step, len(probability)), smoothed)
    noise = percentile_filter(level, NOISE_PERCENTILE, size=around)
    quiet = (level <= noise + ABOVE_NOISE_DB) & (probability <= MAX_PROBABILITY)
    return binary_opening(quiet, np.ones(shortest))


def _levels_db(sound: Samples, step: int, n_instants: int) -> np.ndarray:
    """(n_instants,): the level of ``step`` samples each, in dB, without the rumble that differences leave out.

    Instants after the end of the sound have the level of the last one.
    """
    levels = []
    for first in range(0, min(n_instants * step, len(sound)), BLOCK * step):
        before = max(0, first - 1)
        changes = np.diff(sound[before : first + BLOCK * step].astype(np.float64))
        whole = changes[: len(changes) // step * step].reshape(-1, step)
        levels.append(10 * np.log10(np.square(whole).mean(axis=1) + SILENCE))
    known = np.concatenate([np.zeros(0), *levels])[:n_instants]
    return np.pad(known, (0, n_instants - len(known)), "edge") if len(known) else np.zeros(n_instants)
