"""Identities by face embeddings: tracks that show two people, and tracks of one video that show the same person.

SciPy is imported where it is used: it takes 0.4 s, and every command of vidlib imports the steps.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from vidlib.tracking.association import FaceView, Track

SAME_PERSON_DISTANCE = 0.5
"""Euclidean distance of mean face embeddings from which two groups of tracks are two people. Single embeddings of one
person are less than 0.6 apart (dlib). On films with six people, tracks of one person are up to 0.36 apart, tracks of
two people at least 0.43, mostly 0.7."""

SIMULTANEOUS_DISTANCE = 2.0
"""Distance of two tracks that are visible at the same time: they are two people, however similar."""

MIN_VIEWS = 2
"""Clear views that each of two people in one track needs: a single one may be of a blended face."""

CLEAR_QUALITY = 0.5
"""Least quality of a view that may tell two people in one track apart."""

SCORE_RANGE = 0.5, 0.85
"""Detection scores up to which a view tells nothing, and from which on it is clear. Of views below 0.7 on natural
clips, two thirds were nearer to somebody else than to the same person; of those above 0.8, one in 50."""

CONFIDENCE_SLOPE = 12.0
"""Log-odds per unit of distance: a face that is nearer by 0.25 to one person than to the next is that person with a
confidence of 0.95."""

UNKNOWN_CONFIDENCE = 0.5
"""Confidence that a track without a face embedding, turned away or blurred, is nobody else: nothing speaks for or
against it. Of five such tracks on natural clips one was somebody else; they are too few for another number."""


def view_quality(score: float, points: np.ndarray) -> float:
    """How much a view tells about who it is, in [0, 1], by the detection score and the five ``points`` (5, 2).

    A face that looks past the camera tells less; one whose nose is as far from the middle of its eyes as these are from
    each other tells nothing.
    """
    left_eye, right_eye, nose = points[:3]
    eyes = right_eye - left_eye
    turned = abs((nose - (left_eye + right_eye) / 2) @ eyes) / max(float(eyes @ eyes), 1e-9)
    low, high = SCORE_RANGE
    return float(np.clip((score - low) / (high - low), 0, 1) * np.clip(1 - turned, 0, 1))


def mean_embedding(views: Iterable[FaceView]) -> np.ndarray | None:
    """The mean embedding (128,) of the views of a track, by their quality; None without a view."""
    views = list(views)
    if not views:
        return None
    return np.average([view.embedding for view in views], axis=0, weights=[view.quality for view in views])


def split_by_person(track: Track) -> list[Track]:
    """The track, or one track for each person in it, where a cut between two people framed alike was missed.

    The split lies where all embeddings before differ from all embeddings after; between the last and the next of these
    it is the frame where the face changes most.
    """
    from scipy.spatial.distance import cdist

    frames = sorted(frame for frame, view in track.views.items() if view.quality >= CLEAR_QUALITY)
    for index in range(MIN_VIEWS, len(frames) - MIN_VIEWS + 1):
        before, after = ([track.views[frame].embedding for frame in part] for part in (frames[:index], frames[index:]))
        if cdist(before, after).min() > SAME_PERSON_DISTANCE:
            first, rest = track.split_at(_largest_change(track, frames[index - 1], frames[index]))
            return [first, *split_by_person(rest)]
    return [track]


def _largest_change(track: Track, last: int, first: int) -> int:
    """The frame after ``last``, up to ``first``, whose blendshapes differ most from those of the frame before."""
    frames = np.arange(last, first + 1)
    steps = np.abs(np.diff(track.blendshapes_at(frames), axis=0)).sum(axis=1)
    return int(frames[1 + np.argmax(np.nan_to_num(steps, nan=-1.0))])


def identity_confidence(embeddings: Sequence[np.ndarray | None], people: Sequence[int]) -> list[float]:
    """The confidence in [0, 1] that each track shows the person that `identify` found for it.

    It depends on how much nearer the embedding (128,) is to the others of that person than to the nearest of anybody
    else. A track without an embedding has `UNKNOWN_CONFIDENCE`.
    """
    from scipy.spatial.distance import cdist

    known = [index for index, embedding in enumerate(embeddings) if embedding is not None]
    confidence = [UNKNOWN_CONFIDENCE] * len(embeddings)
    if known:
        faces, persons = _stack(embeddings), np.array([people[index] for index in known])
        for index, face, person in zip(known, faces, persons, strict=True):
            (distances,) = cdist(face[None], faces)
            same_person = distances[persons == person]
            nearest_other = distances[persons != person].min(initial=SIMULTANEOUS_DISTANCE)
            # the distance of the face to itself is 0, so that the mean is over the others
            margin = nearest_other - same_person.sum() / max(1, len(same_person) - 1)
            confidence[index] = float(1 / (1 + np.exp(-CONFIDENCE_SLOPE * margin)))
    return confidence


def identify(embeddings: Sequence[np.ndarray | None], spans: Sequence[range]) -> list[int]:
    """The person in each track, numbered from 0 by first appearance (average-linkage clustering).

    ``embeddings`` are the mean face embeddings (128,) of the tracks, ``spans`` their frames. A track without an
    embedding is a person of its own.
    """
    from scipy.cluster.hierarchy import fcluster, linkage

    known = [index for index, embedding in enumerate(embeddings) if embedding is not None]
    clusters = {index: ("alone", index) for index in range(len(embeddings))}
    if len(known) > 1:
        distances = _pairwise_distances(_stack(embeddings), [spans[index] for index in known])
        labels = fcluster(linkage(distances, "average"), SAME_PERSON_DISTANCE, criterion="distance")
        clusters |= {index: ("cluster", int(label)) for index, label in zip(known, labels, strict=True)}
    people: dict[tuple[str, int], int] = {}
    return [people.setdefault(clusters[index], len(people)) for index in range(len(embeddings))]


def _stack(embeddings: Sequence[np.ndarray | None]) -> np.ndarray:
    """The embeddings that are known, (n, 128)."""
    return np.stack([embedding for embedding in embeddings if embedding is not None])


def _pairwise_distances(embeddings: np.ndarray, spans: Sequence[range]) -> np.ndarray:
    """The distances of all pairs of n faces, (n (n - 1) / 2,) in the order of `pdist`: 16 MB for an hour's 2,000."""
    from scipy.spatial.distance import pdist

    distances, first = pdist(embeddings), 0
    starts, stops = np.array([[span.start, span.stop] for span in spans]).T
    for index in range(len(spans)):
        later = slice(index + 1, None)
        row = distances[first : first + len(starts[later])]
        row[(starts[index] < stops[later]) & (starts[later] < stops[index])] = SIMULTANEOUS_DISTANCE
        first += len(row)
    return distances
