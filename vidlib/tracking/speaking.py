"""Which face is speaking: the sound says that somebody does, the mouths say who."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vidlib.tracking.blendshapes import JAW_OPEN

MOVEMENT_FRAMES = 15
"""Frames (0.6 s at 25 fps) over which a mouth's movement is judged: longer than the pauses inside a phrase."""

SYLLABLE_FRAMES = 3
"""Frames over which a mouth's movement is compared with the sound: about a syllable (0.12 s)."""

FIT_FRAMES = 75
"""Frames (3 s) of sound and movement that are compared: shorter, chance decides; longer, the speaker may change."""

LEAST_SHARE = 0.5
"""A voice belongs to a face that speaks in at least this share of the frames that show the face and have the voice."""

LEAST_FRAMES = 10
"""Fewer frames (0.4 s) of speaking say nothing about whose voice it is."""


SPEAKS = 0.5
"""A face is speaking where its confidence is above this."""


@dataclass(frozen=True)
class Sound:
    """What is heard in consecutive frames, from ``start`` on.

    ``speech`` (n,) bool; ``voices`` n lists of speaker labels; ``loudness`` (n,) float32, root mean square in [0, 1].
    """

    start: int
    speech: np.ndarray
    voices: Sequence[Sequence[str]]
    loudness: np.ndarray

    def during(self, start: int, n_frames: int) -> "Sound":
        """The part from frame ``start`` on."""
        part = slice(start - self.start, start - self.start + n_frames)
        return Sound(start, self.speech[part], self.voices[part], self.loudness[part])


@dataclass(frozen=True)
class Mouth:
    """How far one jaw is open in consecutive frames, from ``start`` on: (n,) float32 in [0, 1], NaN where unknown."""

    start: int
    opening: np.ndarray

    @classmethod
    def of(cls, start: int, blendshapes: np.ndarray) -> "Mouth":
        """The mouth of a face with ``blendshapes`` (n, 52)."""
        return cls(start, blendshapes[:, JAW_OPEN])

    def movement(self, window: int) -> np.ndarray:
        """How much it moves around each frame, (n,): the mean step from frame to frame in a centred ``window``.

        Steps to or from a frame where the mouth is unknown do not count; without any step there is no movement.
        """
        steps = np.abs(np.diff(self.opening, prepend=np.nan))
        known = np.isfinite(steps)
        return _window_sum(np.where(known, steps, 0), window) / np.maximum(_window_sum(known, window), 1)


def speaking(mouths: Sequence[Mouth], sound: Sound, min_movement: float) -> list[np.ndarray]:
    """How surely each of the faces of one shot is speaking, one (n,) float32 in [0, 1) per mouth: above 0.5, it is.

    ``sound`` is that of the whole shot. A face speaks while there is speech and its mouth moves by more than
    ``min_movement`` (mean step of ``jawOpen`` from frame to frame). Where more mouths move than voices are heard, those
    whose movement fits the sound best speak.
    """
    sure = np.zeros((len(mouths), len(sound.speech)), np.float32)
    fit = np.zeros_like(sure)
    places = [slice(m.start - sound.start, m.start - sound.start + len(m.opening)) for m in mouths]
    for row, (mouth, place) in enumerate(zip(mouths, places, strict=True)):
        movement = mouth.movement(MOVEMENT_FRAMES)
        sure[row, place] = np.where(sound.speech[place], movement / (movement + min_movement), 0)
        fit[row, place] = fit_to_sound(mouth.movement(SYLLABLE_FRAMES), sound.loudness[place])
    n_voices = [max(1, len(voices)) for voices in sound.voices]
    rank = np.where(sure > SPEAKS, -fit, np.inf).argsort(axis=0, kind="stable").argsort(axis=0)
    sure[rank >= n_voices] /= 2
    return [row[place] for row, place in zip(sure, places, strict=True)]


def fit_to_sound(movement: np.ndarray, loudness: np.ndarray) -> np.ndarray:
    """Correlation of a mouth's movement with the loudness in `FIT_FRAMES` around each frame: (n,) in [-1, 1]."""
    x, y = movement, np.sqrt(loudness)
    count = _window_sum(np.ones(len(x)), FIT_FRAMES)
    mean_x, mean_y = _window_sum(x, FIT_FRAMES) / count, _window_sum(y, FIT_FRAMES) / count
    together = _window_sum(x * y, FIT_FRAMES) / count - mean_x * mean_y
    spread_x = _window_sum(x * x, FIT_FRAMES) / count - mean_x**2
    spread_y = _window_sum(y * y, FIT_FRAMES) / count - mean_y**2
    return together / np.sqrt(np.maximum(spread_x * spread_y, 1e-12))


def voice_of(is_speaking: np.ndarray, sound: Sound) -> str | None:
    """The label of the voice that belongs to a face, or None if none does for certain.

    ``is_speaking`` (n,) bool, ``sound``: the n frames that show the face.
    """
    heard = Counter(label for voices in sound.voices for label in voices)
    said = Counter(
        label for voices, speaks in zip(sound.voices, is_speaking, strict=True) if speaks for label in voices
    )
    for label, n_frames in said.most_common(1):
        if n_frames >= LEAST_FRAMES and n_frames >= LEAST_SHARE * heard[label]:
            return label
    return None


def _window_sum(values: np.ndarray, window: int) -> np.ndarray:
    """Sum of the values in a centred window that is cut off at both ends: (n,) -> (n,)."""
    total = np.concatenate([[0.0], np.cumsum(values, dtype=float)])
    places = np.arange(len(values))
    return total[np.minimum(places + window // 2 + 1, len(values))] - total[np.maximum(places - window // 2, 0)]
