"""Stills of a video as small JPEG files with boxes drawn on them, each within a budget of bytes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vidlib.errors import MediaError
from vidlib.files import atomic_write
from vidlib.media.frames import Frame, read_frames, read_stills
from vidlib.plots.pictures import Box, draw_boxes

if TYPE_CHECKING:
    from PIL.Image import Image

QUALITIES = (82, 70, 55, 40, 25)
"""JPEG qualities, tried in this order until a still fits its budget."""

BYTES_PER_PIXEL = 0.2
"""Most bytes per pixel of film and television at the first quality; noise needs three times as many."""

NARROWEST_PX = 96

FRAMES_PER_SEEK = 100
"""Frames that can be decoded in the time of one seek, because the last key frame is up to ten seconds earlier."""


@dataclass(frozen=True)
class Still:
    """A still to make: its frame (from 0), its file, its width in pixels, its largest size in bytes, its boxes.

    ``square`` (left, top, side), in pixels of the video, is the part that it shows; None is the whole picture.
    """

    frame: int
    file: Path
    width: int
    max_bytes: int
    boxes: tuple[Box, ...] = ()
    square: tuple[float, float, float] | None = None

    def decoded_px(self, video_width: int) -> int:
        """The width in which the picture must be decoded, so that the still has its own width."""
        return round(self.width * video_width / max(1.0, self.square[2])) if self.square else self.width


@dataclass(frozen=True)
class Budget:
    """Limits for the stills of one kind: bytes of all together, width in pixels of each."""

    n_bytes: int
    widest_px: int

    def each(self, n_stills: int, aspect: float) -> tuple[int, int]:
        """Width in pixels and bytes of each of ``n_stills`` stills with this ``aspect`` (width / height).

        >>> Budget(1_000_000, 320).each(150, 16 / 9), Budget(1_000_000, 320).each(4, 16 / 9)
        ((242, 6666), (320, 250000))
        """
        max_bytes = self.n_bytes // max(1, n_stills)
        width = (max_bytes / BYTES_PER_PIXEL * aspect) ** 0.5
        return int(np.clip(width, NARROWEST_PX, self.widest_px)) // 2 * 2, max_bytes


def make(
    video: Path, size: tuple[int, int], stills: Sequence[Still], at_hand: Mapping[int, Path] | None = None
) -> Iterator[Path]:
    """Write each still of a video of ``size`` (width, height), and yield its file.

    ``at_hand`` maps frames to existing pictures, which are used if they are wide enough. Of the other frames, a few in
    a long video are sought, many are decoded in one pass. Raises MediaError where the video cannot be decoded, or has
    no such frame.
    """
    from PIL import Image

    missing = []
    for still in stills:
        if at_hand is None or still.frame not in at_hand or still.square:
            missing.append(still)
            continue
        with Image.open(at_hand[still.frame]) as picture:
            if picture.width >= min(still.width, size[0]):
                yield _write(still, picture, size)
            else:
                missing.append(still)
    if missing:
        yield from _decoded(video, size, missing)


def _decoded(video: Path, size: tuple[int, int], stills: Sequence[Still]) -> Iterator[Path]:
    from PIL import Image

    width = min(size[0], max(still.decoded_px(size[0]) for still in stills))
    frames = sorted({still.frame for still in stills})
    pictures = _pictures(video, frames, width, _height(width, size))
    for frame in frames:
        if (pixels := next(pictures, None)) is None:
            raise MediaError(f"{video.name!r} has no frame {frame}")
        picture = Image.fromarray(pixels)
        yield from (_write(still, picture, size) for still in stills if still.frame == frame)


def _pictures(video: Path, frames: Sequence[int], width: int, height: int) -> Iterator[Frame]:
    """Read these frames (rising) in one pass over the video, or by seeking where that is faster."""
    if frames[-1] < FRAMES_PER_SEEK * len(frames):
        return read_frames(video, width, height, only=frames)
    return iter(read_stills(video, frames, width, height))


def _height(width: int, size: tuple[int, int]) -> int:
    return max(1, round(width * size[1] / size[0]))


def _write(still: Still, picture: "Image", size: tuple[int, int]) -> Path:
    if still.square:
        picture = _cut(picture, still.square, picture.width / size[0])
        width, height = min(still.width, picture.width), min(still.width, picture.height)
    else:
        width = min(still.width, picture.width)
        height = _height(width, size)
    picture = picture.resize((width, height), reducing_gap=2)
    draw_boxes(picture, still.boxes, width / size[0])
    with atomic_write(still.file, "wb") as file:
        file.write(_jpeg(picture, still.max_bytes))
    return still.file


def _cut(picture: "Image", square: tuple[float, float, float], scale: float) -> "Image":
    """The square part of ``picture``, moved and shrunk until it lies inside."""
    left, top, side = (value * scale for value in square)
    side = max(1, min(round(side), picture.width, picture.height))
    x, y = (max(0, min(round(at), room - side)) for at, room in ((left, picture.width), (top, picture.height)))
    return picture.crop((x, y, x + side, y + side))


def _jpeg(picture: "Image", max_bytes: int) -> bytes:
    """Encode the picture at the first of `QUALITIES` that fits ``max_bytes``, or at the last."""
    for quality in QUALITIES:
        buffer = BytesIO()
        picture.save(buffer, "JPEG", quality=quality, optimize=True)
        if buffer.tell() <= max_bytes:
            break
    return buffer.getvalue()
