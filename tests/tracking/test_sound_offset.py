import numpy as np
import pytest

from vidlib.tracking.blendshapes import SPEECH_SHAPES
from vidlib.tracking.sound_offset import MAX_OFFSET, SoundOffset, spectral_change
from vidlib.tracking.speaking import Mouth

N_SHOTS, SHOT_FRAMES = 4, 150
N = N_SHOTS * SHOT_FRAMES
RNG = np.random.default_rng(0)

SYLLABLES = np.repeat(RNG.random(N // 3) < 0.35, 3)
"""Irregular syllables of 0.12 s: only at the right offset do they agree with those of the mouth."""


def voice(syllables: np.ndarray) -> np.ndarray:
    """A noise that is loud in the syllables: (n, 640) float32."""
    return (RNG.standard_normal((len(syllables), 640)) * np.where(syllables, 0.2, 0.005)[:, np.newaxis]).astype(
        np.float32
    )


def mouth(syllables: np.ndarray, start: int) -> Mouth:
    """It opens by 0.2 in each syllable."""
    return Mouth(start, np.repeat(np.where(syllables, 0.2, 0)[:, np.newaxis], len(SPEECH_SHAPES), axis=1))


def offset_of(samples: np.ndarray, syllables: np.ndarray = SYLLABLES) -> int | None:
    """The offset that is found in four shots, each with one mouth that moves in ``syllables``."""
    offset = SoundOffset()
    for start in range(0, N, SHOT_FRAMES):
        shot = slice(start, start + SHOT_FRAMES)
        offset.add_shot(samples[shot], [mouth(syllables[shot], start)])
    return offset.frames()


@pytest.mark.parametrize("late", [-25, -10, 0, 10, 25])
def test_the_offset_of_the_sound_is_found(late):
    assert offset_of(np.roll(voice(SYLLABLES), late, axis=0)) == pytest.approx(late, abs=2)


@pytest.mark.parametrize(
    "samples",
    [
        voice(np.roll(SYLLABLES, N // 2)),
        voice(np.roll(SYLLABLES, MAX_OFFSET + 10)),
        np.zeros((N, 640), np.float32),
    ],
    ids=["the voice of another", "an offset that is too large", "silence"],
)
def test_no_offset_is_claimed_where_no_mouth_fits_the_sound(samples):
    assert offset_of(samples) is None


def test_no_offset_is_claimed_without_mouths():
    assert offset_of(voice(SYLLABLES), np.zeros(N, bool)) is None
    assert SoundOffset().frames() is None


def test_unknown_mouths_do_not_count():
    offset = SoundOffset()
    offset.add_shot(voice(SYLLABLES), [Mouth(0, np.full((N, len(SPEECH_SHAPES)), np.nan))])
    assert offset.frames() is None


def test_the_spectral_change_is_that_of_the_sound_and_not_its_level():
    steady = np.tile(voice(np.ones(1, bool)), (10, 1))
    assert spectral_change(steady) == pytest.approx(np.zeros(10), abs=1e-4)
    assert spectral_change(np.vstack([steady, steady / 10])).argmax() == 10
