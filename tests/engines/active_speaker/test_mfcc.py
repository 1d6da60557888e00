import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidlib.engines.active_speaker.mfcc import mfcc

RNG = np.random.default_rng(0)
NOISE = (RNG.normal(size=16000) * 0.1).astype(np.float32)


@given(n=st.integers(1, 3000))
def test_there_is_a_window_every_ten_milliseconds(n):
    assert mfcc(NOISE[:n]).shape == (1 + max(0, -(-(n - 400) // 160)), 13)


def test_twice_the_loudness_changes_only_the_energy():
    soft, loud = mfcc(NOISE), mfcc(2 * NOISE)
    assert (loud - soft)[:, 0] == pytest.approx(np.log(4), abs=1e-4)
    assert np.abs((loud - soft)[:, 1:]).max() < 1e-3


def test_silence_has_finite_coefficients():
    assert np.isfinite(mfcc(np.zeros(16000, np.float32))).all()


def test_a_high_tone_differs_from_a_low_one():
    seconds = np.arange(16000) / 16000
    low, high = (mfcc(np.sin(2 * np.pi * hertz * seconds).astype(np.float32)) for hertz in (200, 4000))
    assert low[5:-5, 1].mean() > high[5:-5, 1].mean() + 10
