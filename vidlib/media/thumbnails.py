"""Every frame of a video in few pixels: who looks for cuts needs no more, and need not decode the video for it.

They lie in one file, 350 MB for an hour, one after the other: RGB, uint8, nothing else.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from vidlib.media import probe

SIZE = (48, 27)
"""Width and height in pixels, as TransNetV2 was trained with (Souček and Lokoč, 2020)."""

FRAME_BYTES = 3 * SIZE[0] * SIZE[1]


def output(stream: int, target: Path) -> list[str]:
    """What has ffmpeg write them to ``target`` while it decodes that ``stream`` of its input for something else."""
    return ["-map", f"0:{stream}", *probe.scaled(*SIZE), "-f", "rawvideo", "-pix_fmt", "rgb24", f"file:{target}"]


def read(path: Path) -> Iterator[np.ndarray]:
    """One after the other, (27, 48, 3) uint8 RGB each: what `vidlib.media.probe.frames` gives for `SIZE`."""
    with path.open("rb") as file:
        while (frame := probe.next_frame(file, *SIZE)) is not None:
            yield frame
