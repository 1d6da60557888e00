"""The weights of what a picture says about a cut: a logistic regression on footage whose boundaries are known."""

from collections.abc import Collection, Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from ablation.footage import UNEDITED, Footage, evidence_of

from vidlib.engines.shots import boundaries, jumps
from vidlib.engines.shots.boundaries import Evidence
from vidlib.engines.shots.jumps import JumpMeter
from vidlib.evaluation.shots import TOLERANCE
from vidlib.media import thumbnails

WEIGHT_AS_IT_IS = 4
"""What a frame counts in footage as it is, beside one in edits, where look-alikes are as frequent as cuts."""

LEAST_SCORE = 1e-4
"""A score of the network counts as this, or as 1 minus this, where it is nearer to 0 or 1."""

ROUNDS = 4
"""A cut shows in two changes over two frames. So many fits in a row choose the one that says more."""


class Weights(NamedTuple):
    """The weight of the network's score, `boundaries.BEGINS_WEIGHT`, and those of the picture, `jumps.WEIGHTS`."""

    begins: float
    measures: tuple[float, ...]

    @classmethod
    def of_product(cls) -> "Weights":
        """Those of the product."""
        return cls(boundaries.BEGINS_WEIGHT, tuple(jumps.WEIGHTS.values()))


class Samples(NamedTuple):
    """Frames that are surely a cut or surely none.

    ``begins`` (n,) are log-odds by the network, ``changes`` (n, 2, 9) the measures of the change before and after each
    frame, ``is_cut`` (n,) bool, ``counts`` (n,) how much each counts.
    """

    begins: np.ndarray
    changes: np.ndarray
    is_cut: np.ndarray
    counts: np.ndarray


NETWORK_ALONE = Weights(1.0, (0.0,) * len(jumps.WEIGHTS))


def measures(made: Footage) -> np.ndarray:
    """`JumpMeter.measures` of the thumbnails: (n, 9)."""
    return _measures(made.small)


def fit(made: Iterable[Footage], without: Collection[str] = ()) -> Weights:
    """The weights that this footage chooses, with 0 for the measures to do ``without``."""
    from sklearn.linear_model import LogisticRegression

    samples = Samples(*(np.concatenate(columns) for columns in zip(*map(_samples, made), strict=True)))
    kept = np.array([name not in without for name in jumps.WEIGHTS])
    kept[0] = False  # the intercept
    after = samples.changes[:, 1]
    scale = after[after[:, 1] > 0].std(axis=0)
    scale[scale == 0] = 1
    weights = np.array(Weights.of_product().measures)
    for _ in range(ROUNDS):
        says_more = (samples.changes @ weights).argmax(axis=1)
        change = samples.changes[np.arange(len(says_more)), says_more]
        table = np.column_stack([samples.begins, (change / scale)[:, kept]])
        model = LogisticRegression(solver="newton-cholesky").fit(table, samples.is_cut, samples.counts)
        weights = np.zeros(len(kept))
        weights[0], weights[kept] = model.intercept_[0], model.coef_[0, 1:] / scale[kept]
    return Weights(float(model.coef_[0, 0]), tuple(weights.tolist()))


@cache
def _measures(small: Path) -> np.ndarray:
    meter = JumpMeter()
    for frame in thumbnails.read(small):
        meter.add(frame)
    return meter.measures()


def _samples(made: Footage) -> Samples:
    evidence, after = evidence_of(made), measures(made)
    is_cut, is_sure = np.zeros(len(after), bool), np.ones(len(after), bool)
    for start, stop in [(e.start, e.full) for e in made.edges] + [(s.start, s.stop) for s in made.optional]:
        is_sure[max(0, start - TOLERANCE) : stop + TOLERANCE + 1] = False
    for edge in made.edges:
        if edge.kind == "cut":
            cut = edge.start + int(evidence.change[edge.start : edge.full + 1].argmax())
            is_cut[cut] = is_sure[cut] = True
    before = np.concatenate([after[:1], after[:-1]])
    counts = np.full(is_sure.sum(), WEIGHT_AS_IT_IS if made.form == UNEDITED else 1)
    return Samples(_log_odds(evidence)[is_sure], np.stack([before, after], axis=1)[is_sure], is_cut[is_sure], counts)


def _log_odds(evidence: Evidence) -> np.ndarray:
    clipped = np.clip(evidence.begins, LEAST_SCORE, 1 - LEAST_SCORE)
    return np.log(clipped / (1 - clipped))
