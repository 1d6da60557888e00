"""A contact sheet: one picture with a frame of each of some shots, and a line about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vidlib.errors import VidlibError
from vidlib.files import atomic_write
from vidlib.media.frames import read_stills
from vidlib.media.probe import probe_video
from vidlib.plots.pictures import Cell, load_font, sheet
from vidlib.text import one_line

COLUMNS = 4
SIZE = (320, 180)
"""Width and height of each picture, in pixels."""

STRIP_PX = 18
"""Height of the strip below each picture, with the line about it."""

CAPTION_CHARACTERS = 38

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Still:
    """A ``frame`` of the delivered video ``file``, the caption above it, and a line below it."""

    file: Path | None
    frame: int
    caption: str
    line: str = ""


def write(path: Path, stills: Sequence[Still]) -> Path:
    """Write the contact sheet of ``stills`` as JPEG or PNG.

    A still whose video is not there, or cannot be decoded, has an empty picture.
    """
    pictures = _pictures(stills)
    cells = [
        Cell(_with_line(pictures[number], still.line), one_line(still.caption, CAPTION_CHARACTERS))
        for number, still in enumerate(stills)
    ]
    with atomic_write(path, "wb") as file:
        kind = "PNG" if path.suffix.lower() == ".png" else "JPEG"
        sheet(cells, min(COLUMNS, len(cells))).picture.save(file, kind, quality=85)
    return path


def _pictures(stills: Sequence[Still]) -> dict[int, Picture]:
    """The pictures, read video by video, by their place in ``stills``."""
    places: dict[Path | None, list[int]] = {}
    for number, still in enumerate(stills):
        places.setdefault(still.file, []).append(number)
    pictures: dict[int, Picture] = {}
    for file, numbers in places.items():
        numbers.sort(key=lambda number: stills[number].frame)
        pictures.update(zip(numbers, _read(file, [stills[number].frame for number in numbers]), strict=True))
    return pictures


def _read(file: Path | None, frames: Sequence[int]) -> list[Picture]:
    if file is None:
        return [_canvas()] * len(frames)
    try:
        width, height = probe_video(file).display_size
        scale = min(SIZE[0] / width, SIZE[1] / height)
        size = max(2, round(width * scale)), max(2, round(height * scale))
        return [_centred(picture) for picture in read_stills(file, frames, *size)]
    except (VidlibError, OSError):
        return [_canvas()] * len(frames)


def _canvas() -> Picture:
    return np.full((SIZE[1], SIZE[0], 3), 96, np.uint8)


def _centred(picture: Picture) -> Picture:
    canvas = np.zeros_like(_canvas())
    height, width = picture.shape[:2]
    top, left = (SIZE[1] - height) // 2, (SIZE[0] - width) // 2
    canvas[top : top + height, left : left + width] = picture
    return canvas


def _with_line(picture: Picture, line: str) -> Picture:
    """The picture, with ``line`` in a strip below."""
    from PIL import Image, ImageDraw

    whole = Image.new("RGB", (SIZE[0], SIZE[1] + STRIP_PX), "white")
    whole.paste(Image.fromarray(picture))
    font = load_font(STRIP_PX * 2 // 3)
    text = one_line(line, 200)
    while text and font.getlength(text) > SIZE[0]:
        text = f"{text.removesuffix('…')[:-1]}…"
    ImageDraw.Draw(whole).text((0, SIZE[1] + 2), text, fill="#444444", font=font)
    return np.asarray(whole)
