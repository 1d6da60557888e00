"""Frames of a video as pictures, with labelled boxes, and side by side on a sheet."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd
    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont, ImageFont

LABEL_SHARE = 1 / 28
"""Font size of a label relative to the picture's width; legible with three pictures in a row."""

CAPTION_SHARE = 1 / 90
"""Font size of a caption relative to the sheet's width."""

MIN_FONT_PX = 11
"""Smallest font size in pixels."""

JPEG_QUALITY = 85
"""JPEG quality of a sheet, in [0, 95]: a fifth of the bytes of PNG, without a visible difference."""


@dataclass(frozen=True)
class Box:
    """A rectangle to draw: its position and size in pixels of the video, its label, and its look."""

    left: float
    top: float
    width: float
    height: float
    label: str
    color: str
    bold: bool


@dataclass(frozen=True)
class Cell:
    """A picture on a sheet, (height, width, 3) uint8 RGB, and the caption above it."""

    pixels: NDArray[np.uint8]
    caption: str


@dataclass(frozen=True)
class Sheet:
    """A picture that a notebook displays as the value of a cell."""

    picture: "Image"

    def _repr_jpeg_(self) -> bytes:
        jpeg = BytesIO()
        self.picture.save(jpeg, "JPEG", quality=JPEG_QUALITY)
        return jpeg.getvalue()


@cache
def load_font(px: int) -> "FreeTypeFont | ImageFont":
    """The font of labels and captions, ``px`` pixels high; reading it takes longer than drawing a picture."""
    from PIL import ImageFont

    return ImageFont.load_default(px)


def boxes_of(tracks: "pd.DataFrame", frame: int) -> tuple[Box, ...]:
    """A box for each track in ``frame`` (from 0), in the colour of its speaker; bold while it speaks.

    ``tracks`` is the tracking table (frames from 1).
    """
    rows = tracks[tracks.frame == frame + 1]
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
        for row in rows.itertuples()
    )


def draw_boxes(picture: "Image", boxes: Sequence[Box], scale: float) -> None:
    """Draw each box, with its label on a plate of the same colour above it, or inside it at the picture's top edge.

    ``scale`` is the picture's width divided by the video's width.
    """
    from PIL import ImageDraw

    font_px = max(MIN_FONT_PX, round(picture.width * LABEL_SHARE))
    draw, font = ImageDraw.Draw(picture), load_font(font_px)
    for box in boxes:
        left, top = box.left * scale, box.top * scale
        corners = (left, top, left + box.width * scale, top + box.height * scale)
        draw.rounded_rectangle(corners, radius=4, outline=box.color, width=4 if box.bold else 2)
        width = draw.textlength(box.label, font=font) + 8
        x = max(0, min(left, picture.width - width))
        y = max(0, top - font_px - 6)
        draw.rounded_rectangle((x, y, x + width, y + font_px + 5), radius=3, fill=box.color)
        draw.text((x + 4, y + 1), box.label, fill=_ink_on(box.color), font=font)


def sheet(cells: Sequence[Cell], columns: int, titles: Sequence[str] = ()) -> Sheet:
    """Put pictures of one size into rows of ``columns`` pictures; each row has a title, if there are ``titles``."""
    from PIL import Image, ImageDraw

    from vidlib.plots import style

    height, width = cells[0].pixels.shape[:2]
    gap, n_rows = width // 24, -(-len(cells) // columns)
    sheet_width = columns * (width + gap) - gap
    font_px = max(MIN_FONT_PX, round(sheet_width * CAPTION_SHARE))
    font, line = load_font(font_px), round(1.5 * font_px)
    above = line * (2 if titles else 1)
    row_height = above + height + gap
    picture = Image.new("RGB", (sheet_width, n_rows * row_height - gap), style.PAPER)
    draw = ImageDraw.Draw(picture)
    for row, title in enumerate(titles):
        draw.text((0, row * row_height), title, fill=style.INK, font=font)
    for index, cell in enumerate(cells):
        left, top = index % columns * (width + gap), index // columns * row_height + above
        draw.text((left, top - line), cell.caption, fill=style.INK, font=font)
        picture.paste(Image.fromarray(cell.pixels), (left, top))
    return Sheet(picture)


def _color(speaker: object) -> str:
    from vidlib.plots import style

    return style.speaker_colors([speaker])[speaker] if isinstance(speaker, str) else style.MUTED


def _ink_on(color: str) -> str:
    """White or black, whichever contrasts more with ``color``; luma as in ITU-R BT.601."""
    from PIL import ImageColor

    red, green, blue = ImageColor.getrgb(color)[:3]
    return "black" if 0.299 * red + 0.587 * green + 0.114 * blue > 150 else "white"
