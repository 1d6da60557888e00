"""How sure it is that a turn has the right speaker, and that two speakers are two people."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from vidlib.timeline import Segment

MARGIN_WEIGHT, LENGTH_WEIGHT, BIAS = 5.25, 0.45, -0.65
"""The logarithm of the odds that a turn is right: the weight of the margin (a cosine), that of the logarithm of the
length in seconds, and the rest. Fitted on dialogues for choices, meetings and films (docs/how-we-measure.md)."""

NO_MARGIN = 0.08
"""The margin of a turn too short for an embedding: as many of those are wrong in the same material."""

MARGINS = (-0.3, 0.8)
"""Margins beyond these count as these: there are too few of them to say more."""

ALIKE_WEIGHT, EVEN_ODDS = 12.0, 0.42
"""The logarithm of the odds that two speakers are one person: the weight of the cosine of their embeddings above that
of even odds. In the same material, 5 % of the pairs at 0.2 to 0.3 are one person, and 60 % at 0.4 to 0.5."""


@dataclass(frozen=True)
class Voices:
    """The speaker embeddings of windows and of speakers, as unit vectors.

    ``middles_s`` has the middle of each window in seconds, (windows,). ``embeddings`` is (windows, dimensions),
    ``centroids`` (speakers, dimensions).
    """

    middles_s: np.ndarray
    embeddings: np.ndarray
    centroids: np.ndarray

    def confidence(self, turn: Segment, speaker: int) -> float:
        """The probability, in [0, 1], that this ``speaker`` says what a turn says."""
        margin = min(max(self._margin(turn, speaker), MARGINS[0]), MARGINS[1])
        return _probability(MARGIN_WEIGHT * margin + LENGTH_WEIGHT * math.log(turn.duration_s) + BIAS)

    def alike(self) -> Iterator[tuple[int, int, float]]:
        """Each pair of speakers, with the probability that they are one person."""
        cosines = self.centroids @ self.centroids.T
        for one, other in zip(*np.triu_indices(len(cosines), 1), strict=True):
            yield int(one), int(other), _probability(ALIKE_WEIGHT * (cosines[one, other] - EVEN_ODDS))

    def _margin(self, turn: Segment, speaker: int) -> float:
        """How much more a turn resembles its speaker than the most similar other one, who is at least a stranger."""
        within = (self.middles_s >= turn.start_s) & (self.middles_s < turn.stop_s)
        if not within.any():
            return NO_MARGIN
        mean = self.embeddings[within].mean(axis=0)
        cosines = self.centroids @ mean / max(float(np.linalg.norm(mean)), 1e-12)
        return float(cosines[speaker] - max([*np.delete(cosines, speaker), 0.0]))


def _probability(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds))
