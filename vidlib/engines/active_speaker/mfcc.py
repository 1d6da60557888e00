"""Mel-frequency cepstral coefficients, as LR-ASD was trained with: those of python_speech_features 0.6."""

import functools

import numpy as np

STEP, LENGTH, N_FFT = 160, 400, 512
"""Samples at 16 kHz between two steps (10 ms), in one (25 ms), and in its Fourier transform."""

N_COEFFICIENTS, N_FILTERS = 13, 26

PRE_EMPHASIS = 0.97

LIFTER = 22
"""Strength of the sine that lifts the higher coefficients (as in HTK)."""

FULL_SCALE = 32768
"""What 1.0 was in the 16-bit sound that the networks were trained with."""


def coefficients(samples: np.ndarray) -> np.ndarray:
    """The coefficients of each step of mono sound at 16 kHz: (n,) float32 in [-1, 1] -> (steps, 13) float32.

    The first of each step is the logarithm of its energy. Sound that ends within a step is filled with silence.
    """
    from scipy.fft import dct

    emphasized = FULL_SCALE * np.append(samples[:1], samples[1:] - PRE_EMPHASIS * samples[:-1]).astype(np.float64)
    n_steps = 1 + max(0, -(-(len(samples) - LENGTH) // STEP))
    filled = np.pad(emphasized, (0, (n_steps - 1) * STEP + LENGTH - len(samples)))
    parts = np.lib.stride_tricks.sliding_window_view(filled, LENGTH)[::STEP]
    power = np.abs(np.fft.rfft(parts, N_FFT)) ** 2 / N_FFT
    floor = np.finfo(float).eps
    energy = power.sum(axis=1).clip(floor)
    bands = (power @ _filters().T).clip(floor)
    cepstrum = dct(np.log(bands), type=2, axis=1, norm="ortho")[:, :N_COEFFICIENTS]
    cepstrum *= 1 + LIFTER / 2 * np.sin(np.pi * np.arange(N_COEFFICIENTS) / LIFTER)
    cepstrum[:, 0] = np.log(energy)
    return cepstrum.astype(np.float32)


@functools.cache
def _filters() -> np.ndarray:
    """Triangles on the mel scale from 0 to 8 kHz, each over two of its neighbours: (26, 257)."""
    top = 2595 * np.log10(1 + 8000 / 700)
    edges = 700 * (10 ** (np.linspace(0, top, N_FILTERS + 2) / 2595) - 1)
    bins = np.floor((N_FFT + 1) * edges / 16000)
    places = np.arange(N_FFT // 2 + 1)
    left, middle, right = (bins[first : first + N_FILTERS, np.newaxis] for first in range(3))
    rising, falling = (places - left) / (middle - left), (right - places) / (right - middle)
    return np.where((places >= left) & (places < middle), rising, 0) + np.where(
        (places >= middle) & (places < right), falling, 0
    )
