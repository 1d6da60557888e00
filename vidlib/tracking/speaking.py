"""Active speaker detection in one shot: the sound tells when somebody speaks and how loud, the mouths tell who."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from vidlib.tracking.blendshapes import SPEECH_SHAPES

MOVEMENT_FRAMES = 15
"""Frames (0.6 s at 25 fps) over which a mouth's movement is averaged: longer than the pauses inside a phrase."""

SYLLABLE_FRAMES = 5
"""Frames (0.2 s, about a syllable) over which movement and sound are averaged before they are compared."""

CORRELATION_FRAMES = 75
"""Frames (3 s) of sound and movement that are correlated. In fewer frames chance decides; in more frames the speaker
may change."""

MAX_LAG_FRAMES = 1
"""Frames (0.04 s) by which sound and mouth may be apart, about what broadcasts allow (EBU R37: 0.04 s early, 0.06 s
late). A larger lag takes more movement for speech that is none."""

RANK_FRAMES = 25
"""Frames (1 s) over which a face is compared with others: people do not take turns faster."""

SPEECH_MARGIN_FRAMES = 12
"""Frames (0.48 s) before and after detected speech that may still be speech: a mouth opens before its voice is heard,
and soft beginnings, ends and short pauses are detected as silence. See docs/how-we-measure.md."""

LOUDNESS_FLOOR = 0.003
"""Added to a loudness in [0, 1] before its logarithm is taken: anything fainter (-50 dB) is silence."""

MOVEMENT_FLOOR = 0.02
"""Added to a movement before its logarithm is taken: less movement hardly counts. The weights were fitted with it."""

MODEL_FRAMES = 13
"""Frames (0.5 s) over which the log-odds of the active speaker model are averaged: single ones jump."""

MAX_MODEL_LOG_ODDS = 6.0
"""Limit of the log-odds of the active speaker model."""

WEIGHTS: Mapping[str, float] = {
    "level": 3.9,
    "change": 2.2,
    "movement": 1.8,
    "own_movement": 0.6,
    "lips": 4.2,
    "model_against": 1.9,
    "model_for": 1.0,
    "unseen": -1.5,
}
"""The weight of each of the `speaking_terms` in the log-odds that a face speaks. They come from one logistic regression
on composed videos and natural clips, dubbed and mixed, with and without the model, and are 1.6 times its own, so that
the confidence, which is lower where faces compete, is calibrated. `benchmarks/quality_speaking.py --fit` fits others
beside them; see docs/how-we-measure.md."""

BIAS = -1.1
"""Log-odds that a face speaks of which nothing else is known."""

MAX_OWN_MOVEMENT = 1.5
"""Limit of the logarithm of a movement in multiples of the face's usual one."""

UNHEARD_VOICE_ODDS = 0.2
"""Odds that one voice more speaks than are heard: diarization misses overlapping speech. With 0, half of the speakers
are lost where one label holds all voices; with 1, listeners speak; see docs/how-we-measure.md."""

MIN_SPEAKING_SHARE = 0.5
"""A speaker label matches a face that speaks in at least this share of the frames that have both."""

MIN_SPEAKING_FRAMES = 10
"""Frames (0.4 s) in which a face must speak to be matched with a speaker label."""

PRIOR_FRAMES = 5
"""Frames that count against each match, so that few frames give a low confidence."""

MAX_LOG_ODDS = 12.0
"""Limit of the log-odds of a face in a frame."""

SPEAKING_THRESHOLD = 0.5
"""A face is speaking where its confidence is above this."""


@dataclass(frozen=True)
class Sound:
    """The sound in consecutive frames, from ``start`` on.

    ``speech`` (n,) bool; ``speakers`` n sequences of speaker labels; ``samples`` (n, 640) float32 in [-1, 1], mono at
    16 kHz.
    """

    start: int
    speech: np.ndarray
    speakers: Sequence[Sequence[str]]
    samples: np.ndarray

    @property
    def possible_speech(self) -> np.ndarray:
        """Where there is speech, extended by `SPEECH_MARGIN_FRAMES` at both ends: (n,) bool."""
        return _window_sum(self.speech, 2 * SPEECH_MARGIN_FRAMES + 1) > 0

    @property
    def loudness(self) -> np.ndarray:
        """The root mean square of each frame: (n,) float32 in [0, 1]."""
        return np.sqrt(np.mean(self.samples**2, axis=1))

    @property
    def level(self) -> np.ndarray:
        """The loudness of each frame in dB relative to full scale: (n,), at least -50."""
        return 20 * np.log10(self.loudness + LOUDNESS_FLOOR)

    def crop(self, start: int, n_frames: int) -> "Sound":
        """The part of ``n_frames`` frames from frame ``start`` on."""
        part = slice(start - self.start, start - self.start + n_frames)
        return Sound(start, self.speech[part], self.speakers[part], self.samples[part])


