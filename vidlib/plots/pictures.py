"""Pictures of a video: boxes with labels drawn on them, and many side by side on one sheet."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from PIL.Image import Image

LABEL_SHARE = 1 / 28
"""Height of a label's letters, as a part of the picture's width: legible where three pictures stand in a row."""

CAPTION_SHARE = 1 / 90
"""Height of a caption's letters, as a part of the sheet's width."""

SMALLEST = 11
"""Height of the smallest letters, in pixels."""

JPEG_QUALITY = 85
"""Of a sheet, 0 to 95: a fifth of the bytes that PNG takes, and no difference to be seen."""


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
class Cell:
    """A picture on a sheet, (height, width, 3) uint8 RGB, and what is written above it."""

    pixels: np.ndarray
    caption: str


@dataclass(frozen=True)
class Sheet:
    """A picture that a notebook shows where it is the value of a cell."""

    picture: "Image"

    def _repr_jpeg_(self) -> bytes:
        jpeg = BytesIO()
        self.picture.save(jpeg, "JPEG", quality=JPEG_QUALITY)
        return jpeg.getvalue()


def boxes_of(tracks: "pd.DataFrame", frame: int) -> tuple[Box, ...]:
    """A box for each track in ``frame`` (from 0), in the colour of its voice; bold where it speaks.

    ``tracks`` is the tracking table (frames from 1).
    """
    here = tracks[tracks.frame == frame + 1]
    return tuple(
        Box(
            row.bbox_xmin,
            row.bbox_ymin,
            row.bbox_width,
            row.bbox_height,
            label=f"{row.track_id}  {row.speaker if isinstance(row.speaker, str) else row.label}",
            color=_color(row.speaker),
            bold=bool(row.is_speaking),
        )
        for row in here.itertuples()
    )


def draw_boxes(picture: "Image", boxes: Sequence[Box], scale: float) -> None:
    """Draw each box with its label on a plate of its colour: above it, or in it where there is no room above.

    ``scale`` is the picture's width as a part of the video's.
    """
    from PIL import ImageDraw, ImageFont

    letters = max(SMALLEST, round(picture.width * LABEL_SHARE))
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


def sheet(cells: Sequence[Cell], columns: int, titles: Sequence[str] = ()) -> Sheet:
    """Pictures, all of one size, in rows of so many ``columns``; each row under its title, if there are any."""
    from PIL import Image, ImageDraw, ImageFont

    from vidlib.plots import style

    height, width = cells[0].pixels.shape[:2]
    gap, n_rows = width // 24, -(-len(cells) // columns)
    sheet_width = columns * (width + gap) - gap
    letters = max(SMALLEST, round(sheet_width * CAPTION_SHARE))
    font, line = ImageFont.load_default(letters), round(1.5 * letters)
    above = line * (2 if titles else 1)
    row_height = above + height + gap
    picture = Image.new("RGB", (sheet_width, n_rows * row_height - gap), style.PAPER)
    draw = ImageDraw.Draw(picture)
    for row, title in enumerate(titles):
        draw.text((0, row * row_height), title, fill=style.INK, font=font)
    for place, cell in enumerate(cells):
        left, top = place % columns * (width + gap), place // columns * row_height + above
        draw.text((left, top - line), cell.caption, fill=style.INK, font=font)
        picture.paste(Image.fromarray(cell.pixels), (left, top))
    return Sheet(picture)


def _color(speaker: object) -> str:
    from vidlib.plots import style

    return style.speaker_colors([speaker])[speaker] if isinstance(speaker, str) else style.MUTED


def _ink_on(color: str) -> str:
    """White or black, whichever is read more easily on ``color``; luma as in ITU-R BT.601, 7."""
    from PIL import ImageColor

    red, green, blue = ImageColor.getrgb(color)
    return "black" if 0.299 * red + 0.587 * green + 0.114 * blue > 150 else "white"
