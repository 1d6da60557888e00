"""Key frames: the middle frame of every shot, small, saved while the video is decoded, so that it is decoded once."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from vidlib.tracking.shot_tracker import Chunk

FOLDER = "key_frames"

MAX_WIDTH_PX = 400
JPEG_QUALITY = 90


def save_keyframes(chunks: Iterable[Chunk], folder: Path) -> Iterator[Chunk]:
    """The same chunks; the middle frame of each shot is saved in ``folder`` as a JPEG, at most `MAX_WIDTH_PX` wide."""
    from PIL import Image

    folder.mkdir(exist_ok=True)  # an attempt on a GPU that failed has left some, which are overwritten
    n_saved = 0
    for chunk in chunks:
        for frame, picture in chunk.frames:
            if frame == chunk.shot.middle:
                n_saved += 1
                Image.fromarray(_shrink(picture)).save(folder / f"{n_saved:04}.jpg", quality=JPEG_QUALITY)
        yield chunk


def list_keyframes(folder: Path) -> tuple[Path, ...]:
    """The files that `save_keyframes` wrote, in the order of the shots."""
    return tuple(sorted(folder.iterdir(), key=lambda file: int(file.stem)))


def _shrink(picture: np.ndarray) -> np.ndarray:
    import cv2

    height, width = picture.shape[:2]
    if width <= MAX_WIDTH_PX:
        return picture
    size = (MAX_WIDTH_PX, max(1, round(MAX_WIDTH_PX * height / width)))
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
