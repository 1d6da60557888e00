"""Views of a face: which frames of a track tell who it is, and how much."""

from collections.abc import Collection
from typing import NamedTuple

import numpy as np

SCORE_RANGE = 0.5, 0.85
"""Detection scores up to which a view tells nothing, and from which on it is clear. On natural clips, two thirds of the
views below 0.7 were nearer to somebody else than to the same person, and one in 50 of those above 0.8."""

SHARPNESS_SIDE = 96
"""Side in pixels to which a face is scaled before its sharpness is measured: a small face becomes a blurred one."""

FULL_SHARPNESS = 8.0
"""Standard deviation of the Laplacian of a sharp face, in grey values. Well lit faces of 150 pixels have 8 to 15,
blurred, dark or small ones 1 to 5."""

MIN_QUALITY = 0.1
"""A view of less quality is none: a dark smudge resembles everybody."""


class FaceView(NamedTuple):
    """A face in one frame, or the mean of a track: its ``embedding`` (128,), and its ``quality`` in (0, 1]."""

    embedding: np.ndarray
    quality: float


def view_quality(score: float, sharpness: float) -> float:
    """How much a view tells about who it is, in [0, 1], by the detection score and the `sharpness`.

    The score also falls where a face turns away: its pose adds nothing (docs/how-we-measure.md).
    """
    low, high = SCORE_RANGE
    return float(np.clip((score - low) / (high - low), 0, 1) * min(1, sharpness / FULL_SHARPNESS))


def sharpness(picture: np.ndarray, box: np.ndarray) -> float:
    """The standard deviation of the Laplacian of a face, in grey values: its ``box`` (4,) in the picture."""
    import cv2

    xmin, ymin, xmax, ymax = (int(edge) for edge in box)
    face = picture[ymin : max(ymax, ymin + 1), xmin : max(xmax, xmin + 1)]
    if not face.size:
        return 0.0
    grey = cv2.cvtColor(cv2.resize(face, (SHARPNESS_SIDE, SHARPNESS_SIDE)), cv2.COLOR_RGB2GRAY)
    return float(cv2.Laplacian(grey, cv2.CV_32F).std())


def mean_view(views: Collection[FaceView]) -> FaceView | None:
    """The mean of the views of a track by their quality, with the quality of the clearest; None without a view."""
    if not views:
        return None
    embeddings, qualities = zip(*views, strict=True)
    return FaceView(np.average(embeddings, axis=0, weights=qualities), max(qualities))
