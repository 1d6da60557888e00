"""Cluster splitting: one diarized speaker whose embeddings fall into two groups is two speakers.

The segmentation network tells speakers apart within ten seconds. It may take two who talk right after each other for
one throughout. Both then have one embedding, between theirs. Embeddings of single seconds reveal the mistake.
"""

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage

from vidlib.engines.speech.diarization.clustering import normalized

MIN_SEPARATION = 0.3
"""Similarity within two groups minus similarity between them (mean cosines) from which they are two speakers.

Measured on 20 single speakers, in studios and meetings: the most different halves of one differ by up to 0.23. Five
pairs of speakers with one label differ by 0.37 to 0.73.
"""

MIN_GROUP_SIZE = 3
"""Windows in the smaller group, a quarter of a second apart; fewer may be alike by chance."""

MAX_COMPARED = 1000
"""Windows of one speaker that are compared in pairs, 8 MB; from more windows, every n-th is taken."""


def split_clusters(
    embeddings: np.ndarray, speakers: np.ndarray, n_speakers: int, max_speakers: int | None = None
) -> tuple[np.ndarray, list[int]]:
    """Split every speaker whose embeddings are those of two, up to ``max_speakers`` speakers in all.

    ``embeddings`` is (n, dimensions). ``speakers``, (n,), has the speaker of each, from 0 to ``n_speakers`` - 1, or -1.
    Returns ``speakers`` after the splits and the origin of each speaker. The larger group keeps its number, the other
    gets the next free one. The origin is the speaker from whom one was split, or the speaker's own number.
    """
    speakers, origins, pending = speakers.copy(), list(range(n_speakers)), list(range(n_speakers))
    while pending and (max_speakers is None or len(origins) < max_speakers):
        speaker = pending.pop(0)
        members = np.flatnonzero(speakers == speaker)
        second = _second_speaker(normalized(embeddings[members]))
        if second is not None:
            speakers[members[second]] = len(origins)
            pending += [speaker, len(origins)]
            origins.append(origins[speaker])
    return speakers, origins


def _second_speaker(embeddings: np.ndarray) -> np.ndarray | None:
    """(n,) bool: the smaller group where the unit vectors are those of two speakers, else None."""
    if len(embeddings) < 2 * MIN_GROUP_SIZE:
        return None
    sample = embeddings[:: -(-len(embeddings) // MAX_COMPARED)]
    in_first = fcluster(linkage(sample, method="ward"), 2, criterion="maxclust") == 1
    groups = [sample[in_first], sample[~in_first]]
    if min(map(len, groups)) < MIN_GROUP_SIZE:
        return None
    within = np.average([_mean_similarity(group) for group in groups], weights=[len(group) for group in groups])
    if within - (groups[0] @ groups[1].T).mean() < MIN_SEPARATION:
        return None
    centroids = normalized(np.stack([group.mean(axis=0) for group in groups]))
    nearest = np.argmax(embeddings @ centroids.T, axis=1) == 1
    return nearest if nearest.sum() * 2 <= len(nearest) else ~nearest


def _mean_similarity(group: np.ndarray) -> float:
    """The mean cosine of two different members of a group of unit vectors."""
    n = len(group)
    return float((np.square(group.sum(axis=0)).sum() - n) / (n * (n - 1)))
