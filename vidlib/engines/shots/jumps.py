"""What the picture says about a cut at each frame: the second signal, beside the score of the network.

At a cut the picture changes once, and no movement of the camera explains it. The parts that jump are those that move
before and after: a caption stands still. Action goes on to change the picture. Light that is switched changes its
brightness and contrast, but not what it shows.
"""

from array import array
from collections import deque
from collections.abc import Sequence

import numpy as np

from vidlib.media import thumbnails

BLOCKS = (9, 16)
"""Rows and columns of the blocks in which a picture is compared; each has 3 rows of 3 pixels."""

AROUND_FRAMES = 5
"""Changes so far before and after, a fifth of a second, are those around a jump."""

BLENDED_FRAMES = 1
"""Frames on either side that may show both shots, as after a conversion of the frame rate; they are not around."""

MIN_RATIO = 2
"""Ratio of the change of a block that jumps to its largest change around."""

MIN_DIFFERENCE = 2
"""Levels, 0-255, that it exceeds in addition: less is noise."""

LUMA = np.array([2, 5, 1], np.float32) / 8
"""Share of red, green and blue in the brightness of a pixel, near those of ITU-R BT.601."""

CONTRAST, MIN_CONTRAST = 50, 12
"""Standard deviation, in levels, to which a picture is normalized, and the least that is not taken for noise."""

MOST_MOVEMENT, STILL = 6, 0.1
"""Levels of change of a block above which more movement says nothing, and what a block that stands still counts."""

REACH = 3
"""Pixels of a thumbnail, in each direction, by which a camera may move it over two frames."""

FARTHER_FRAMES = (3, 4)
"""Frames before and after, between which movement goes on to change the picture, and a cut has done so already."""

WEIGHTS = {
    "always": -3.1,
    "any block jumps": 4.06,
    "share of blocks that jump": -3.99,
    "share of the movement in them": 4.08,
    "movement near them": 1.85,
    "not explained by the camera": 3.34,
    "change in the upper quarter of blocks": 2.69,
    "change in those that jump": -1.18,
    "goes on": -9.33,
}
"""Weights of `JumpMeter.measures`, which add up to log-odds of a cut. A logistic regression chose them, and that of the
network's score, on films and edits that docs/how-we-measure.md names."""

LEAST, MOST = -1.6, 4.8
"""Limits of the sum. A score of 0.9 is a cut whatever the picture says, and one of 0.001 is none."""


class JumpMeter:
    """Measures the jumps of a video whose frames are added in order; it holds a few of them at a time."""

    def __init__(self) -> None:
        self._pictures: deque[np.ndarray] = deque(maxlen=2 * AROUND_FRAMES + 3)
        self._changes: deque[np.ndarray] = deque(maxlen=2 * AROUND_FRAMES + 1)
        self._measures = array("f")

    def add(self, frame: np.ndarray) -> None:
        """Add the next frame: (height, width, 3) uint8 RGB."""
        picture = _pictures(frame)
        # the first picture stands still before the video, as the last one does after it
        for _ in range(1 if self._pictures else AROUND_FRAMES + 2):
            self._push(picture)

    def measures(self) -> np.ndarray:
        """The measures of `WEIGHTS` for the change across each frame: (n, 9) float32; after the last frame, once."""
        for _ in range(AROUND_FRAMES + 1 if self._pictures else 0):
            self._push(self._pictures[-1])
        return np.array(self._measures, np.float32).reshape(-1, len(WEIGHTS))

    def _push(self, picture: np.ndarray) -> None:
        """Add a picture, and measure the change that now has all of those around."""
        self._pictures.append(picture)
        if len(self._pictures) >= 3:
            self._changes.append(_block_means(np.abs(picture - self._pictures[-3])))
        if len(self._changes) == self._changes.maxlen:
            self._measures.extend(_measures(self._pictures, np.stack(self._changes)))


