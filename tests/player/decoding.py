"""Columns and boxes read as the browser reads them."""

import zlib

import numpy as np


def decode(column: bytes) -> np.ndarray:
    """The numbers of one column, (n,) int32."""
    return np.frombuffer(column, "<i4")


def decode_boxes(data: bytes) -> np.ndarray:
    """The corners in whole pixels, (n, 4) int16."""
    low, high = np.frombuffer(zlib.decompress(data), np.uint8).astype(np.uint16).reshape(2, -1)
    zigzag = low | high << 8
    steps = ((zigzag >> 1) ^ -(zigzag & 1)).view(np.int16)
    return np.cumsum(steps.reshape(4, -1), axis=1, dtype=np.int16).T
