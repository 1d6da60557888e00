"""Which face is speaking: the sound says that somebody does and how loud, the mouths say who."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vidlib.tracking.blendshapes import SPEECH

MOVEMENT_FRAMES = 15
"""Frames (0.6 s at 25 fps) over which a mouth's movement is judged: longer than the pauses inside a phrase."""

SYLLABLE_FRAMES = 5
"""Frames over which a mouth's movement is compared with the sound: about a syllable (0.2 s)."""

FIT_FRAMES = 75
"""Frames (3 s) of sound and movement that are compared: shorter, chance decides; longer, the speaker may change."""

LAG_FRAMES = 1
"""Frames (0.04 s) by which sound and mouth may be apart, about what broadcasts allow (EBU R37: 0.04 s early, 0.06 s
late): whoever allows more takes more for speech that is none."""

RANK_FRAMES = 25
"""Frames (1 s) over which mouths are compared with each other: people do not take turns faster."""

SPEECH_FRAMES = 4
"""Frames (0.16 s) before and after what is heard as speech that may still be it: a mouth opens before its voice, and
the soft ends of words are heard as silence."""

FAINT = 0.003
"""Added to a loudness in [0, 1] before its logarithm is taken: what is fainter (-50 dB) is silence."""

STILL = 0.02
"""Added to a movement before its logarithm is taken: less than this hardly counts. The weights were fitted with it."""

LEVEL_WEIGHT, CHANGE_WEIGHT, MOVEMENT_WEIGHT, LIKELY_WEIGHT, BIAS = 1.8, 2.7, 1.5, 0.1, 2.4
"""Log-odds that a face speaks: each times its weight, and the bias, added up. By logistic regression on films composed
of people who talk, who listen and who are dubbed, rounded; see docs/tracking.md."""

USUALLY_LIKELY = 4.0
"""What the network says of a face that speaks, in log-odds: assumed where it was not asked."""

LEAST_SHARE = 0.5
"""A voice belongs to a face that speaks in at least this share of the frames that show the face and have the voice."""

LEAST_FRAMES = 10
"""Fewer frames (0.4 s) of speaking say nothing about whose voice it is."""


FRAMES_IN_DOUBT = 5
"""Frames that count as if they spoke against a voice: what few frames say is less sure."""

SPEAKS = 0.5
"""A face is speaking where its confidence is above this."""


@dataclass(frozen=True)
class Sound:
    """What is heard in consecutive frames, from ``start`` on.

    ``speech`` (n,) bool; ``voices`` n lists of speaker labels; ``samples`` (n, 640) float32, mono at 16 kHz.
    """

    start: int
    speech: np.ndarray
    voices: Sequence[Sequence[str]]
    samples: np.ndarray

    @property
    def may_be_speech(self) -> np.ndarray:
        """What is speech, and `SPEECH_FRAMES` before and after: (n,) bool."""
        return _window_sum(self.speech, 2 * SPEECH_FRAMES + 1) > 0

    @property
    def loudness(self) -> np.ndarray:
        """Root mean square of each frame: (n,) float32 in [0, 1]."""
        return np.sqrt(np.mean(self.samples**2, axis=1))

    @property
    def level(self) -> np.ndarray:
        """How loud each frame is, in dB below full scale: (n,)."""
        return 20 * np.log10(self.loudness + FAINT)

    def during(self, start: int, n_frames: int) -> "Sound":
        """The part from frame ``start`` on."""
        part = slice(start - self.start, start - self.start + n_frames)
        return Sound(start, self.speech[part], self.voices[part], self.samples[part])


@dataclass(frozen=True)
class Mouth:
    """One mouth in consecutive frames, from ``start`` on: its `SPEECH` shapes, (n, k) float32 in [0, 1], NaN where they
    are unknown.
    """

    start: int
    shapes: np.ndarray

    @classmethod
    def of(cls, start: int, blendshapes: np.ndarray) -> "Mouth":
        """The mouth of a face with ``blendshapes`` (n, 52)."""
        return cls(start, blendshapes[:, SPEECH])

    def movement(self, window: int) -> np.ndarray:
        """How much it moves around each frame, (n,): the mean step from frame to frame in a centred ``window``.

        A step is the sum of those of all shapes. Steps to or from a frame where the mouth is unknown do not count;
        without any step there is no movement.
        """
        steps = np.abs(np.diff(self.shapes, axis=0, prepend=np.nan)).sum(axis=1)
        known = np.isfinite(steps)
        return _window_sum(np.where(known, steps, 0), window) / np.maximum(_window_sum(known, window), 1)


