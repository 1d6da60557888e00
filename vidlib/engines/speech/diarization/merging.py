"""Merging: two speakers who sound alike, and do not speak at once, are one person.

Clusters come from what local speakers say in ten seconds, often half a second. Resegmentation leaves the mean embedding
of all that a speaker says, which is surer.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from vidlib.engines.speech.diarization.clustering import normalized
from vidlib.engines.speech.diarization.confidence import Voices
from vidlib.engines.speech.diarization.resegmentation import Activity

SAME_VOICE = 0.5
"""Similarity (a cosine) from which two speakers are one person."""

AT_ONCE_S = 1.0
"""Who speaks at once with somebody for so long, in all, is another person, however similar.

Both values were chosen on dialogues for choices, meetings and films (docs/how-we-measure.md).
"""


def merge_speakers(activity: Activity, min_speakers: int = 1) -> Activity:
    """Make one speaker of two who are one person, the most similar first, as long as ``min_speakers`` remain."""
    while (
        (voices := activity.voices) is not None
        and len(voices.centroids) > min_speakers
        and (pair := next(_one_person(activity, voices), None))
    ):
        activity = _joined(activity, voices, *pair)
    return activity


def speakers_at_once(count: np.ndarray, step_s: float) -> int:
    """How many people speak at once for `AT_ONCE_S` in all; ``count``, (instants,), speak in each of ``step_s``.

    >>> speakers_at_once(np.array([1, 2, 2, 3]), 0.5)
    2
    """
    return max(n for n in range(int(count.max()) + 1) if n == 0 or (count >= n).sum() * step_s >= AT_ONCE_S)


def _one_person(activity: Activity, voices: Voices) -> Iterator[tuple[int, int]]:
    """Pairs of speakers who are one person, the most similar first."""
    similarity = np.triu(voices.centroids @ voices.centroids.T, 1)
    step_s = activity.times[1] - activity.times[0]
    for pair in np.argsort(-similarity, axis=None)[: np.count_nonzero(similarity >= SAME_VOICE)]:
        one, other = np.unravel_index(pair, similarity.shape)
        if (activity.speaks[:, one] & activity.speaks[:, other]).sum() * step_s < AT_ONCE_S:
            yield int(one), int(other)


def _joined(activity: Activity, voices: Voices, one: int, other: int) -> Activity:
    """The ``activity`` with ``other`` as a part of speaker ``one``."""
    speaks, votes, centroids = activity.speaks.copy(), activity.votes.copy(), voices.centroids.copy()
    amounts = 1 + speaks[:, [one, other]].sum(axis=0)
    centroids[one] = normalized(amounts[None] @ centroids[[one, other]])[0]
    speaks[:, one] |= speaks[:, other]
    votes[:, one] = np.maximum(votes[:, one], votes[:, other])
    return replace(
        activity,
        speaks=np.delete(speaks, other, axis=1),
        votes=np.delete(votes, other, axis=1),
        voices=replace(voices, centroids=np.delete(centroids, other, axis=0)),
    )
