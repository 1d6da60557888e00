"""How much of the picture jumps at each frame: the second signal of a cut, beside the score of the network.

At a cut the picture changes once, for good, and almost everywhere. A flash changes it twice, action in most frames, a
caption in one part. Light that is switched changes its brightness and contrast, but not what it shows.
"""

from array import array
from collections import deque

import numpy as np

BLOCKS = (3, 8)
"""Rows and columns of the blocks in which a picture is compared; of thumbnails, each has 9 rows of 6 pixels."""

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


class JumpMeter:
    """Measures the jumps of a video whose frames are added in order; it holds a few of them at a time."""

    def __init__(self) -> None:
        self._pictures: deque[np.ndarray] = deque(maxlen=2)
        self._changes: deque[np.ndarray] = deque(maxlen=2 * AROUND_FRAMES + 1)
        self._shares = array("f")
        self._n_frames = 0

    def add(self, frame: np.ndarray) -> None:
        """Add the next frame: (height, width, 3) uint8 RGB, of a size that `BLOCKS` divide."""
        self._n_frames += 1
        pictures = _pictures(frame)
        if len(self._pictures) == self._pictures.maxlen:
            self._push(_block_means(np.abs(pictures - self._pictures[0])))
        self._pictures.append(pictures)

    def shares(self) -> np.ndarray:
        """The share of the picture that jumps at each frame, (n,) float32 in [0, 1]; after the last frame, once."""
        for _ in range(AROUND_FRAMES):
            self._push(np.zeros((2, BLOCKS[0] * BLOCKS[1]), np.float32))
        # a change from the frame before to the one after shows in this one, if it is blended, or in the next
        over_two = np.array([0, 0, *self._shares, 0], np.float32)
        return np.maximum(over_two[1:], over_two[:-1])[: self._n_frames]

    def _push(self, change: np.ndarray) -> None:
        """Add a change over two frames, and measure the one that now has all of those around."""
        while len(self._changes) < AROUND_FRAMES:
            self._changes.append(np.zeros_like(change))
        self._changes.append(change)
        if len(self._changes) == self._changes.maxlen:
            self._shares.append(_share(np.stack(self._changes)))


def _pictures(frame: np.ndarray) -> np.ndarray:
    """The brightness of each pixel, and the same normalized: (2, height, width) float32."""
    luma = frame.astype(np.float32) @ LUMA
    normalized = (luma - luma.mean()) * (CONTRAST / max(float(luma.std()), MIN_CONTRAST))
    return np.stack([luma, normalized])


def _block_means(pictures: np.ndarray) -> np.ndarray:
    """The mean of each block: (2, height, width) -> (2, blocks)."""
    n, height, width = pictures.shape
    rows, columns = BLOCKS
    blocks = pictures.reshape(n, rows, height // rows, columns, width // columns)
    return blocks.mean(axis=(2, 4)).reshape(n, -1)


def _share(changes: np.ndarray) -> float:
    """The share of blocks that jump in the middle of these ``changes``, (2 * AROUND_FRAMES + 1, 2, blocks)."""
    middle = AROUND_FRAMES
    before, after = changes[: middle - BLENDED_FRAMES], changes[middle + BLENDED_FRAMES + 1 :]
    around = np.maximum(before.max(axis=0), after.max(axis=0))
    jumps = changes[middle] > MIN_RATIO * around + MIN_DIFFERENCE
    return float(jumps.mean(axis=1).min())
