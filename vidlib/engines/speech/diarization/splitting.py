"""One voice that is two: a person who was found, but whose voice prints fall into two groups, is two people.

The pipeline's network tells people apart within ten seconds. Two who speak right after each other it may take for one
throughout, and then both have one voice print, somewhere between theirs. Prints of a second do not lie.
"""

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage

from vidlib.engines.speech.diarization.clustering import unit

APART = 0.3
"""How much less two groups are like each other than like themselves (mean cosines), to be two people. Of 20 voices of
one person each, in studios and meetings, the two halves that differ most differ by up to 0.23; of five that were two
people, by 0.37 to 0.73."""

FEWEST = 3
"""Windows in a group, a quarter of a second apart, or it is a chance likeness."""

MOST = 1000
"""Windows of one person that are compared with each other, 8 MB: of more, every n-th is."""


def split(
    prints: np.ndarray, whose: np.ndarray, n_people: int, most: int | None = None
) -> tuple[np.ndarray, list[int]]:
    """(n, numbers) voice prints and the person of each, (n,) from 0 or -1 -> that again, with more people, and origins.

    Who is split keeps its number for the larger group; the other group gets the next free one. Origins are, for each
    person, who it was split from (itself, if it was not), the first ``n_people`` being 0, 1, 2 ... There are never more
    than ``most`` people.
    """
    whose, origins, waiting = whose.copy(), list(range(n_people)), list(range(n_people))
    while waiting and (most is None or len(origins) < most):
        person = waiting.pop(0)
        own = np.flatnonzero(whose == person)
        other = _second_voice(unit(prints[own]))
        if other is not None:
            whose[own[other]] = len(origins)
            waiting += [person, len(origins)]
            origins.append(origins[person])
    return whose, origins


def _second_voice(prints: np.ndarray) -> np.ndarray | None:
    """(n,) bool: the smaller of two groups, where the unit vectors fall into two that are people; else None."""
    if len(prints) < 2 * FEWEST:
        return None
    every = -(-len(prints) // MOST)
    known = prints[::every]
    halves = fcluster(linkage(known, method="ward"), 2, criterion="maxclust") == 1
    groups = [known[halves], known[~halves]]
    if min(map(len, groups)) < FEWEST:
        return None
    alike = np.average([_alikeness(group) for group in groups], weights=[len(group) for group in groups])
    if alike - (groups[0] @ groups[1].T).mean() < APART:
        return None
    means = np.stack([group.mean(axis=0) for group in groups])
    nearest = np.argmax(prints @ unit(means).T, axis=1) == 1
    return nearest if nearest.sum() * 2 <= len(nearest) else ~nearest


def _alikeness(group: np.ndarray) -> float:
    """The mean cosine of two different members."""
    n = len(group)
    return float((np.square(group.sum(axis=0)).sum() - n) / (n * (n - 1)))
