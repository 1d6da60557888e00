"""Boxes in a picture: detections, their overlap, and the square around a box.

A box is ``xmin, ymin, xmax, ymax`` in pixels, x to the right, y down, the maximum not included.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Detections:
    """The detections in one picture.

    ``boxes`` (n, 4) float32 in pixels of that picture, ``scores`` (n,) float32 in [0, 1], ``labels`` n names.
    ``points`` (n, 5, 2) float32, of faces only, are the left and right eye of the picture, the tip of the nose, and the
    left and right corner of the mouth: x and y in its pixels.
    """

    boxes: np.ndarray
    scores: np.ndarray
    labels: tuple[str, ...]
    points: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def __iter__(self) -> Iterator["Detections"]:
        """Each detection by itself."""
        return (self.keep(np.arange(len(self)) == index) for index in range(len(self)))

    def keep(self, mask: np.ndarray) -> "Detections":
        """The detections where ``mask`` (n,) bool is true."""
        labels = tuple(label for label, kept in zip(self.labels, mask, strict=True) if kept)
        points = None if self.points is None else self.points[mask]
        return Detections(self.boxes[mask], self.scores[mask], labels, points)

    def joined(self, others: "Detections") -> "Detections":
        """These detections and, after them, ``others`` of the same picture."""
        boxes, scores = np.concatenate([self.boxes, others.boxes]), np.concatenate([self.scores, others.scores])
        known = [points for points in (self.points, others.points) if points is not None]
        points = np.concatenate(known) if len(known) == 2 else None
        return Detections(boxes, scores, self.labels + others.labels, points)

    def scaled(self, scale: float, corner: np.ndarray, size: tuple[int, int]) -> "Detections":
        """The detections in a picture of ``size``, (width, height), of which this one is a part.

        The part begins at ``corner`` (2,), and is ``scale`` times as large there.
        """
        boxes = (self.boxes * scale + np.tile(corner, 2)).clip(0, size * 2).astype(np.float32)
        points = None if self.points is None else (self.points * scale + corner).astype(np.float32)
        return Detections(boxes, self.scores, self.labels, points)


def overlaps(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Intersection over union of each box of ``a`` (n, 4) with each of ``b`` (m, 4): (n, m) in [0, 1].

    >>> overlaps(np.array([[0, 0, 2, 2]]), np.array([[1, 0, 3, 2], [5, 5, 6, 6]])).round(2)
    array([[0.33, 0.  ]])
    """
    a, b = a[:, None], b[None]
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    intersection = sides.clip(0).prod(-1)
    union = (a[..., 2:] - a[..., :2]).prod(-1) + (b[..., 2:] - b[..., :2]).prod(-1) - intersection
    return intersection / np.maximum(union, 1e-9)


def square_around(picture: np.ndarray, box: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """The square of a picture (height, width, 3) around the centre of ``box`` (4,).

    Its side is ``scale`` times the longer side of the box. Returns the square (side, side, 3), black beyond the edge of
    the picture, and the position of its upper left corner: (2,) x and y.
    """
    side = max(2, round(scale * float(max(box[2:] - box[:2]))))
    left, top = (round(float(centre) - side / 2) for centre in (box[:2] + box[2:]) / 2)
    height, width = picture.shape[:2]
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + side, width), min(top + side, height)
    square = np.zeros((side, side, 3), picture.dtype)
    square[y0 - top : y1 - top, x0 - left : x1 - left] = picture[y0:y1, x0:x1]
    return square, np.array([left, top])


def simplified(points: Sequence[tuple[int, float, float]], tolerance: float) -> list[list[int]]:
    """The fewest of ``points`` of which straight lines stay within ``tolerance`` of all, as whole numbers.

    ``points`` are (frame, x, y), in order. Lines are straight in
    time, as between key frames (Douglas and Peucker's algorithm with that distance).

    >>> simplified([(0, 0, 0), (1, 10, 0), (2, 20, 0), (3, 0, 0)], 1)
    [[0, 0, 0], [2, 20, 0], [3, 0, 0]]
    """
    rows = np.array(points, float)
    kept, waiting = {0, len(rows) - 1}, [(0, len(rows) - 1)]
    while waiting:
        first, last = waiting.pop()
        if last - first < 2:
            continue
        share = (rows[first : last + 1, 0] - rows[first, 0]) / (rows[last, 0] - rows[first, 0])
        line = rows[first, 1:] + share[:, None] * (rows[last, 1:] - rows[first, 1:])
        distance = np.abs(rows[first : last + 1, 1:] - line).max(axis=1)
        if distance.max() > tolerance:
            worst = first + int(distance.argmax())
            kept.add(worst)
            waiting += [(first, worst), (worst, last)]
    return [[round(value) for value in rows[index]] for index in sorted(kept)]
