"""Where a window of 9:16 stands in each shot: so that it shows the people, and above all those who speak."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from vidlib.results.exports.boxes import Box
from vidlib.timeline import Shot

FACE = "face"

ASPECT = 9 / 16
"""Width of the window by its height, which is that of the video."""

WIDENED = 0.15
"""A face is whole in the window with this share of its width on both sides."""

SPEAKING_WEIGHT = 3.0
"""A face that speaks counts this much more than a silent one."""

LEAST_FRAMES = 10
"""Faces seen more briefly in a shot do not count: they are remains of a dissolve."""


class Window(NamedTuple):
    """The window of one shot: its centre in pixels from the left, and why it stands there."""

    centre: int
    why: str


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
    return [_window(found, width, window_width(width, height)) for found in by_shot]


def _window(boxes: Sequence[Box], width: int, window: int) -> Window:
    tracks, counts = np.unique([box.track_id for box in boxes if box.label == FACE], return_counts=True)
    lasting = set(tracks[counts >= LEAST_FRAMES].tolist())
    faces = [box for box in boxes if box.label == FACE and box.track_id in lasting]
    if faces:
        weights = [SPEAKING_WEIGHT if box.is_speaking else 1.0 for box in faces]
        why = "speaker" if any(box.is_speaking for box in faces) else "faces"
        return Window(_best(faces, weights, width, window), why)
    if boxes:
        return Window(_best(boxes, [box.width * box.height * box.confidence for box in boxes], width, window), "object")
    return Window(width // 2, "middle")


def _best(boxes: Sequence[Box], weights: Sequence[float], width: int, window: int) -> int:
    """The centre of the window that holds the boxes of the most weight: the middle of the best places.

    A box that is wider than the window is held where the window is in its middle.
    """
    left = np.array([box.x - WIDENED * box.width for box in boxes])
    right = np.array([box.x + (1 + WIDENED) * box.width for box in boxes])
    last = width - window
    first_place = np.ceil(right - window)
    last_place = np.floor(left)
    middle = np.round((left + right - window) / 2)
    too_wide = first_place > last_place
    first_place, last_place = np.where(too_wide, middle, first_place), np.where(too_wide, middle, last_place)
    first_place, last_place = (np.clip(place, 0, last).astype(int) for place in (first_place, last_place))
    change = np.zeros(last + 2)
    np.add.at(change, first_place, weights)
    np.add.at(change, last_place + 1, -np.array(weights))
    held = np.cumsum(change)[: last + 1]
    best = np.flatnonzero(held >= held.max() - 1e-6)
    run = max(np.split(best, np.flatnonzero(np.diff(best) > 1) + 1), key=len)
    return int(run[len(run) // 2]) + window // 2
