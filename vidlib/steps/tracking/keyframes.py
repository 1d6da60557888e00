"""The middle frame of every shot, small, kept while the video passes: whoever shows it need not decode the video."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from vidlib.tracking.shot_tracker import Chunk

WIDEST_PX = 400
JPEG_QUALITY = 90


def kept(chunks: Iterable[Chunk], folder: Path) -> Iterator[Chunk]:
    """The same chunks; the middle of each shot becomes a JPEG in ``folder``, at most `WIDEST_PX` wide (see `files`)."""
    from PIL import Image

    folder.mkdir(exist_ok=True)  # a GPU that gave up has left some, which are written again
    n_kept = 0
    for chunk in chunks:
        for number, picture in chunk.frames:
            if number == chunk.shot.middle:
                n_kept += 1
                Image.fromarray(_small(picture)).save(folder / f"{n_kept:04}.jpg", quality=JPEG_QUALITY)
        yield chunk


def files(folder: Path) -> tuple[Path, ...]:
    """What `kept` wrote, in the order of shots."""
    return tuple(sorted(folder.iterdir(), key=lambda file: int(file.stem)))


def _small(picture: np.ndarray) -> np.ndarray:
    import cv2

    height, width = picture.shape[:2]
    if width <= WIDEST_PX:
        return picture
    return cv2.resize(picture, (WIDEST_PX, max(1, round(WIDEST_PX * height / width))), interpolation=cv2.INTER_AREA)