@dataclass(frozen=True)
class Mouth:
    """One mouth in consecutive frames, from ``start`` on.

    ``shapes`` (n, 16) in [0, 1] are the blendshapes `SPEECH_SHAPES`, NaN where they are unknown.
    """

    start: int
    shapes: np.ndarray

    @classmethod
    def from_blendshapes(cls, start: int, blendshapes: np.ndarray) -> "Mouth":
        """The mouth of a face with ``blendshapes`` (n, 52)."""
        return cls(start, blendshapes[:, SPEECH_SHAPES])

    @property
    def known_share(self) -> np.ndarray:
        """The share of the `MOVEMENT_FRAMES` around each frame in which the shapes are known: (n,) in [0, 1]."""
        return moving_mean(np.isfinite(self.shapes[:, 0]), MOVEMENT_FRAMES)

    def movement(self, window: int) -> np.ndarray:
        """How much the mouth moves around each frame: (n,), the mean step between frames in a centred ``window``.

        A step is the sum of the absolute differences of all shapes. Steps from or to a frame without known shapes do
        not count; a window without any step has movement 0.
        """
        steps = np.abs(np.diff(self.shapes, axis=0, prepend=np.nan)).sum(axis=1)
        known = np.isfinite(steps)
        return _window_sum(np.where(known, steps, 0), window) / np.maximum(_window_sum(known, window), 1)


def speaking_log_odds(mouth: Mouth, sound: Sound, model_log_odds: np.ndarray | None = None) -> np.ndarray:
    """Log-odds that a face speaks, by its mouth and the sound alone and given that there is speech: (n,).

    ``sound`` is that of the whole shot; ``model_log_odds`` (n,) come from the active speaker model if it was used.
    """
    return weigh(speaking_terms(mouth, sound, model_log_odds))


def weigh(terms: Mapping[str, np.ndarray]) -> np.ndarray:
    """The log-odds that a face speaks, from its `speaking_terms`: (n,)."""
    return BIAS + np.sum([WEIGHTS[name] * values for name, values in terms.items()], axis=0)


