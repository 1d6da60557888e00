"""Log-mel features of speech, the input of Whisper, in numpy alone.

The values equal those of OpenAI's ``log_mel_spectrogram``: a periodic Hann window of 25 ms, mel bands of Slaney's scale
and norm, and eight orders of magnitude below the loudest value.
"""

import functools

import numpy as np

from vidlib.media.audio import SAMPLE_RATE, Waveform

WINDOW_S = 30
"""Seconds that the network always hears; silence follows a shorter sound."""

FRAME_RATE, N_FRAMES = 100, 3000
"""Feature frames per second, and in a window."""

FFT, STEP = 400, 160
"""Samples of one frame, and from one to the next."""

FLOOR, RANGE = 1e-10, 8.0
"""Lowest energy of a band, and the range that is kept below the loudest one, in powers of ten."""

LINEAR_HZ_PER_MEL, BREAK_HZ, LOG_STEP = 200 / 3, 1000.0, np.log(6.4) / 27
"""Slaney's mel scale: linear up to 1 kHz, then logarithmic."""


def log_mel(sound: Waveform, n_mels: int) -> np.ndarray:
    """(n,) float32 at 16 kHz, at most 30 s -> (``n_mels``, 3000) float32."""
    padded = np.zeros(WINDOW_S * SAMPLE_RATE + FFT, np.float32)
    padded[FFT // 2 : FFT // 2 + len(sound)] = sound
    padded[: FFT // 2] = padded[FFT // 2 + 1 : FFT + 1][::-1]  # mirrored at the start; silence mirrors as silence
    frames = np.lib.stride_tricks.sliding_window_view(padded, FFT)[::STEP][:N_FRAMES]
    spectrum = np.fft.rfft(frames * np.hanning(FFT + 1)[:-1].astype(np.float32))
    energies = _bands(n_mels) @ (spectrum.real**2 + spectrum.imag**2).T
    levels = np.log10(np.maximum(energies, FLOOR))
    return ((np.maximum(levels, levels.max() - RANGE) + 4) / 4).astype(np.float32)


@functools.cache
def _bands(n_mels: int) -> np.ndarray:
    """(n_mels, 201) float32 filters: triangles of equal area, evenly spaced on the mel scale up to 8 kHz."""
    hertz = np.arange(FFT // 2 + 1) * SAMPLE_RATE / FFT
    edges = _hertz(np.linspace(0, _mel(SAMPLE_RATE / 2), n_mels + 2))
    left, middle, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    triangles = np.maximum(0, np.minimum((hertz - left) / (middle - left), (right - hertz) / (right - middle)))
    return (triangles * 2 / (right - left)).astype(np.float32)


def _mel(hertz: float) -> float:
    """A frequency of at least 1 kHz on the mel scale."""
    return float(BREAK_HZ / LINEAR_HZ_PER_MEL + np.log(hertz / BREAK_HZ) / LOG_STEP)


def _hertz(mel: np.ndarray) -> np.ndarray:
    first_log = BREAK_HZ / LINEAR_HZ_PER_MEL
    return np.where(mel < first_log, mel * LINEAR_HZ_PER_MEL, BREAK_HZ * np.exp(LOG_STEP * (mel - first_log)))
