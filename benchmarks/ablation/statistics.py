"""What the errors of several recordings say about a variant: bootstrap by recording, and choices by leave-one-out."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

N_RESAMPLED = 2000
"""Draws of a bootstrap; its intervals then repeat within .002."""


class Errors(NamedTuple):
    """Seconds of missed, falsely found, confused and ``total`` speech of a recording, and its numbers of speakers."""

    missed_s: float
    false_s: float
    confused_s: float
    total_s: float
    n_speakers: int
    n_true: int


Scores = Mapping[str, Sequence[Errors]]
"""The errors of each recording, in each of its versions."""


def error_rates(scores: Scores) -> np.ndarray:
    """(recordings,): the diarization error rate of each, over all of its versions."""
    wrong_s, total_s = _seconds(scores)
    return wrong_s / total_s


def pooled(scores: Scores) -> float:
    """The diarization error rate of all recordings together: each counts as much as it has speech."""
    wrong_s, total_s = _seconds(scores)
    return float(wrong_s.sum() / total_s.sum())


def interval(scores: Scores, base: Scores) -> tuple[float, float]:
    """The pooled error rate minus that of ``base``: the 95 % interval of a bootstrap that draws whole recordings."""
    (wrong_s, total_s), (base_s, _) = _seconds(scores), _seconds({name: base[name] for name in scores})
    drawn = np.random.default_rng(0).integers(0, len(total_s), (N_RESAMPLED, len(total_s)))
    drawn = drawn[total_s[drawn].any(axis=1)]
    differences = (wrong_s - base_s)[drawn].sum(axis=1) / total_s[drawn].sum(axis=1)
    low, high = np.percentile(differences, [2.5, 97.5])
    return float(low), float(high)


def leave_one_out(choices: Mapping[str, Scores]) -> dict[str, str]:
    """For each recording, the choice with the lowest pooled error rate on all other recordings."""
    recordings = next(iter(choices.values()))
    return {
        left_out: min(choices, key=lambda name: pooled(_without(choices[name], left_out))) for left_out in recordings
    }


def chosen_scores(choices: Mapping[str, Scores], chosen: Mapping[str, str]) -> Scores:
    """The errors of each recording under the choice that was made without it."""
    return {recording: choices[name][recording] for recording, name in chosen.items()}


def _without(scores: Scores, left_out: str) -> Scores:
    return {name: errors for name, errors in scores.items() if name != left_out}


def _seconds(scores: Scores) -> tuple[np.ndarray, np.ndarray]:
    """Wrong and total seconds of each recording, (recordings,) each."""
    sums = np.array([np.sum([errors[:4] for errors in versions], axis=0) for versions in scores.values()])
    return sums[:, :3].sum(axis=1), sums[:, 3]
