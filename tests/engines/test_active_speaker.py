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


def windows(speaker, count: int) -> list[np.ndarray]:
    frames = speaker.margin + speaker.window + speaker.margin
    return list(RNG.integers(0, 255, (count, frames, speaker.side, speaker.side), np.uint8))


def test_what_is_seen_and_heard_has_a_row_for_each_frame(speaker):
    (seen,) = speaker.look(windows(speaker, 1))
    heard = speaker.listen(RNG.normal(size=640 * speaker.window).astype(np.float32) / 10)
    assert len(seen) == len(heard) == speaker.window
    assert speaker.decide(seen, heard).shape == (speaker.window,)


def test_one_core_sees_the_same_as_all(speaker):
    shown, cores = windows(speaker, 3), os.sched_getaffinity(0)
    seen = speaker.look(shown)
    try:
        os.sched_setaffinity(0, {min(cores)})
        with open_active_speaker() as alone:
            again = alone.look(shown)
    finally:
        os.sched_setaffinity(0, cores)
    assert all((one == other).all() for one, other in zip(seen, again, strict=True))


def test_windows_join_without_a_seam(speaker):
    """What is seen in a frame does not depend on where in its window it lies."""
    n = 2 * speaker.margin + 2 * speaker.window
    reel = np.repeat(RNG.integers(0, 255, (n // 2, speaker.side, speaker.side), np.uint8), 2, axis=0)
    size = speaker.margin + speaker.window + speaker.margin
    first, later = speaker.look([reel[:size], reel[10 : 10 + size]])
    assert np.abs(first[10:] - later[:-10]).max() < 1e-3


def test_no_sound_and_no_mouth_are_nothing(speaker):
    assert len(speaker.listen(np.zeros(0, np.float32))) == 0
    assert speaker.look([]) == []
