"""Identities by face embeddings: tracks that show two people, and tracks of one video that show the same person.

SciPy is imported where it is used: it takes 0.4 s, and every command of vidlib imports the steps.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from vidlib.tracking.association import Track
from vidlib.tracking.face_views import FaceView, mean_view

SAME_PERSON_DISTANCE = 0.55
"""Distance of mean face embeddings from which two groups of tracks are two people. On seven kinds of footage, a
logistic regression has its threshold at 0.55 to 0.58, whichever kind is left out (docs/how-we-measure.md)."""

UNCLEAR_DISTANCE = 0.08
"""What is added to the distance where the less clear of two faces has no quality: all unclear faces look alike."""

CONFIDENCE_SLOPE = 20.0
"""Log-odds per unit of distance: two faces 0.08 nearer than `SAME_PERSON_DISTANCE` are one person with a confidence of
0.83. That regression gives 31 to 41. On uncut tracks of more footage, with men who look alike, 20 has the least log
loss (docs/how-we-measure.md)."""

SPLIT_DISTANCE = 0.5
"""Distance of all views before from all after, from which on one track shows two people."""

SIMULTANEOUS_DISTANCE = 2.0
"""Distance of two tracks that are visible at the same time: they are two people, however similar."""

MIN_VIEWS = 2
"""Clear views that each of two people in one track needs: a single one may be of a blended face."""

CLEAR_QUALITY = 0.5
"""Least quality of a view that may tell two people in one track apart."""

UNKNOWN_CONFIDENCE = 0.5
"""Confidence that a track without a view, turned away or blurred, is nobody else: nothing speaks for or against it. Of
five such tracks on natural clips one was somebody else; they are too few for another number."""


class Identity(NamedTuple):
    """The ``person`` that a track shows, from 0, and the ``confidence`` in [0, 1] that this is right."""

    person: int
    confidence: float


def split_by_person(track: Track) -> list[Track]:
    """The track, or one track for each person in it, where a cut between two people framed alike was missed.

    The split lies where all clear views before differ from all after, and so much that the parts would not be one
    person. Between the last and the next of these views it is the frame where the face changes most.
    """
    frames = sorted(frame for frame, view in track.views.items() if view.quality >= CLEAR_QUALITY)
    for index in range(MIN_VIEWS, len(frames) - MIN_VIEWS + 1):
        if _are_two_people(*([track.views[frame] for frame in part] for part in (frames[:index], frames[index:]))):
            first, rest = track.split_at(_largest_change(track, frames[index - 1], frames[index]))
            return [first, *split_by_person(rest)]
    return [track]


def _are_two_people(before: list[FaceView], after: list[FaceView]) -> bool:
    """Whether all views before differ from all after, and `identify` takes both parts for two people."""
    from scipy.spatial.distance import cdist

    if cdist([view.embedding for view in before], [view.embedding for view in after]).min() <= SPLIT_DISTANCE:
        return False
    first, second = identify([mean_view(before), mean_view(after)], [range(1), range(1, 2)])
    return first.person != second.person


def _largest_change(track: Track, last: int, first: int) -> int:
    """The frame after ``last``, up to ``first``, whose blendshapes differ most from those of the frame before."""
    frames = np.arange(last, first + 1)
    steps = np.abs(np.diff(track.blendshapes_at(frames), axis=0)).sum(axis=1)
    return int(frames[1 + np.argmax(np.nan_to_num(steps, nan=-1.0))])


def identify(views: Sequence[FaceView | None], spans: Sequence[range]) -> list[Identity]:
    """The person in each track, numbered from 0 by first appearance (average-linkage clustering).

    ``views`` are the mean views of the tracks, ``spans`` their frames. A track without a view is a person of its own,
    with `UNKNOWN_CONFIDENCE`.
    """
    known = [index for index, view in enumerate(views) if view is not None]
    clusters, confidence = list(range(len(views))), [UNKNOWN_CONFIDENCE] * len(views)
    if known:
        faces = _Faces.of([view for view in views if view is not None], [spans[index] for index in known])
        labels = faces.clusters()
        for index, label, own_confidence in zip(known, labels, faces.confidence(labels), strict=True):
            clusters[index], confidence[index] = len(views) + int(label), own_confidence
    people: dict[int, int] = {}
    persons = [people.setdefault(cluster, len(people)) for cluster in clusters]
    return [Identity(*identity) for identity in zip(persons, confidence, strict=True)]


@dataclass(frozen=True)
class _Faces:
    """n tracks with a view: ``embeddings`` (n, 128), and the ``qualities``, ``starts`` and ``stops`` (n,)."""

    embeddings: np.ndarray
    qualities: np.ndarray
    starts: np.ndarray
    stops: np.ndarray

    @classmethod
    def of(cls, views: Sequence[FaceView], spans: Sequence[range]) -> "_Faces":
        embeddings, qualities = zip(*views, strict=True)
        starts, stops = np.array([[span.start, span.stop] for span in spans]).T
        return cls(np.stack(embeddings), np.array(qualities), starts, stops)

    def clusters(self) -> np.ndarray:
        """The cluster of each track, (n,), from 1. The distances of an hour's 2,000 tracks take 16 MB."""
        from scipy.cluster.hierarchy import fcluster, linkage

        n = len(self.embeddings)
        if n == 1:
            return np.ones(1, int)
        distances = np.concatenate([self._distances(index)[index + 1 :] for index in range(n)])
        labels: np.ndarray = fcluster(linkage(distances, "average"), SAME_PERSON_DISTANCE, criterion="distance")
        return labels

    def confidence(self, labels: np.ndarray) -> list[float]:
        """The confidence of each track in its cluster.

        It depends on the mean distance from the others there, and on how much farther the nearest other cluster is. If
        nobody else is there, it depends on the nearest cluster alone, and on how clear the face is.
        """
        sizes = np.bincount(labels)
        confidence = []
        for index, (label, quality) in enumerate(zip(labels, self.qualities, strict=True)):
            sums = np.bincount(labels, self._distances(index))
            own, (others,) = sums[label] / max(1, sizes[label] - 1), np.nonzero(sizes)
            nearest = (sums[others] / sizes[others])[others != label].min(initial=SIMULTANEOUS_DISTANCE)
            if sizes[label] > 1:
                confidence.append(_sigmoid(min(SAME_PERSON_DISTANCE, nearest) - own))
            else:
                alone = _sigmoid(nearest - SAME_PERSON_DISTANCE)
                confidence.append(quality * alone + (1 - quality) * min(alone, UNKNOWN_CONFIDENCE))
        return confidence

    def _distances(self, index: int) -> np.ndarray:
        """The distances (n,) of one face from all; 0 from itself."""
        distances = np.linalg.norm(self.embeddings - self.embeddings[index], axis=1)
        distances += UNCLEAR_DISTANCE * (1 - np.minimum(self.qualities, self.qualities[index]))
        distances[(self.starts < self.stops[index]) & (self.starts[index] < self.stops)] = SIMULTANEOUS_DISTANCE
        distances[index] = 0
        return distances


def _sigmoid(margin: float) -> float:
    """The confidence of a ``margin`` in units of distance."""
    return float(1 / (1 + np.exp(-CONFIDENCE_SLOPE * margin)))
