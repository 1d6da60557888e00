"""Variants of the identification: what each part is worth, on tracks cut into pieces."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from typing import NamedTuple
from unittest.mock import patch

import numpy as np
from ablation.statistics import Errors
from people.views import View

from vidlib.tracking import identities
from vidlib.tracking.face_views import FULL_SHARPNESS, MIN_QUALITY, FaceView, mean_view, view_quality

DRAWS = 3
"""Each video is cut into pieces this many times, because a single cut may be lucky."""

PIECE_VIEWS = 2, 7
"""Least and greatest number of consecutive views that become one piece, or two: clear and unclear views apart."""

CLEAR = 0.6
"""Quality by detection score and pose from which a view of a piece is clear."""

MIN_SHARE = 0.8
"""Share of the views of a track that must show one person: somebody else who passes a label does not count."""

CHUNK_FRAMES = 20
"""Of a piece, the clearest view in as many frames counts; by landmarks, the first in `LANDMARK_FRAMES`."""

LANDMARK_FRAMES = 15

Piece = Sequence[View]


class Variant(NamedTuple):
    """``quality`` of a view, or None for landmarks that all count the same, and the constants of `identities`."""

    quality: Callable[[View], float] | None
    distance: float = identities.SAME_PERSON_DISTANCE
    unclear_distance: float = identities.UNCLEAR_DISTANCE


def now(view: View) -> float:
    """The quality of the product."""
    return view_quality(view.score, view.sharpness)


def frontal(view: View) -> float:
    """1 for a face that looks into the camera; 0 where the nose is as far from the eyes as these from each other."""
    left_eye, right_eye, nose = view.points[:3]
    eyes = right_eye - left_eye
    return max(0.0, 1 - abs(float((nose - (left_eye + right_eye) / 2) @ eyes)) / max(float(eyes @ eyes), 1e-9))


VARIANTS = {
    "now": Variant(now),
    "before: by landmarks, all views alike, 0.5": Variant(None, 0.5, 0),
    "by points, all views alike, 0.5": Variant(lambda view: 1, 0.5, 0),
    "by points and quality, 0.5": Variant(now, 0.5, 0),
    "no detection score": Variant(lambda view: view_quality(1, view.sharpness)),
    "no sharpness": Variant(lambda view: view_quality(view.score, FULL_SHARPNESS)),
    "quality by pose, too": Variant(lambda view: now(view) * frontal(view)),
    "unclear faces as near as clear ones": Variant(now, unclear_distance=0),
}

DISTANCES = {f"{value:.2f}": Variant(now, value) for value in (0.47, 0.49, 0.51, 0.53, 0.55, 0.57, 0.59)}
"""Candidates for the distance, among which leave-one-out chooses."""


def pieces(views: Iterable[View], draw: int) -> list[Piece]:
    """The views of a video in pieces, each of which stands for a track in a shot of its own."""
    random = np.random.default_rng(draw)
    tracks: dict[tuple[int, int], list[View]] = defaultdict(list)
    for view in views:
        tracks[view.track].append(view)
    cut: list[Piece] = []
    for track in filter(None, map(_of_one_person, tracks.values())):
        while track:
            n = int(random.integers(PIECE_VIEWS[0], PIECE_VIEWS[1] + 1))
            piece, track = track[:n], track[n:]
            is_clear = [view_quality(view.score, FULL_SHARPNESS) * frontal(view) >= CLEAR for view in piece]
            cut.append([view for view, clear in zip(piece, is_clear, strict=True) if clear])
            cut.append([view for view, clear in zip(piece, is_clear, strict=True) if not clear])
    return [piece for piece in cut if piece]


def _of_one_person(track: list[View]) -> list[View]:
    """The views of a track, all of the person whom at least `MIN_SHARE` of them show; none where nobody does."""
    ((person, n_views),) = Counter(view.person for view in track).most_common(1)
    return [view._replace(person=person) for view in track] if n_views >= MIN_SHARE * len(track) else []


def pair_errors(cut: Sequence[Piece], variant: Variant) -> tuple[Errors, int]:
    """Pairs of pieces of one person that are missed, and of two people that are joined, and how many are joined."""
    spans = [range(index, index + 1) for index in range(len(cut))]
    constants = {"SAME_PERSON_DISTANCE": variant.distance, "UNCLEAR_DISTANCE": variant.unclear_distance}
    with patch.multiple(identities, **constants):
        found = identities.identify([_view(piece, variant) for piece in cut], spans)
    same, joined = (
        np.array([one[0] == other[0] for one, other in combinations(people, 2)], bool)
        for people in ([(piece[0].person,) for piece in cut], found)
    )
    errors = Errors((same & ~joined).sum(), (joined & ~same).sum(), 0, same.sum(), 0, 0)
    return errors, int(joined.sum())


def _view(piece: Piece, variant: Variant) -> FaceView | None:
    """What identifies a piece in a variant."""
    if variant.quality is None:
        return mean_view(_by_landmarks(piece))
    clearest: dict[int, FaceView] = {}
    for view in piece:
        chunk, quality = view.frame // CHUNK_FRAMES, variant.quality(view)
        if quality > (clearest[chunk].quality if chunk in clearest else MIN_QUALITY):
            clearest[chunk] = FaceView(view.by_points, quality)
    return mean_view(clearest.values())


def _by_landmarks(piece: Piece) -> list[FaceView]:
    """The views with landmarks, at least `LANDMARK_FRAMES` apart."""
    chosen: list[FaceView] = []
    last = -LANDMARK_FRAMES
    for view in piece:
        if view.by_landmarks is not None and view.frame - last >= LANDMARK_FRAMES:
            chosen, last = [*chosen, FaceView(view.by_landmarks, 1.0)], view.frame
    return chosen
