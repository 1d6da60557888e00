"""Mel-frequency cepstral coefficients (MFCC) as LR-ASD was trained with: those of python_speech_features 0.6."""

import functools

import numpy as np

SAMPLE_RATE = 16_000

HOP, WINDOW, N_FFT = 160, 400, 512
"""Samples between two windows (10 ms), in a window (25 ms), and in its Fourier transform."""

N_COEFFICIENTS, N_FILTERS = 13, 26

PRE_EMPHASIS = 0.97

LIFTER = 22
"""Parameter of the sine that amplifies the higher coefficients (as in HTK)."""

FULL_SCALE = 32768
"""The sample value of 1.0 in 16-bit sound, which the networks were trained with."""


def mfcc(samples: np.ndarray) -> np.ndarray:
    """The coefficients of each window of mono sound at 16 kHz: (n,) float32 in [-1, 1] -> (windows, 13) float32.

    The first coefficient of a window is the logarithm of its energy. Silence fills the last window.
    """
    from scipy.fft import dct

    emphasized = FULL_SCALE * np.append(samples[:1], samples[1:] - PRE_EMPHASIS * samples[:-1]).astype(np.float64)
    n_windows = 1 + max(0, -(-(len(samples) - WINDOW) // HOP))
    padded = np.pad(emphasized, (0, (n_windows - 1) * HOP + WINDOW - len(samples)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    power = np.abs(np.fft.rfft(windows, N_FFT)) ** 2 / N_FFT
    floor = np.finfo(float).eps
    energy = power.sum(axis=1).clip(floor)
    bands = (power @ _mel_filters().T).clip(floor)
    cepstrum = dct(np.log(bands), type=2, axis=1, norm="ortho")[:, :N_COEFFICIENTS]
    cepstrum *= 1 + LIFTER / 2 * np.sin(np.pi * np.arange(N_COEFFICIENTS) / LIFTER)
    cepstrum[:, 0] = np.log(energy)
    return cepstrum.astype(np.float32)


@functools.cache
def _mel_filters() -> np.ndarray:
    """Triangular filters on the mel scale from 0 to 8 kHz, each from the centre of one neighbour to that of the other:
    (26, 257).
    """
    max_mel = 2595 * np.log10(1 + SAMPLE_RATE / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, max_mel, N_FILTERS + 2) / 2595) - 1)
    edge_bins = np.floor((N_FFT + 1) * edges / SAMPLE_RATE)
    bins = np.arange(N_FFT // 2 + 1)
    left, centre, right = (edge_bins[first : first + N_FILTERS, np.newaxis] for first in range(3))
    rising, falling = (bins - left) / (centre - left), (right - bins) / (right - centre)
    return np.where((bins >= left) & (bins < centre), rising, 0) + np.where(
        (bins >= centre) & (bins < right), falling, 0
    )
