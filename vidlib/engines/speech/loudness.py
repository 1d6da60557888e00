"""The loudness of a recording, and the gain that brings it to another."""

import numpy as np

from vidlib.media.audio import SAMPLE_RATE, AmplifiedSamples, Samples

BLOCK = SAMPLE_RATE * 2 // 5
"""Samples whose power is measured together, 0.4 s, each block half a step from the next (ITU-R BS.1770, annex 1)."""

SILENCE_DB = -70.0
"""Blocks below this are silence."""

QUIET_DB = -10.0
"""So are those this much below the mean of the others: pauses do not count."""

MOST_DB = 40.0
"""The largest gain: what needs more is noise."""


def at_loudness(waveform: Samples, target_db: float) -> Samples:
    """The same sound, its loud parts at ``target_db`` of full scale on average; may leave [-1, 1].

    As BS.1770 gates, but without its weighting of frequencies. What is silent throughout stays as it is.
    """
    loudness_db = _loudness_db(waveform)
    if loudness_db is None:
        return waveform
    return AmplifiedSamples(waveform, 10 ** (min(target_db - loudness_db, MOST_DB) / 20))


def _loudness_db(waveform: Samples) -> float | None:
    """The gated loudness in decibels of full scale; None for silence."""
    starts = range(0, max(1, len(waveform) - BLOCK + 1), BLOCK // 2)
    power = np.array([np.mean(waveform[start : start + BLOCK].astype(np.float64) ** 2) for start in starts])
    loud = power[power > 10 ** (SILENCE_DB / 10)]
    if not len(loud):
        return None
    loud = loud[loud >= loud.mean() * 10 ** (QUIET_DB / 10)]
    return float(10 * np.log10(loud.mean()))
