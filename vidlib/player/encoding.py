"""Columns of numbers as the browser reads them, and boxes as small as they get.

A column is the bytes of 32-bit integers, little endian. Boxes are corners in whole pixels, so that each is at most half
a pixel from the table. Neighbouring frames differ little: their differences, in bytes of equal weight, compress to
about a fifth.
"""

import zlib
from collections.abc import Iterable, Mapping

import numpy as np

Columns = dict[str, bytes]
"""Columns of equal length, by name."""

LEVEL = 6
"""Level of zlib: level 9 saves 1 % more and takes five times as long."""

PIXELS = np.iinfo(np.int16)
"""Range of a coordinate in pixels. A box may reach beyond the picture."""


def columns(values: Mapping[str, Iterable[int]]) -> Columns:
    """Encode ``values``, lists or arrays of integers of equal length, as columns."""
    return {name: np.fromiter(numbers, "<i4").tobytes() for name, numbers in values.items()}


def encode_boxes(corners: np.ndarray) -> bytes:
    """Compress ``corners`` (n, 4) in pixels: xmin, ymin, xmax, ymax of n boxes, rows of one track in order of frame.

    The differences from row to row are written column after column in zigzag form: first all low bytes, then all high
    ones.
    """
    pixels = np.clip(np.rint(corners), PIXELS.min, PIXELS.max).astype(np.int16)
    steps = np.diff(pixels.T, prepend=np.zeros((4, 1), np.int16)).ravel()  # wraps round, and back where it is read
    zigzag = ((steps << 1) ^ (steps >> 15)).view(np.uint16)
    return zlib.compress(np.concatenate([zigzag & 0xFF, zigzag >> 8]).astype(np.uint8).tobytes(), LEVEL)
