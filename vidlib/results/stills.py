"""Small JPEG pictures out of a video, with boxes drawn on them, each within a budget of bytes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vidlib import media
from vidlib.errors import MediaError
from vidlib.files import atomic_write

if TYPE_CHECKING:
    from PIL.Image import Image

QUALITIES = (82, 70, 55, 40, 25)
"""JPEG qualities, tried in this order until a picture keeps within its budget."""

BYTES_PER_PIXEL = 0.2
"""What stills of film and television take at the first quality, at most; noise takes three times that."""

NARROWEST_PX = 96
LABEL_SHARE = 1 / 28
"""Height of a label's letters, as a part of the picture's width: legible where three pictures stand in a row."""


@dataclass(frozen=True)
class Box:
    """A rectangle to draw: its corner and size in pixels of the video, what to write at it, and how."""

    left: float
    top: float
    width: float
    height: float
    label: str
    color: str
    bold: bool


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


def make(video: Path, size: tuple[int, int], stills: Sequence[Still]) -> Iterator[Path]:
    """Write each still, yielding its file when it is there; the video of ``size`` (width, height) is decoded once.

    Raises MediaError where the video cannot be decoded, or ends before the last of them.
    """
    from PIL import Image

    if not stills:
        return
    width = min(size[0], max(still.width for still in stills))
    frames = sorted({still.frame for still in stills})
    pictures = media.frames(video, width, _height(width, size), only=frames)
    for frame in frames:
        if (pixels := next(pictures, None)) is None:
            raise MediaError(f"{video.name!r} has no frame {frame}")
        picture = Image.fromarray(pixels)
        yield from (_write(still, picture, size) for still in stills if still.frame == frame)


def _height(width: int, size: tuple[int, int]) -> int:
    return max(1, round(width * size[1] / size[0]))


def _write(still: Still, picture: "Image", size: tuple[int, int]) -> Path:
    width = min(still.width, picture.width)
    picture = picture.resize((width, _height(width, size)), reducing_gap=2)
    _draw(picture, still.boxes, width / size[0])
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


def _draw(picture: "Image", boxes: Sequence[Box], scale: float) -> None:
    """Draw each box with its label on a plate of its colour: above it, or in it where there is no room above."""
    from PIL import ImageDraw, ImageFont

    letters = max(11, round(picture.width * LABEL_SHARE))
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(letters)
    for box in boxes:
        left, top = box.left * scale, box.top * scale
        corners = (left, top, left + box.width * scale, top + box.height * scale)
        draw.rounded_rectangle(corners, radius=4, outline=box.color, width=4 if box.bold else 2)
        width = draw.textlength(box.label, font=font) + 8
        x = max(0, min(left, picture.width - width))
        y = max(0, top - letters - 6)
        draw.rounded_rectangle((x, y, x + width, y + letters + 5), radius=3, fill=box.color)
        draw.text((x + 4, y + 1), box.label, fill=_ink_on(box.color), font=font)


def _ink_on(color: str) -> str:
    """White or black, whichever is read more easily on ``color``; luma as in ITU-R BT.601, 7."""
    from PIL import ImageColor

    red, green, blue = ImageColor.getrgb(color)
    return "black" if 0.299 * red + 0.587 * green + 0.114 * blue > 150 else "white"
