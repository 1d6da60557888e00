"""Voice prints into people: which of them are of one voice."""

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage

SMALLEST = 2
"""Voice prints that make somebody; fewer are a chance likeness, part of whoever they resemble most."""


def clusters(
    prints: np.ndarray, trusted: np.ndarray, threshold: float, fewest: int = 1, most: int | None = None
) -> np.ndarray:
    """(n, numbers) voice prints -> (people, numbers), unit vectors: what each person sounds like.

    Only ``trusted`` prints, (n,) bool, are clustered, unless there are none. ``threshold`` is the cosine distance, in
    [0, 2], from which two groups of prints are two people, by the mean of all pairs (average linkage). Between
    ``fewest`` and ``most`` people, as far as there are prints.
    """
    chosen = unit(prints[trusted] if trusted.any() else prints)
    if len(chosen) == 1 or most == 1:
        return unit(chosen.mean(axis=0, keepdims=True))
    tree = linkage(chosen, method="average", metric="cosine")
    people = _large(fcluster(tree, threshold, criterion="distance"), SMALLEST)
    if len(people) < fewest:
        people = _large(_cut(tree, fewest), 1)
    if most and len(people) > most:
        people = _large(_cut(tree, most), 1)
    return unit(np.stack([chosen[members].mean(axis=0) for members in people]))


def likeness(prints: np.ndarray, people: np.ndarray) -> np.ndarray:
    """(n, numbers), (people, numbers) -> (n, people): the cosine of each print and each person."""
    # einsum adds up in one order, whatever the number of cores
    return np.einsum("nd,pd->np", unit(prints), people)


def unit(vectors: np.ndarray) -> np.ndarray:
    """Each row of (n, numbers) at a length of one."""
    wide = vectors.astype(np.float64)
    return wide / np.maximum(np.sqrt((wide**2).sum(axis=1, keepdims=True)), 1e-12)


def _cut(tree: np.ndarray, n_groups: int) -> np.ndarray:
    return fcluster(tree, n_groups, criterion="maxclust")


def _large(labels: np.ndarray, smallest: int) -> list[np.ndarray]:
    """The members of each group of at least ``smallest``, or of all groups where none is so large."""
    groups = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    return [group for group in groups if len(group) >= smallest] or groups
