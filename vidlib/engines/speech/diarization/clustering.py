"""Clustering of speaker embeddings: which of them belong to one speaker."""

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.optimize import linear_sum_assignment

MIN_CLUSTER_SIZE = 2
"""Embeddings in the smallest cluster. The embeddings of a smaller one go to the speakers that they resemble most."""

NOBODY = -2
"""The cluster of a local speaker who is nobody, as in pyannote.audio."""


def cluster_speakers(
    embeddings: np.ndarray,
    trusted: np.ndarray,
    threshold: float,
    min_speakers: int = 1,
    max_speakers: int | None = None,
) -> np.ndarray:
    """(n, dimensions) embeddings -> (speakers, dimensions) centroids, unit vectors.

    Only ``trusted`` embeddings, (n,) bool, form clusters, unless there are none. ``threshold`` is the cosine distance,
    in [0, 2], from which two clusters are two speakers, by the mean of all pairs (average linkage). The number of
    speakers is between ``min_speakers`` and ``max_speakers``, as far as there are embeddings.
    """
    chosen = normalized(embeddings[trusted] if trusted.any() else embeddings)
    if len(chosen) == 1 or max_speakers == 1:
        return normalized(chosen.mean(axis=0, keepdims=True))
    tree = linkage(chosen, method="average", metric="cosine")
    clusters = _clusters(fcluster(tree, threshold, criterion="distance"), MIN_CLUSTER_SIZE)
    if len(clusters) < min_speakers:
        clusters = _clusters(_cut(tree, min_speakers), 1)
    if max_speakers and len(clusters) > max_speakers:
        clusters = _clusters(_cut(tree, max_speakers), 1)
    return normalized(np.stack([chosen[members].mean(axis=0) for members in clusters]))


def assign_clusters(similarity: np.ndarray) -> np.ndarray:
    """(windows, local speakers, clusters) similarities -> the cluster of each, (windows, local speakers), or `NOBODY`.

    The local speakers of a window get different clusters, as many as there are. One who is silent is NaN, and less
    similar than any other.

    >>> assign_clusters(np.array([[[0.9, 0.1], [0.8, 0.7], [np.nan, np.nan]]]))
    array([[ 0,  1, -2]])
    >>> assign_clusters(np.array([[[np.nan], [0.1], [np.nan]]]))
    array([[-2,  0, -2]])
    """
    known = np.nan_to_num(similarity, nan=np.nanmin(similarity) - 1)
    clusters = np.full(known.shape[:2], NOBODY)
    for window, scores in enumerate(known):
        local_speakers, assigned = linear_sum_assignment(scores, maximize=True)
        clusters[window, local_speakers] = assigned
    return clusters


def cosine_similarity(embeddings: np.ndarray, centroids: np.ndarray) -> np.ndarray:
    """(n, dimensions) embeddings, (speakers, dimensions) unit vectors -> (n, speakers) in [-1, 1]."""
    # einsum adds up in one order, whatever the number of cores
    return np.einsum("nd,sd->ns", normalized(embeddings), centroids)


def normalized(vectors: np.ndarray) -> np.ndarray:
    """Each row of (n, dimensions) scaled to unit length, as float64."""
    wide = vectors.astype(np.float64)
    return wide / np.maximum(np.sqrt((wide**2).sum(axis=1, keepdims=True)), 1e-12)


def _cut(tree: np.ndarray, n_clusters: int) -> np.ndarray:
    return fcluster(tree, n_clusters, criterion="maxclust")


def _clusters(labels: np.ndarray, min_size: int) -> list[np.ndarray]:
    """The members of each cluster of at least ``min_size``, or of all clusters where none is so large."""
    clusters = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    return [members for members in clusters if len(members) >= min_size] or clusters
