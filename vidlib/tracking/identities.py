"""Who is who, by face prints: tracks that show two people, and tracks of one video that show the same person.

SciPy is imported where it is used: it takes 0.4 s, and every command of vidlib knows the steps.
"""

from collections.abc import Sequence

import numpy as np

from vidlib.tracking.association import Track

SAME = 0.5
"""Distance of mean face prints from which two groups of tracks are two people. Single prints of one person are less
than 0.6 apart (dlib); in films of six people, tracks of one are up to 0.36 apart, of two at least 0.43, mostly 0.7."""

TWO_AT_ONCE = 2.0
"""Distance of two tracks that are to be seen at the same time, and so are two people, however alike."""


FEWEST_PRINTS = 2
"""Face prints of each of two people that one track shows: a single one may be of a turned or mixed face."""


def by_person(track: Track) -> list[Track]:
    """The track, or one for each person that it shows: where a cut between two who are framed alike was missed.

    It is parted where all face prints before are unlike all after; among the frames between, where the face changes
    most.
    """
    from scipy.spatial.distance import cdist

    frames = sorted(frame for frame in track.prints if frame in track.span)
    for place in range(FEWEST_PRINTS, len(frames) - FEWEST_PRINTS + 1):
        before, after = ([track.prints[frame] for frame in part] for part in (frames[:place], frames[place:]))
        if cdist(before, after).min() > SAME:
            first, second = track.parted(_change(track, frames[place - 1], frames[place]))
            return [first, *by_person(second)]
    return [track]


def _change(track: Track, last: int, first: int) -> int:
    """The frame after ``last``, up to ``first``, in which the face is least like in the one before."""
    frames = np.arange(last, first + 1)
    steps = np.abs(np.diff(track.blendshapes_at(frames), axis=0)).sum(axis=1)
    return int(frames[1 + np.argmax(np.nan_to_num(steps, nan=-1.0))])


SURENESS = 12.0
"""Log-odds for a distance: who is nearer by 0.25 to one person than to the next is that person with 0.95."""


def sureness(prints: Sequence[np.ndarray | None], whose: Sequence[int]) -> list[float]:
    """How surely each track shows the person that `people` found, in [0, 1].

    By how much nearer its print is to the others of that person than to the nearest of anybody else; 1 without a print.
    """
    from scipy.spatial.distance import cdist

    known = [place for place, one in enumerate(prints) if one is not None]
    sure = [1.0] * len(prints)
    if known:
        faces, numbers = np.stack([prints[place] for place in known]), np.array([whose[place] for place in known])
        for place, face, number in zip(known, faces, numbers, strict=True):
            (distances,) = cdist(face[None], faces)
            own = distances[numbers == number]
            nearest = distances[numbers != number].min(initial=TWO_AT_ONCE)
            ahead = nearest - own.sum() / max(1, len(own) - 1)
            sure[place] = float(1 / (1 + np.exp(-SURENESS * ahead)))
    return sure


def people(prints: Sequence[np.ndarray | None], spans: Sequence[range]) -> list[int]:
    """The person, from 0 in order of first appearance, that each track shows.

    ``prints`` are the tracks' mean face prints, (128,), ``spans`` the frames that show them. A track without a print is
    a person of its own.
    """
    from scipy.cluster.hierarchy import fcluster, linkage

    known = [place for place, one in enumerate(prints) if one is not None]
    groups = {place: (1, place) for place in range(len(prints))}
    if len(known) > 1:
        apart = _apart(np.stack([prints[place] for place in known]), [spans[place] for place in known])
        labels = fcluster(linkage(apart, "average"), SAME, criterion="distance")
        groups |= {place: (0, int(label)) for place, label in zip(known, labels, strict=True)}
    numbers: dict[tuple[int, int], int] = {}
    return [numbers.setdefault(groups[place], len(numbers)) for place in range(len(prints))]


def _apart(prints: np.ndarray, spans: Sequence[range]) -> np.ndarray:
    """The distance of each two of n faces, (n (n - 1) / 2,) in the order of `pdist`: 16 MB for an hour's 2,000."""
    from scipy.spatial.distance import pdist

    apart, first = pdist(prints), 0
    starts, stops = np.array([[span.start, span.stop] for span in spans]).T
    for place in range(len(spans)):
        later = slice(place + 1, None)
        row = apart[first : first + len(starts[later])]
        row[(starts[place] < stops[later]) & (starts[later] < stops[place])] = TWO_AT_ONCE
        first += len(row)
    return apart
