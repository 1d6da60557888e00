"""A contact sheet: one picture with the middle frame of each found shot, and why it was found."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vidlib.errors import VidlibError
from vidlib.files import atomic_write
from vidlib.media.frames import read_stills
from vidlib.media.probe import probe_video
from vidlib.plots.pictures import Cell, sheet
from vidlib.results.finding.search import FoundShot
from vidlib.text import one_line

COLUMNS = 4
SIZE = (320, 180)
"""Width and height of each picture, in pixels."""

STRIP_PX = 18
"""Height of the strip below each picture, with the reason."""

CAPTION_CHARACTERS = 38

Picture = NDArray[np.uint8]


def write(path: Path, shots: Sequence[FoundShot], files: Mapping[str, Path]) -> Path:
    """Write the contact sheet of ``shots`` as JPEG or PNG; ``files`` are the delivered videos, by SHA-256.

    A shot whose video is not there, or cannot be decoded, has an empty picture.
    """
    pictures = _pictures(shots, files)
    cells = [Cell(_with_reason(pictures[number], shot), _caption(shot)) for number, shot in enumerate(shots)]
    with atomic_write(path, "wb") as file:
        kind = "PNG" if path.suffix.lower() == ".png" else "JPEG"
        sheet(cells, min(COLUMNS, len(cells))).picture.save(file, kind, quality=85)
    return path


def _caption(shot: FoundShot) -> str:
    return one_line(f"{shot.timecode}  {shot.stem} {shot.number:03}", CAPTION_CHARACTERS)


def _pictures(shots: Sequence[FoundShot], files: Mapping[str, Path]) -> dict[int, Picture]:
    """The middle frame of each shot, read video by video, by its place in ``shots``."""
    places: dict[Path | None, list[int]] = {}
    for number, shot in enumerate(shots):
        places.setdefault(files.get(shot.video_hash), []).append(number)
    pictures: dict[int, Picture] = {}
    for file, numbers in places.items():
        numbers.sort(key=lambda number: shots[number].span.middle)
        frames = _read(file, [shots[number].span.middle for number in numbers])
        pictures.update(zip(numbers, frames, strict=True))
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


def _with_reason(picture: Picture, shot: FoundShot) -> Picture:
    """The picture, with the reason why the shot was found in a strip below."""
    from PIL import Image, ImageDraw, ImageFont

    whole = Image.new("RGB", (SIZE[0], SIZE[1] + STRIP_PX), "white")
    whole.paste(Image.fromarray(picture))
    font = ImageFont.load_default(STRIP_PX * 2 / 3)
    reason = one_line("; ".join(shot.why), 200)
    while reason and font.getlength(reason) > SIZE[0]:
        reason = f"{reason.removesuffix('…')[:-1]}…"
    ImageDraw.Draw(whole).text((0, SIZE[1] + 2), reason, fill="#444444", font=font)
    return np.asarray(whole)