def log_odds(measures: np.ndarray) -> np.ndarray:
    """What the `JumpMeter.measures` (n, 9) say about a cut at each frame: (n,) float32, from `LEAST` to `MOST`."""
    over_two = np.clip(measures @ np.array([*WEIGHTS.values()], np.float32), LEAST, MOST)
    # a change from the frame before to the one after shows in this one, if it is blended, or in the next
    return np.maximum(over_two, np.concatenate([over_two[:1], over_two[:-1]]))


def _pictures(frame: np.ndarray) -> np.ndarray:
    """The brightness of each pixel of a thumbnail, and the same normalized: (2, 27, 48) float32."""
    luma: np.ndarray = frame.astype(np.float32) @ LUMA
    if luma.shape != thumbnails.SIZE[::-1]:
        import cv2

        luma = cv2.resize(luma, thumbnails.SIZE, interpolation=cv2.INTER_AREA)
    normalized = (luma - luma.mean()) * (CONTRAST / max(float(luma.std()), MIN_CONTRAST))
    return np.stack([luma, normalized])


def _block_means(pictures: np.ndarray) -> np.ndarray:
    """The mean of each block: (2, height, width) -> (2, blocks)."""
    n, height, width = pictures.shape
    rows, columns = BLOCKS
    blocks = pictures.reshape(n, rows, height // rows, columns, width // columns)
    return blocks.mean(axis=(2, 4)).reshape(n, -1)


def _measures(pictures: Sequence[np.ndarray], changes: np.ndarray) -> Sequence[float]:
    """The measures of the change in the middle of ``changes`` (11, 2, blocks), which are those of 13 ``pictures``.

    The first four are 1 and shares in [0, 1], the others natural logarithms: of the movement, in levels; of the part of
    the change that remains when the picture before is moved; of the ratio of the change to the largest one around, in
    two groups of blocks; of the growth of the difference over more frames. Where no block jumps, all but one are 0.
    """
    middle = AROUND_FRAMES
    before = changes[: middle - BLENDED_FRAMES].max(axis=0)
    after = changes[middle + BLENDED_FRAMES + 1 :].max(axis=0)
    change, around = changes[middle], np.maximum(before, after)
    jumps = (change > MIN_RATIO * around + MIN_DIFFERENCE).all(axis=0)
    if not jumps.any():
        return [1.0] + [0.0] * (len(WEIGHTS) - 1)
    # what moves does so on both sides
    movement = np.minimum(np.minimum(before[0], after[0]), MOST_MOVEMENT)
    near = _largest_nearby(movement.reshape(BLOCKS)).ravel()
    strength = np.log((change[0] + 1) / (around[0] + 1))
    brightness, normalized = (float(mean) for mean in change.mean(axis=1))
    return [
        1.0,
        1.0,
        float(jumps.mean()),
        float(movement[jumps].sum() / (movement + STILL).sum()),
        min(float(np.log(near[jumps].mean() + STILL)), 1.0),
        float(np.log((_unexplained(pictures[middle][0], pictures[middle + 2][0]) + 0.5) / (brightness + 0.5))),
        float(np.percentile(strength, 75)),
        float(strength[jumps].mean()),
        max(float(np.log((_lasting_difference(pictures) + 1) / (normalized + 1))), 0.0),
    ]


def _largest_nearby(blocks: np.ndarray) -> np.ndarray:
    """The largest of each block and its eight neighbours, (rows, columns)."""
    wide = np.pad(blocks, 1)
    return np.lib.stride_tricks.sliding_window_view(wide, (3, 3)).max(axis=(2, 3))


def _unexplained(before: np.ndarray, after: np.ndarray) -> float:
    """The least mean difference of two pictures (height, width), with the first one moved by up to `REACH`."""
    height, width = after.shape
    wide = np.pad(before, REACH, mode="edge")
    places = range(2 * REACH + 1)
    return min(float(np.abs(after - wide[y : y + height, x : x + width]).mean()) for y in places for x in places)


def _lasting_difference(pictures: Sequence[np.ndarray]) -> float:
    """The least mean difference of the normalized pictures `FARTHER_FRAMES` before and after the middle one."""
    middle = AROUND_FRAMES + 1
    return min(float(np.abs(pictures[middle + n][1] - pictures[middle - n][1]).mean()) for n in FARTHER_FRAMES)