def speaking_terms(mouth: Mouth, sound: Sound, model_log_odds: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """What tells whether a face speaks, (n,) each, by the names of `WEIGHTS`; arguments as of `speaking_log_odds`.

    A speaking face moves its mouth, more than usually, when the sound is loud and when it gets louder or softer. These
    terms are 0 where the landmarks are unknown. The negative log-odds of the model count in any case, the positive ones
    only where the landmarks are unknown: a mouth that talks unheard or is dubbed has positive ones as well.
    """
    known = mouth.known_share
    terms = {name: known * values for name, values in _lips_terms(mouth, sound).items()}
    if model_log_odds is None:
        return terms
    model = moving_mean(model_log_odds, MODEL_FRAMES).clip(-MAX_MODEL_LOG_ODDS, MAX_MODEL_LOG_ODDS)
    return terms | {
        "model_against": np.minimum(model, 0),
        "model_for": (1 - known) * np.maximum(model, 0),
        "unseen": 1 - known,
    }


def _lips_terms(mouth: Mouth, sound: Sound) -> dict[str, np.ndarray]:
    """The terms of the lips alone, (n,) each: correlations with the sound, and movements as logarithms."""
    frames = slice(mouth.start - sound.start, mouth.start - sound.start + len(mouth.shapes))
    level = moving_mean(sound.level, SYLLABLE_FRAMES)
    change = moving_mean(np.abs(np.diff(sound.level, prepend=sound.level[:1])), SYLLABLE_FRAMES)
    syllables = mouth.movement(SYLLABLE_FRAMES)
    movement = np.log(mouth.movement(MOVEMENT_FRAMES) + MOVEMENT_FLOOR)
    return {
        "level": correlation_with_sound(syllables, level[frames]),
        "change": correlation_with_sound(syllables, change[frames]),
        "movement": movement,
        "own_movement": (movement - np.median(movement)).clip(-MAX_OWN_MOVEMENT, MAX_OWN_MOVEMENT),
        "lips": np.ones(len(movement)),
    }


def speaking_confidence(starts: Sequence[int], log_odds: Sequence[np.ndarray], sound: Sound) -> list[np.ndarray]:
    """The confidence that each face of one shot is speaking: (n,) float32 in [0, 1) per face; above 0.5 it speaks.

    ``sound`` is that of the whole shot; a face has ``log_odds`` (n,) from its frame in ``starts`` on. Nobody speaks
    without speech. A set of faces that speak at once is as likely as the product of their odds, times
    `UNHEARD_VOICE_ODDS` for each that exceeds the number of speakers heard. The empty set counts too: the speaker may
    be out of sight. So faces compete for a voice, by their mean odds within 1 s.
    """
    odds = np.zeros((len(log_odds), len(sound.speech)))
    rivals = np.zeros_like(odds)
    spans = [
        slice(start - sound.start, start - sound.start + len(values))
        for start, values in zip(starts, log_odds, strict=True)
    ]
    for row, (span, values) in enumerate(zip(spans, log_odds, strict=True)):
        odds[row, span] = np.exp(values.clip(-MAX_LOG_ODDS, MAX_LOG_ODDS))
        rivals[row, span] = np.exp(moving_mean(values, RANK_FRAMES).clip(-MAX_LOG_ODDS, MAX_LOG_ODDS))
    n_heard = np.array([max(1, len(speakers)) for speakers in sound.speakers])
    surplus = np.maximum(0, np.arange(len(odds) + 1)[:, np.newaxis] - n_heard)
    weights = UNHEARD_VOICE_ODDS**surplus
    confidence = np.zeros_like(odds, np.float32)
    for row, own in enumerate(odds):
        others = _odds_by_number(np.delete(rivals, row, axis=0))
        speaks, silent = own * (weights[1:] * others).sum(axis=0), (weights[:-1] * others).sum(axis=0)
        confidence[row] = np.where(sound.possible_speech, speaks / (speaks + silent), 0)
    return [row[span] for row, span in zip(confidence, spans, strict=True)]


def _odds_by_number(odds: np.ndarray) -> np.ndarray:
    """The odds that exactly 0, 1, ... of the faces with ``odds`` (m, n) speak, relative to nobody: (m + 1, n)."""
    by_number = np.zeros((len(odds) + 1, odds.shape[1]))
    by_number[0] = 1
    for row in odds:
        by_number[1:] += row * by_number[:-1]
    return by_number


def correlation_with_sound(movement: np.ndarray, level: np.ndarray) -> np.ndarray:
    """The correlation of a mouth's movement (n,) with the sound's level, or its change, (n,): (n,) in [-1, 1].

    Each value covers the `CORRELATION_FRAMES` around a frame; it is the highest of those with the sound shifted by up
    to `MAX_LAG_FRAMES`.
    """
    padded = np.pad(level, MAX_LAG_FRAMES, mode="edge")
    lags = range(2 * MAX_LAG_FRAMES + 1)
    return np.max([_correlation(movement, padded[lag : lag + len(level)]) for lag in lags], axis=0)


def _correlation(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    mean_x, mean_y = moving_mean(x, CORRELATION_FRAMES), moving_mean(y, CORRELATION_FRAMES)
    covariance = moving_mean(x * y, CORRELATION_FRAMES) - mean_x * mean_y
    variance_x = moving_mean(x * x, CORRELATION_FRAMES) - mean_x**2
    variance_y = moving_mean(y * y, CORRELATION_FRAMES) - mean_y**2
    return covariance / np.sqrt(np.maximum(variance_x * variance_y, 1e-9))


@dataclass(frozen=True)
class SpeakerMatch:
    """The speaker label that belongs to a face or person, and the confidence in [0, 1).

    The confidence is the smaller one of two shares, each with `PRIOR_FRAMES` more in the denominator: of the frames
    with the label, those in which the face speaks; of the frames in which it speaks, those with the label.
    """

    label: str
    confidence: float


def match_speaker(is_speaking: np.ndarray, speakers: Sequence[Sequence[str]]) -> SpeakerMatch | None:
    """The speaker label that belongs to a face or person; None where the evidence is too weak.

    ``is_speaking`` (n,) bool and ``speakers``, the labels that are heard, are those of the n frames with that face.
    """
    n_heard = Counter(label for labels in speakers for label in labels)
    while_speaking = [labels for labels, speaks in zip(speakers, is_speaking, strict=True) if speaks and labels]
    n_spoken = Counter(label for labels in while_speaking for label in labels)
    for label, n_frames in n_spoken.most_common(1):
        if n_frames >= MIN_SPEAKING_FRAMES and n_frames >= MIN_SPEAKING_SHARE * n_heard[label]:
            return SpeakerMatch(label, n_frames / (max(n_heard[label], len(while_speaking)) + PRIOR_FRAMES))
    return None


def moving_mean(values: np.ndarray, window: int) -> np.ndarray:
    """The mean of the values in a centred window, which is cut off at both ends: (n,) -> (n,)."""
    return _window_sum(values, window) / _window_sum(np.ones(len(values)), window)


def _window_sum(values: np.ndarray, window: int) -> np.ndarray:
    """The sum of the values in a centred window, which is cut off at both ends: (n,) -> (n,)."""
    total = np.concatenate([[0.0], np.cumsum(values, dtype=float)])
    indices = np.arange(len(values))
    return total[np.minimum(indices + window // 2 + 1, len(values))] - total[np.maximum(indices - window // 2, 0)]
