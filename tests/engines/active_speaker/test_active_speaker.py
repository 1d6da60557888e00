"""The contract of what compares mouths with the sound."""

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
def speaker():
    with open_active_speaker() as opened:
        yield opened


def window(speaker, n: int) -> np.ndarray:
    """Noise instead of a mouth, for ``n`` frames."""
    return RNG.integers(0, 255, (speaker.margin + n + speaker.margin, speaker.side, speaker.side), np.uint8)


@pytest.mark.parametrize("n", [1, 25, 72])
def test_what_is_seen_and_heard_has_a_row_for_each_frame(speaker, n):
    seen = speaker.encode_mouth(window(speaker, n)).result()
    heard = speaker.encode_sound(RNG.normal(size=640 * n).astype(np.float32) / 10)
    assert len(seen) == len(heard) == n
    assert speaker.score(seen, heard).shape == (n,)


def test_one_core_sees_the_same_as_all(speaker):
    shown, cores = [window(speaker, n) for n in (72, 30, 31)], os.sched_getaffinity(0)
    seen = [looked.result() for looked in [speaker.encode_mouth(crops) for crops in shown]]
    try:
        os.sched_setaffinity(0, {min(cores)})
        with open_active_speaker() as alone:
            again = [alone.encode_mouth(crops).result() for crops in shown]
    finally:
        os.sched_setaffinity(0, cores)
    assert all((one == other).all() for one, other in zip(seen, again, strict=True))


def test_windows_join_without_a_seam(speaker):
    """What is seen in a frame does not depend on where in its window it lies, nor on how long that is."""
    whole = window(speaker, 60)
    size = speaker.margin + 20 + speaker.margin
    long, short = speaker.encode_mouth(whole), speaker.encode_mouth(whole[10 : 10 + size])
    assert np.abs(long.result()[10:30] - short.result()).max() < 1e-3


def test_no_sound_is_nothing(speaker):
    assert len(speaker.encode_sound(np.zeros(0, np.float32))) == 0
