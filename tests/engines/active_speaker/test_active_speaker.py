"""What every active speaker model promises, tested with LR-ASD."""

import os

import numpy as np
import pytest

from vidlib import vault
from vidlib.engines.active_speaker import WEIGHTS, open_active_speaker

pytestmark = pytest.mark.skipif(
    not vault.has(WEIGHTS), reason="the weights of LR-ASD are not here: put them into VIDLIB_MODELS_DIR"
)
RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def model():
    with open_active_speaker() as opened:
        yield opened


def window(model, n: int) -> np.ndarray:
    """Noise instead of a mouth, for ``n`` frames."""
    return RNG.integers(0, 255, (model.margin + n + model.margin, model.side, model.side), np.uint8)


@pytest.mark.parametrize("n", [1, 25, 72])
def test_mouth_and_sound_have_a_row_for_each_frame(model, n):
    mouth = model.encode_mouth(window(model, n)).result()
    sound = model.encode_sound(RNG.normal(size=640 * n).astype(np.float32) / 10)
    assert len(mouth) == len(sound) == n
    assert model.score(mouth, sound).shape == (n,)


def test_one_core_encodes_the_same_as_all(model):
    windows, cores = [window(model, n) for n in (72, 30, 31)], os.sched_getaffinity(0)
    encoded = [future.result() for future in [model.encode_mouth(crops) for crops in windows]]
    try:
        os.sched_setaffinity(0, {min(cores)})
        with open_active_speaker() as alone:
            again = [alone.encode_mouth(crops).result() for crops in windows]
    finally:
        os.sched_setaffinity(0, cores)
    assert all((one == other).all() for one, other in zip(encoded, again, strict=True))


def test_windows_join_without_a_seam(model):
    """The encoding of a frame depends neither on its position in the window nor on the length of the window."""
    whole = window(model, 60)
    size = model.margin + 20 + model.margin
    long, short = model.encode_mouth(whole), model.encode_mouth(whole[10 : 10 + size])
    assert np.abs(long.result()[10:30] - short.result()).max() < 1e-3


def test_no_sound_has_no_rows(model):
    assert len(model.encode_sound(np.zeros(0, np.float32))) == 0
