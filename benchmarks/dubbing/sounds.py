"""Sounds in the place of a video's own, and whether its people are then heard."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random

import numpy as np

from vidlib.tracking.speaking import Sound

SHIFT = 3
"""Frames (0.12 s) by which a shifted sound is early or late."""

NOISE, CROSSTALK = 10 ** (-9 / 20), 10 ** (-3 / 20)
"""Loudness of added noise and of an added voice, relative to the video's own: -9 and -3 dB."""

OWN = "its own"
"""The name of a video's own sound."""

WRONG_SHARE = 0.25
"""Share of the turns that get the label of anybody."""


@dataclass(frozen=True)
class Variant:
    """A sound, and whether the people of the video are heard in it: otherwise nobody in sight speaks."""

    name: str
    sound: Sound
    is_own: bool = True


def variants(own: Sound, other: Sound, seed: int) -> Iterator[Variant]:
    """The sounds of docs/how-we-measure.md; ``other`` is that of another video, with labels of its own."""
    foreign = _repeat(other, len(own.speech))
    yield Variant(OWN, own)
    noise = Random(seed).sample(list(foreign.samples), len(foreign.samples))  # frames in any order: no speech
    yield Variant("with noise", replace(own, samples=_mix(own.samples, np.array(noise), NOISE)))
    yield Variant("early", _shift(own, -SHIFT))
    yield Variant("late", _shift(own, SHIFT))
    speakers = [tuple(dict.fromkeys((*a, *b))) for a, b in zip(own.speakers, foreign.speakers, strict=True)]
    samples = _mix(own.samples, foreign.samples, CROSSTALK)
    yield Variant("crosstalk", Sound(0, own.speech | foreign.speech, speakers, samples))
    one_label = [("one",) if labels else () for labels in own.speakers]
    yield Variant("one label for all", replace(own, speakers=one_label))
    yield Variant("wrong labels", replace(own, speakers=_confuse(own.speakers, Random(seed))))
    yield Variant("voice over", foreign, is_own=False)


def _repeat(sound: Sound, n_frames: int) -> Sound:
    """The sound for ``n_frames``, over and over, with labels that no other video has."""
    index = np.arange(n_frames) % len(sound.speech)
    speakers = [tuple(f"other {label}" for label in sound.speakers[i]) for i in index]
    return Sound(0, sound.speech[index], speakers, sound.samples[index])


def _shift(sound: Sound, n_frames: int) -> Sound:
    """The sound later by ``n_frames``; what leaves at one end comes in at the other."""
    index = (np.arange(len(sound.speech)) - n_frames) % len(sound.speech)
    return Sound(0, sound.speech[index], [sound.speakers[i] for i in index], sound.samples[index])


def _mix(samples: np.ndarray, added: np.ndarray, gain: float) -> np.ndarray:
    loudness, of_added = (np.sqrt(np.mean(values**2)) + 1e-6 for values in (samples, added))
    return np.clip(samples + gain * loudness / of_added * added, -1, 1).astype(np.float32)


def _confuse(speakers: Sequence[Sequence[str]], random: Random) -> list[Sequence[str]]:
    """The labels of each frame, where some turns have the label of anybody."""
    labels = sorted({label for heard in speakers for label in heard})
    confused: list[Sequence[str]] = []
    for index, heard in enumerate(speakers):
        if index == 0 or heard != speakers[index - 1]:
            said = (random.choice(labels),) if heard and random.random() < WRONG_SHARE else heard
        confused.append(said)
    return confused
