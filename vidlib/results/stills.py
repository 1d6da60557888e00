"""Small JPEG pictures out of a video, with boxes drawn on them, each within a budget of bytes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vidlib.errors import MediaError
from vidlib.files import atomic_write
from vidlib.media.frames import read_frames, read_stills
from vidlib.plots.pictures import Box, draw_boxes

if TYPE_CHECKING:
    from PIL.Image import Image

QUALITIES = (82, 70, 55, 40, 25)
"""JPEG qualities, tried in this order until a picture keeps within its budget."""

BYTES_PER_PIXEL = 0.2
"""What stills of film and television take at the first quality, at most; noise takes three times that."""

NARROWEST_PX = 96

SOUGHT = 100
"""Frames that are decoded in the time in which one is sought: the last key frame lies up to ten seconds before it."""


@dataclass(frozen=True)
class Still:
    """A picture to make: of which frame (from 0), into which file, how wide, in how many bytes, with which boxes."""

    frame: int
    file: Path
    width: int
    max_bytes: int
    boxes: tuple[Box, ...] = ()


@dataclass(frozen=True)
class Budget:
    """What the stills of one kind may take: bytes all together, and pixels of width each."""

    n_bytes: int
    widest_px: int

    def each(self, n_stills: int, aspect: float) -> tuple[int, int]:
        """Width in pixels and bytes of each of ``n_stills`` pictures of this ``aspect`` (width : height).

        >>> Budget(1_000_000, 320).each(150, 16 / 9), Budget(1_000_000, 320).each(4, 16 / 9)
        ((242, 6666), (320, 250000))
        """
        max_bytes = self.n_bytes // max(1, n_stills)
        width = (max_bytes / BYTES_PER_PIXEL * aspect) ** 0.5
        return int(np.clip(width, NARROWEST_PX, self.widest_px)) // 2 * 2, max_bytes


def make(
    video: Path, size: tuple[int, int], stills: Sequence[Still], at_hand: Mapping[int, Path] | None = None
) -> Iterator[Path]:
    """Write each still of a video of ``size`` (width, height), yielding its file when it is there.

    Of frames that are ``at_hand``, in pictures that are wide enough, it is made from those; of the others, a few in a
    long video are sought, many are taken in one pass. Raises MediaError where the video cannot be decoded, or ends
    before the last of them.
    """
    from PIL import Image

    sought = []
    for still in stills:
        if at_hand is None or still.frame not in at_hand:
            sought.append(still)
            continue
        with Image.open(at_hand[still.frame]) as picture:
            if picture.width >= min(still.width, size[0]):
                yield _write(still, picture, size)
            else:
                sought.append(still)
    if sought:
        yield from _decoded(video, size, sought)


def _decoded(video: Path, size: tuple[int, int], stills: Sequence[Still]) -> Iterator[Path]:
    from PIL import Image

    width = min(size[0], max(still.width for still in stills))
    frames = sorted({still.frame for still in stills})
    pictures = _pictures(video, frames, width, _height(width, size))
    for frame in frames:
        if (pixels := next(pictures, None)) is None:
            raise MediaError(f"{video.name!r} has no frame {frame}")
        picture = Image.fromarray(pixels)
        yield from (_write(still, picture, size) for still in stills if still.frame == frame)


def _pictures(video: Path, frames: Sequence[int], width: int, height: int) -> Iterator[np.ndarray]:
    """These frames (rising), in one pass over the video unless it is quicker to seek them."""
    if frames[-1] < SOUGHT * len(frames):
        return read_frames(video, width, height, only=frames)
    return iter(read_stills(video, frames, width, height))


def _height(width: int, size: tuple[int, int]) -> int:
    return max(1, round(width * size[1] / size[0]))


def _write(still: Still, picture: "Image", size: tuple[int, int]) -> Path:
    width = min(still.width, picture.width)
    picture = picture.resize((width, _height(width, size)), reducing_gap=2)
    draw_boxes(picture, still.boxes, width / size[0])
    with atomic_write(still.file, "wb") as file:
        file.write(_jpeg(picture, still.max_bytes))
    return still.file


def _jpeg(picture: "Image", max_bytes: int) -> bytes:
    """The picture at the best of `QUALITIES` that keeps within ``max_bytes``, or at the last."""
    for quality in QUALITIES:
        buffer = BytesIO()
        picture.save(buffer, "JPEG", quality=quality, optimize=True)
        if buffer.tell() <= max_bytes:
            break
    return buffer.getvalue()