def odds(mouth: Mouth, sound: Sound, likely: np.ndarray | float = USUALLY_LIKELY) -> np.ndarray:
    """How likely a face speaks by its mouth and the sound alone, wherever there is speech: log-odds, (n,).

    ``sound`` is that of the whole shot; ``likely`` what a network says of the mouth, log-odds (n,), if one was asked. A
    face that speaks moves its mouth, and does so when the sound is loud, and when it gets louder or softer.
    """
    place = slice(mouth.start - sound.start, mouth.start - sound.start + len(mouth.shapes))
    level = _mean(sound.level, SYLLABLE_FRAMES)
    change = _mean(np.abs(np.diff(sound.level, prepend=sound.level[:1])), SYLLABLE_FRAMES)
    syllables = mouth.movement(SYLLABLE_FRAMES)
    return (
        LEVEL_WEIGHT * fit_to_sound(syllables, level[place])
        + CHANGE_WEIGHT * fit_to_sound(syllables, change[place])
        + MOVEMENT_WEIGHT * np.log(mouth.movement(MOVEMENT_FRAMES) + STILL)
        + LIKELY_WEIGHT * likely
        + BIAS
    )


def speaking(starts: Sequence[int], odds: Sequence[np.ndarray], sound: Sound) -> list[np.ndarray]:
    """How surely each of the faces of one shot is speaking, one (n,) float32 in [0, 1) per face: above 0.5, it is.

    ``sound`` is that of the whole shot; a face with ``odds`` (n,), log-odds, is seen from its start on. Nobody speaks
    where there is no speech; where more faces seem to speak than voices are heard, those do that are likelier for 1 s.
    """
    sure = np.zeros((len(odds), len(sound.speech)), np.float32)
    rank_by = np.full_like(sure, -np.inf)
    places = [
        slice(start - sound.start, start - sound.start + len(row)) for start, row in zip(starts, odds, strict=True)
    ]
    speech = sound.may_be_speech
    for row, (place, own) in enumerate(zip(places, odds, strict=True)):
        sure[row, place] = np.where(speech[place], 1 / (1 + np.exp(-own)), 0)
        rank_by[row, place] = _mean(own, RANK_FRAMES)
    n_voices = [max(1, len(voices)) for voices in sound.voices]
    rank = np.where(sure > SPEAKS, -rank_by, np.inf).argsort(axis=0, kind="stable").argsort(axis=0)
    sure[rank >= n_voices] /= 2
    return [row[place] for row, place in zip(sure, places, strict=True)]


def fit_to_sound(movement: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Correlation of a mouth's movement with the sound's level, or its change: (n,) in [-1, 1].

    That of the `FIT_FRAMES` around each frame, the best one with the sound up to `LAG_FRAMES` earlier or later.
    """
    padded = np.pad(level, LAG_FRAMES, mode="edge")
    lags = range(2 * LAG_FRAMES + 1)
    return np.max([_correlation(movement, padded[lag : lag + len(level)]) for lag in lags], axis=0)


def _correlation(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    mean_x, mean_y = _mean(x, FIT_FRAMES), _mean(y, FIT_FRAMES)
    together = _mean(x * y, FIT_FRAMES) - mean_x * mean_y
    spread_x = _mean(x * x, FIT_FRAMES) - mean_x**2
    spread_y = _mean(y * y, FIT_FRAMES) - mean_y**2
    return together / np.sqrt(np.maximum(spread_x * spread_y, 1e-9))


@dataclass(frozen=True)
class Voice:
    """The voice of a face: its label, and how surely it is that, in [0, 1]: the smaller one of two shares.

    Of the frames that show the face and have the voice, those in which the face speaks; and of the frames in which it
    speaks, those that have the voice; `FRAMES_IN_DOUBT` more in both.
    """

    label: str
    confidence: float


def voice_of(is_speaking: np.ndarray, voices: Sequence[Sequence[str]]) -> Voice | None:
    """The voice that belongs to somebody, or None if none does for certain.

    ``is_speaking`` (n,) bool and the ``voices`` that are heard: in the n frames that show that face, or person.
    """
    heard = Counter(label for labels in voices for label in labels)
    spoken = [labels for labels, speaks in zip(voices, is_speaking, strict=True) if speaks and labels]
    said = Counter(label for labels in spoken for label in labels)
    for label, n_frames in said.most_common(1):
        if n_frames >= LEAST_FRAMES and n_frames >= LEAST_SHARE * heard[label]:
            return Voice(label, n_frames / (max(heard[label], len(spoken)) + FRAMES_IN_DOUBT))
    return None


def _mean(values: np.ndarray, window: int) -> np.ndarray:
    """Mean of the values in a centred window that is cut off at both ends: (n,) -> (n,)."""
    return _window_sum(values, window) / _window_sum(np.ones(len(values)), window)


def _window_sum(values: np.ndarray, window: int) -> np.ndarray:
    """Sum of the values in a centred window that is cut off at both ends: (n,) -> (n,)."""
    total = np.concatenate([[0.0], np.cumsum(values, dtype=float)])
    places = np.arange(len(values))
    return total[np.minimum(places + window // 2 + 1, len(values))] - total[np.maximum(places - window // 2, 0)]
