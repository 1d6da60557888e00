"""The weights of who speaks: a logistic regression, and what they are worth on kinds of footage left out of it.

The regression sees the log-odds of one face. Where faces compete and other shots are evidence, its odds are too high or
too low. So one factor and one bias follow, chosen by the log loss of the confidence that the product gives.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import product
from typing import NamedTuple
from unittest.mock import patch

import numpy as np

from dubbing.listening import Listened, Terms
from dubbing.sounds import OWN
from vidlib.tracking import speaking

OWN_SHARE = 0.5
"""What a video's own sound counts; the other sounds share the rest."""

HIDDEN_SHARE = 0.25
"""What a face counts once more with its mouth hidden, with a sound of its own: few faces have no landmarks."""

MODEL_TERMS = ("model_against", "model_for", "unseen")
"""Terms that are missing where the active speaker model did not run. Each face counts with and without them."""

FACTORS, BIASES = (1.0, 1.3, 1.6, 2.0), (0.0, 0.4, 0.8)
"""The choices of the factor of all weights, and of what is then added to the log-odds."""

LEAST = 1e-3
"""A confidence is at least so far from 0 and 1 in the log loss: a single face must not decide."""


class Weights(NamedTuple):
    """The constants `WEIGHTS` and `BIAS` of `vidlib.tracking.speaking`."""

    weights: Mapping[str, float]
    bias: float

    def used(self) -> AbstractContextManager[object]:
        """A context in which the product has these weights."""
        return patch.multiple(speaking, WEIGHTS=self.weights, BIAS=self.bias)

    def scaled(self, factor: float, bias: float) -> "Weights":
        """All weights times ``factor``, and ``bias`` more."""
        return Weights({name: factor * weight for name, weight in self.weights.items()}, factor * self.bias + bias)


def fit(heard: Sequence[Listened]) -> Weights:
    """The weights by all of these videos."""
    fitted = _regression(heard)
    return min((fitted.scaled(*choice) for choice in product(FACTORS, BIASES)), key=lambda choice: loss(heard, choice))


def without(heard: Sequence[Listened]) -> Iterator[tuple[str, Weights]]:
    """Each kind of footage, and the weights that all other kinds give."""
    for kind in sorted({one.kind for one in heard}):
        yield kind, fit([one for one in heard if one.kind != kind])


def loss(heard: Sequence[Listened], weights: Weights) -> float:
    """The mean log loss of the confidence of all faces."""
    shares = _shares(heard)
    total = 0.0
    with weights.used():
        for one in heard:
            confidence, speaks = one.confidence()
            if len(speaks):
                right = np.where(speaks, confidence, 1 - confidence).clip(LEAST, 1)
                total -= shares[one.video, one.sound] * float(np.log(right).mean())
    return total / sum(shares.values())


def _shares(heard: Sequence[Listened]) -> dict[tuple[str, str], float]:
    """What each video counts with each sound. A kind of footage counts as much as the root of its number of videos."""
    videos = defaultdict(set)
    for one in heard:
        videos[one.kind].add(one.video)
    others = {one.sound for one in heard} - {OWN}
    of_sound = dict.fromkeys(others, (1 - OWN_SHARE) / max(1, len(others))) | {OWN: OWN_SHARE}
    return {(one.video, one.sound): of_sound[one.sound] / np.sqrt(len(videos[one.kind])) for one in heard}


def _regression(heard: Sequence[Listened]) -> Weights:
    from sklearn.linear_model import LogisticRegression

    shares = _shares(heard)
    rows, answers, counts = [], [], []
    for one in heard:
        for share, terms, answer in _examples(one):
            rows.append(terms)
            answers.append(answer)
            counts.append(np.full(len(answer), shares[one.video, one.sound] * share / len(answer)))
    x, y, weights = np.concatenate(rows), np.concatenate(answers), np.concatenate(counts)
    scale = x.std(axis=0) + 1e-6
    model = LogisticRegression(C=3.0, max_iter=1000).fit(x / scale, y, sample_weight=weights * len(y) / weights.sum())
    coefficients = (model.coef_[0] / scale).tolist()
    return Weights(dict(zip(speaking.WEIGHTS, coefficients, strict=True)), float(model.intercept_[0]))


def _examples(one: Listened) -> Iterator[tuple[float, np.ndarray, np.ndarray]]:
    """What all faces of a video count, their terms (n, terms) and answers (n,): with the model, without, and hidden."""
    known = [(face, face.may_speak & np.isfinite(face.answer)) for face in one.faces]
    known = [(face, where) for face, where in known if where.any()]
    if not known:
        return
    answer = np.concatenate([face.answer[where] for face, where in known]) > 0
    yield 1.0, np.concatenate([_matrix(face.terms)[where] for face, where in known]), answer
    lips = [{name: values for name, values in face.terms.items() if name not in MODEL_TERMS} for face, _ in known]
    yield 1.0, np.concatenate([_matrix(terms)[where] for terms, (_, where) in zip(lips, known, strict=True)]), answer
    if one.sound == OWN:
        yield HIDDEN_SHARE, np.concatenate([_matrix(face.hidden)[where] for face, where in known]), answer


def _matrix(terms: Terms) -> np.ndarray:
    n_frames = len(next(iter(terms.values())))
    return np.stack([terms.get(name, np.zeros(n_frames)) for name in speaking.WEIGHTS], axis=1)
