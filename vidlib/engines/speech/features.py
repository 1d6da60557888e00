"""Log-mel features of speech, the input of CAM++, in numpy alone.

The values equal those of ``torchaudio.compliance.kaldi.fbank`` (and Kaldi's compute-fbank-feats) with 80 bands, no
dither and otherwise default options, for samples in [-1, 1].
"""

import functools

import numpy as np
from scipy.sparse import csr_array

from vidlib.media.audio import SAMPLE_RATE, Samples

N_MELS = 80
"""Mel bands that CAM++ reads."""

FRAME_RATE = 100
"""Feature frames per second."""

WINDOW = 400
"""Samples in the window of one frame: 25 ms."""

STEP = SAMPLE_RATE // FRAME_RATE
"""Samples from one frame to the next: 10 ms."""

FFT = 512
"""Length of the Fourier transform: the next power of two."""

LOWEST_HZ = 20.0
"""Lower edge of the lowest mel band (the default of Kaldi)."""

EMPHASIS = 0.97
"""Coefficient of the pre-emphasis filter (the default of Kaldi)."""

FLOOR = np.finfo(np.float32).eps
"""Lowest energy of a band; its logarithm stays finite."""

BLOCK = 2000
"""Frames that are computed together; this bounds the memory."""


def log_mel(waveform: np.ndarray) -> np.ndarray:
    """(n,) float32 in [-1, 1] at 16 kHz -> (frames of 10 ms, 80) float32; no frame for less than 25 ms."""
    if len(waveform) < WINDOW:
        return np.zeros((0, N_MELS), np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(waveform, WINDOW)[::STEP]
    features = np.empty((len(frames), N_MELS), np.float32)
    for start in range(0, len(frames), BLOCK):
        features[start : start + BLOCK] = _log_mel(frames[start : start + BLOCK])
    return features


def log_mel_rows(waveform: Samples, first: int, stop: int) -> np.ndarray:
    """The rows ``first`` to ``stop`` (not included) of `log_mel`, which must have that many."""
    return log_mel(waveform[first * STEP : (stop - 1) * STEP + WINDOW])


def count_frames(waveform: Samples) -> int:
    """The number of rows of `log_mel`."""
    return max(0, (len(waveform) - WINDOW) // STEP + 1)


def _log_mel(frames: np.ndarray) -> np.ndarray:
    centred = frames.astype(np.float64) - frames.mean(axis=1, keepdims=True, dtype=np.float64)
    before = np.concatenate([centred[:, :1], centred[:, :-1]], axis=1)
    spectrum = np.fft.rfft((centred - EMPHASIS * before) * _window(), FFT)
    # a sparse product sums in the same order on any number of cores, and it is faster
    energies = _bands() @ (spectrum.real**2 + spectrum.imag**2).T
    return np.log(np.maximum(energies.T, FLOOR)).astype(np.float32)


@functools.cache
def _window() -> np.ndarray:
    """The Povey window of Kaldi, (400,): a raised cosine to the power of 0.85."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / (WINDOW - 1))) ** 0.85


@functools.cache
def _bands() -> csr_array:
    """(80, 257) filters: triangles evenly spaced on the mel scale, from 20 Hz to 8 kHz."""
    hertz = np.arange(FFT // 2 + 1) * SAMPLE_RATE / FFT
    edges = np.linspace(_mel(LOWEST_HZ), _mel(SAMPLE_RATE / 2), N_MELS + 2)
    left, middle, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    mel = _mel(hertz)[None]
    return csr_array(np.maximum(0, np.minimum((mel - left) / (middle - left), (right - mel) / (right - middle))))


def _mel(hertz: float | np.ndarray) -> np.ndarray:
    """Frequencies on the mel scale."""
    return 1127 * np.log1p(np.asarray(hertz) / 700)
