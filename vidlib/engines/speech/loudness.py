"""Loudness normalization: measure the loudness of a sound, and amplify it to a target."""

import numpy as np

from vidlib.media.audio import SAMPLE_RATE, AmplifiedSamples, Samples

BLOCK = SAMPLE_RATE * 2 // 5
"""Samples in a gating block, 0.4 s; blocks overlap by half (BS.1770, annex 1, has three quarters)."""

SILENCE_DB = -70.0
"""Absolute gate: blocks below this are silence (ITU-R BS.1770)."""

QUIET_DB = -10.0
"""Relative gate: blocks this much below the mean of the others are pauses (ITU-R BS.1770)."""

MAX_GAIN_DB = 40.0
"""Largest gain; a sound that needs more is noise."""


def normalize_loudness(waveform: Samples, target_db: float) -> Samples:
    """Amplify 16 kHz sound so that its loudness is ``target_db`` dB of full scale; samples may leave [-1, 1].

    Loudness is gated as in ITU-R BS.1770, but without frequency weighting. Silence stays as it is.
    """
    loudness_db = _loudness_db(waveform)
    if loudness_db is None:
        return waveform
    return AmplifiedSamples(waveform, 10 ** (min(target_db - loudness_db, MAX_GAIN_DB) / 20))


def _loudness_db(waveform: Samples) -> float | None:
    """The gated loudness in dB of full scale; None for silence."""
    starts = range(0, max(1, len(waveform) - BLOCK + 1), BLOCK // 2)
    power = np.array([np.mean(waveform[start : start + BLOCK].astype(np.float64) ** 2) for start in starts])
    loud = power[power > 10 ** (SILENCE_DB / 10)]
    if not len(loud):
        return None
    loud = loud[loud >= loud.mean() * 10 ** (QUIET_DB / 10)]
    return float(10 * np.log10(loud.mean()))
