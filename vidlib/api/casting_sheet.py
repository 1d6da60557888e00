"""The faces of suggestions side by side, for the person who confirms them."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np

from vidlib.cast.collecting import PICTURE_PX
from vidlib.cast.store import Store
from vidlib.cast.suggestions import Suggestion
from vidlib.errors import UsageError
from vidlib.files import atomic_write
from vidlib.plots.pictures import Cell, sheet

COLUMNS = 4
"""Pictures in a row: the one in question, and the newest ones of the person."""


def check(path: Path) -> None:
    """Raise UsageError for a file that is no JPEG or PNG."""
    if path.suffix.lower() not in (".jpg", ".jpeg", ".png"):
        raise UsageError(f"{str(path)!r} has the suffix {path.suffix!r}; expected .jpg or .png")


def write(path: Path, opened: Store, suggestions: Sequence[Suggestion]) -> Path:
    """Write a row for each suggestion: the face in question, and up to three faces of the person."""
    cast, known = opened.cast(), opened.appearances()
    cells, titles = list[Cell](), list[str]()
    for one in suggestions:
        name = cast.name(one.person) or "no name"
        titles.append(f"A{one.appearance} may be P{one.person}, {name}: distance {one.distance:.2f}")
        shown = [one.appearance, *cast.shown(f"P{one.person}")[-COLUMNS + 1 :]]
        row = [Cell(_picture(opened, number), f"A{number} {known[number].name}"[:24]) for number in shown]
        cells += [*row, *[Cell(_blank(), "")] * (COLUMNS - len(row))]
    with atomic_write(path, "wb", private=True) as file:
        sheet(cells, COLUMNS, titles).picture.save(file, "PNG" if path.suffix.lower() == ".png" else "JPEG", quality=85)
    return path


def _picture(opened: Store, appearance: int) -> np.ndarray:
    from PIL import Image, ImageOps

    with Image.open(BytesIO(opened.picture(appearance))) as face:
        return np.asarray(ImageOps.pad(face.convert("RGB"), (PICTURE_PX, PICTURE_PX)))


def _blank() -> np.ndarray:
    return np.full((PICTURE_PX, PICTURE_PX, 3), 255, np.uint8)
