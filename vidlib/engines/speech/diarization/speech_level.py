"""Where the level of the sound corrects the segmentation network: pauses that it bridges, and speech that it misses.

In noise, in a reverberant room and on a street, the network bridges pauses of a second without being sure of it. Where
the sound is no louder than the noise there, nobody speaks. Somebody far from the microphone is sometimes missed for
seconds beside a louder voice. There a second detector hears speech that stands out of the noise. It adds only whole
stretches, because it bridges pauses itself.
"""

import numpy as np
from scipy.ndimage import binary_opening, percentile_filter, uniform_filter1d

from vidlib.media.audio import SAMPLE_RATE, Samples

ABOVE_NOISE_DB = 1.0
"""The sound stands out of the noise from so much more on."""

NOISE_PERCENTILE, NOISE_S = 20, 12.0
"""The noise is what a fifth of the `NOISE_S` seconds around stays below; people speak less than the rest."""

SMOOTHED_S = 0.15
"""The level is that of so many seconds: the loudness of a syllable, and of the gap after it."""

MAX_PROBABILITY = 0.9
"""Mean probability of speech, over all windows around an instant, above which the network is right in any noise."""

MIN_PAUSE_S = 0.5
"""Shorter pauses are gaps between words of somebody who talks on and on, with no noise to compare with."""

MISSED_PROBABILITY, MIN_MISSED_S = 0.7, 0.3
"""Missed speech lasts at least so long, and the second detector is so sure of all of it.

All values were chosen on dialogues for choices, meetings and films (docs/how-we-measure.md).
"""

SILENCE = 1e-10
"""Power of a sample that counts as digital silence."""

BLOCK = 4000
"""Instants whose samples are in memory together, a minute."""


def stands_out(sound: Samples, step_s: float, n_instants: int) -> np.ndarray:
    """(n_instants,) bool: whether the 16 kHz ``sound`` stands out of its noise in instants ``step_s`` seconds apart."""
    smoothed, around = round(SMOOTHED_S / step_s), round(NOISE_S / step_s)
    level = uniform_filter1d(_levels_db(sound, round(step_s * SAMPLE_RATE), n_instants), smoothed)
    return level > percentile_filter(level, NOISE_PERCENTILE, size=around) + ABOVE_NOISE_DB


def pauses(loud: np.ndarray, probability: np.ndarray, step_s: float) -> np.ndarray:
    """(instants,) bool: whether nobody speaks, although the network hears speech with this ``probability``.

    ``loud``, (instants,), is what `stands_out`.
    """
    return binary_opening(~loud & (probability <= MAX_PROBABILITY), np.ones(round(MIN_PAUSE_S / step_s)))


def missed_speech(loud: np.ndarray, detected: np.ndarray, step_s: float) -> np.ndarray:
    """(instants,) bool: whether somebody speaks whom the network misses.

    ``loud`` is what `stands_out` where the network hears nobody, ``detected`` the probability of a second detector.
    """
    return binary_opening(loud & (detected > MISSED_PROBABILITY), np.ones(round(MIN_MISSED_S / step_s)))


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
