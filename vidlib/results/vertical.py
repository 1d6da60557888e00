"""Where a window of 9:16 stands in each shot: so that it shows the people, and above all those who speak.

The window never moves. It changes its place at the beginning of a shot, and within a shot only where it pays to show
another speaker (Viterbi's algorithm over the best windows of each person, each pair, and all).
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from vidlib.results.exports.boxes import Box
from vidlib.timeline import FPS, Shot

FACE = "face"

ASPECT = 9 / 16
"""Width of the window by its height, which is that of the video."""

WIDENED = 0.15
"""A face is whole in the window with this share of its width on both sides."""

MOST_REACH = 0.45
"""A face needs no more than this share of the window on both sides of its middle, so that a close-up may move."""

SPEAKING_WEIGHT = 3.0
"""A face that speaks counts this much more than a silent one."""

SILENT_REWARD, CUT_PENALTY = 0.35, 0.3
"""A frame with the speaker whole in the window is worth 1. A silent face is worth this share of it, and one that the
border cuts costs this share; both are multiplied by its height beside the tallest face of the shot."""

SWITCH_COST = 0.75 * float(FPS)
"""A change of the window costs as much as the speaker in view for 0.75 s, so none lasts less than about 1.5 s."""

MOST_PEOPLE = 6
"""People whose windows are compared in a shot."""

LEAST_FRAMES = 10
"""Faces seen more briefly in a shot do not count: they are remains of a dissolve."""


class Window(NamedTuple):
    """The window of one shot: ``keys`` are (frame, centre in pixels from the left), each until the next one.

    A window stands still between two keys. ``why`` it stands there: speaker, faces, object, or middle.
    """

    keys: tuple[tuple[int, int], ...]
    why: str

    @property
    def kind(self) -> str:
        """``static`` for one place, ``switch`` for a change from one speaker to another."""
        return "switch" if len(self.keys) > 1 else "static"


def window_width(width: int, height: int) -> int:
    """The width of a window of `ASPECT` in a video of this size: even, in pixels.

    >>> window_width(1280, 720), window_width(320, 720)
    (404, 320)
    """
    return min(width - width % 2, 2 * round(height * ASPECT / 2))


def windows(shots: Sequence[Shot], boxes: Iterable[Sequence[Box]], width: int, height: int) -> list[Window]:
    """A window for each of ``shots``; ``boxes`` come in any number of groups, in order of frame."""
    by_shot: list[list[Box]] = [[] for _ in shots]
    stops = np.array([shot.span.stop for shot in shots])
    for group in boxes:
        for box, index in zip(group, np.searchsorted(stops, [box.frame for box in group], "right"), strict=True):
            if index < len(shots):
                by_shot[index].append(box)
    return [
        _window(shot, found, width, window_width(width, height)) for shot, found in zip(shots, by_shot, strict=True)
    ]


def _window(shot: Shot, boxes: Sequence[Box], width: int, window: int) -> Window:
    faces = _lasting_faces(boxes)
    if not faces:
        weights = [box.width * box.height * box.confidence for box in boxes]
        centre = _best(boxes, weights, width, window) if boxes else width // 2
        return Window(((shot.span.start, centre),), "object" if boxes else "middle")
    centres = _candidates(faces, width, window)
    rewards = _rewards(faces, centres, shot, window)
    path = _viterbi(rewards)
    changes = [0, *(np.flatnonzero(np.diff(path)) + 1).tolist()]
    keys = tuple((shot.span.start + frame, centres[path[frame]]) for frame in changes)
    return Window(keys, "speaker" if any(box.is_speaking for box in faces) else "faces")


def _lasting_faces(boxes: Sequence[Box]) -> list[Box]:
    faces = [box for box in boxes if box.label == FACE]
    tracks, counts = np.unique([box.track_id for box in faces], return_counts=True)
    lasting = set(tracks[counts >= LEAST_FRAMES].tolist())
    return [box for box in faces if box.track_id in lasting]


def _candidates(faces: Sequence[Box], width: int, window: int) -> list[int]:
    """Centres that suit one person, two, or all: the best window of each; of many people, those seen longest."""
    counts = Counter(box.track_id for box in faces)
    tracks = [track for track, _ in counts.most_common(MOST_PEOPLE)]
    groups = [{track} for track in tracks] + [set(pair) for pair in combinations(tracks, 2)] + [set(counts)]
    centres = []
    for group in groups:
        members = [box for box in faces if box.track_id in group]
        weights = [SPEAKING_WEIGHT if box.is_speaking else 1.0 for box in members]
        centres.append(_best(members, weights, width, window))
    return list(dict.fromkeys(centres))  # that of one person first: it has this person in the middle


def _rewards(faces: Sequence[Box], centres: Sequence[int], shot: Shot, window: int) -> np.ndarray:
    """What each window is worth in each frame of the shot: (frames, candidates)."""
    rewards = np.zeros((len(shot.span), len(centres)))
    first = np.array(centres)[None] - window // 2
    left, right = (edges[:, None] for edges in _needed(faces, window))
    whole = (first <= left) & (right <= first + window)
    cut = ~whole & (left < first + window) & (first < right)
    heights = np.array([box.height for box in faces])[:, None]
    shares = heights / heights.max()
    speaking = np.array([box.is_speaking for box in faces])[:, None]
    values = np.where(whole, np.where(speaking, 1.0, SILENT_REWARD * shares), np.where(cut, -CUT_PENALTY * shares, 0.0))
    np.add.at(rewards, np.array([box.frame for box in faces]) - shot.span.start, values)
    return rewards


def _needed(boxes: Sequence[Box], window: int) -> tuple[np.ndarray, np.ndarray]:
    """From where to where the boxes reach with their margins; of a box as wide as the window, its middle part."""
    middle = np.array([box.x + box.width / 2 for box in boxes])
    reach = np.minimum([(0.5 + WIDENED) * box.width for box in boxes], MOST_REACH * window)
    return middle - reach, middle + reach


def _viterbi(rewards: np.ndarray) -> np.ndarray:
    """The candidate of each frame with the highest sum of rewards, less `SWITCH_COST` for each change."""
    n_frames, n_candidates = rewards.shape
    sources = np.zeros((n_frames, n_candidates), int)
    total = rewards[0].copy()
    for frame in range(1, n_frames):
        best = int(total.argmax())
        stays = total >= total[best] - SWITCH_COST
        sources[frame] = np.where(stays, np.arange(n_candidates), best)
        total = np.where(stays, total, total[best] - SWITCH_COST) + rewards[frame]
    path = np.zeros(n_frames, int)
    path[-1] = int(total.argmax())
    for frame in range(n_frames - 1, 0, -1):
        path[frame - 1] = sources[frame, path[frame]]
    return path


def _best(boxes: Sequence[Box], weights: Sequence[float], width: int, window: int) -> int:
    """The centre of the window that holds the boxes of the most weight, as near to its middle as it can."""
    left, right = _needed(boxes, window)
    last = width - window
    first_place = np.clip(np.ceil(right - window), 0, last).astype(int)
    last_place = np.maximum(np.clip(np.floor(left), 0, last).astype(int), first_place)
    change = np.zeros(last + 2)
    np.add.at(change, first_place, weights)
    np.add.at(change, last_place + 1, -np.array(weights))
    held = np.cumsum(change)[: last + 1]
    best = np.flatnonzero(held >= held.max() - 1e-6)
    run = max(np.split(best, np.flatnonzero(np.diff(best) > 1) + 1), key=len)
    centred = np.average((left + right - window) / 2, weights=weights)
    return int(np.clip(round(centred), run[0], run[-1])) + window // 2
