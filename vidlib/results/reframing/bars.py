"""Black bars: where the picture lies in a frame that is letterboxed or pillarboxed."""

from collections.abc import Sequence

import numpy as np

from vidlib.results.reframing.framing import Area

BLACK = 24
"""Brightest level of a bar, in [0, 255]: black with the noise of JPEG."""

BRIGHT_SHARE = 0.02
"""A line belongs to a bar if at most this share of its pixels is brighter: the rings of JPEG at an edge."""

LEAST_LEVEL = 24
"""Mean level of the lines beside a bar. A picture that begins darker has no bar that can be told from it."""

MOST_SHARE = 0.3
"""A bar is no wider than this share of the frame: 4:3 in 16:9 has 0.125, 9:16 in 16:9 has 0.34 and is left alone."""

LEAST_SHARE = 0.02
"""Narrower bars stay: they are edges of tapes, and a thumbnail is too coarse for them."""


def picture_area(still: np.ndarray, width: int, height: int) -> Area:
    """The picture without black bars in a video of this size, of a ``still`` of it, (h, w, 3) uint8, of any size.

    Bars lie on both sides alike, so the narrower one counts for both. A dark still has no bars.
    """
    level = still.max(axis=2)
    top, left = _bar(level), _bar(level.T)
    scale_y, scale_x = height / level.shape[0], width / level.shape[1]
    y, x = (_even(top * scale_y), _even(left * scale_x))
    return Area(x, y, width - 2 * x, height - 2 * y)


def picture_areas(stills: Sequence[np.ndarray], n_shots: int, width: int, height: int) -> list[Area]:
    """The picture of each shot; the whole frame where there is no still of each."""
    if len(stills) != n_shots:
        return [Area(0, 0, width, height)] * n_shots
    return [picture_area(still, width, height) for still in stills]


def _bar(level: np.ndarray) -> int:
    """Lines of the narrower bar at the beginning and end of the first axis, with one line of the edge; 0 for none."""
    bright = (level > BLACK).mean(axis=1) > BRIGHT_SHARE
    lines = np.flatnonzero(bright)
    if not len(lines):
        return 0
    first, last = int(lines[0]), len(level) - 1 - int(lines[-1])
    bar, n = min(first, last), len(level)
    if not LEAST_SHARE * n <= bar <= MOST_SHARE * n:
        return 0
    edges = level[bar + 1 : bar + 4], level[n - bar - 4 : n - bar - 1]
    return bar + 1 if min(edge.mean() for edge in edges) >= LEAST_LEVEL else 0


def _even(pixels: float) -> int:
    return 2 * -(-int(np.ceil(pixels)) // 2) if pixels else 0
