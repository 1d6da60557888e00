"""The way of a window that follows a person: as steady as possible, never faster than a limit, and eased.

The sum of the first three differences of the way is least (Grundmann, Kwatra and Essa: Auto-directed video
stabilization with robust L1 optimal camera paths, 2011), so that the window stands, moves evenly, or eases in between.
"""

import numpy as np

from vidlib.results.reframing.windows import Boxes
from vidlib.timeline import FPS

MAX_SPEED = 0.18 / float(FPS)
"""Most of the picture's width in a frame: 20 % a second, less what rounding to whole pixels may add."""

KNOT_FRAMES = 5
"""Frames from one knot of the way to the next, at least."""

MAX_KNOTS = 1500
"""Knots of a way: five minutes. Longer shots have them further apart."""

SPEED_WEIGHT, CHANGE_WEIGHT, EASE_WEIGHT = 10.0, 1.0, 100.0
"""Weights of the three differences, as the paper has them."""

MISS_WEIGHT = 1000.0
"""Weight of a pixel that the followed face lacks: more than any difference, so that it is whole where it can be."""


def way(face: Boxes, n_frames: int, window: int, first: int, last: int, width: int) -> np.ndarray:
    """The left edge of a window that follows ``face``, in each frame of a shot: (n_frames,) float.

    It moves in straight lines between knots, and lies in [``first``, ``last``]. ``width`` is that of the picture, in
    pixels.
    """
    step = max(KNOT_FRAMES, -(-n_frames // MAX_KNOTS))
    knots = np.unique(np.append(np.arange(0, n_frames, step), n_frames - 1))
    lowest, highest = _limits(face, knots, step, window, first, last)
    return np.interp(np.arange(n_frames), knots, _steadiest(lowest, highest, MAX_SPEED * width * np.diff(knots)))


def _limits(
    face: Boxes, knots: np.ndarray, step: int, window: int, first: int, last: int
) -> tuple[np.ndarray, np.ndarray]:
    """The lowest and highest start of the window at each knot that show the face in the frames around it."""
    lowest, highest = np.full(len(knots), float(first)), np.full(len(knots), float(last))
    left, right = face.needed(window)
    place = np.clip(np.rint(face.frame / step).astype(int), 0, len(knots) - 1)
    np.maximum.at(lowest, place, np.clip(right - window, first, last))
    np.minimum.at(highest, place, np.clip(left, first, last))
    return lowest, highest


def _steadiest(lowest: np.ndarray, highest: np.ndarray, fastest: np.ndarray) -> np.ndarray:
    """Values between ``lowest`` and ``highest`` (n,) where they can be, with steps of at most ``fastest`` (n - 1,)."""
    from scipy.optimize import linprog
    from scipy.sparse import block_array, eye_array

    n = len(lowest)
    if n < 4:  # too short for three differences: it stands
        return np.full(n, float(np.median((lowest + highest) / 2)))
    differences = [eye_array(n)]
    for length in (n - 1, n - 2, n - 3):
        differences.append((eye_array(length, length + 1, k=1) - eye_array(length, length + 1)) @ differences[-1])
    none = [None] * 4
    rows = []
    for index, matrix in enumerate(differences):  # |difference| <= its variable; the way itself may miss its limits
        slack = -eye_array(matrix.shape[0])
        for sign in (1, -1):
            rows.append([sign * matrix, *none[:index], slack, *none[index + 1 :]])
    limits = np.concatenate([highest, -lowest, np.zeros(2 * sum(m.shape[0] for m in differences[1:]))])
    weights = (0.0, MISS_WEIGHT, SPEED_WEIGHT, CHANGE_WEIGHT, EASE_WEIGHT)
    costs = np.concatenate([np.full(size, w) for size, w in zip((n, n, n - 1, n - 2, n - 3), weights, strict=True)])
    bounds = [(lowest.min(), highest.max())] * n + [(0, None)] * n + [(0, most) for most in fastest]
    bounds += [(0, None)] * (2 * n - 5)
    found = linprog(costs, A_ub=block_array(rows, format="csr"), b_ub=limits, bounds=bounds, method="highs-ds")
    return np.asarray(found.x[:n])
