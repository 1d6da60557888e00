"""A few stills of what is tracked, taken while the video passes: it need not be decoded again to look at them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from vidlib.files import atomic_write
from vidlib.steps.tracking_counts import SeenShot
from vidlib.tracking.watching import Chunk

MOST = 6
WIDTH_PX = 400
JPEG_QUALITY = 90


@dataclass
class Stills:
    """The middle frames of the shots with the longest tracks so far, at most `MOST`, `WIDTH_PX` wide."""

    passed: dict[int, np.ndarray] = field(default_factory=dict)
    """The middles, (height, `WIDTH_PX`, 3) uint8 RGB by number (from 0), of shots of which no track is known yet."""
    kept: dict[int, tuple[int, np.ndarray]] = field(default_factory=dict)
    """By number: frames of the shot's longest track, and the picture."""

    def passing(self, chunks: Iterable[Chunk]) -> Iterator[Chunk]:
        """The same chunks; the middle of each shot is remembered."""
        for chunk in chunks:
            for number, picture in chunk.frames:
                if number == chunk.shot.middle:
                    self.passed[number] = _narrow(picture)
            yield chunk

    def saw(self, seen: SeenShot) -> None:
        """Keep the middle of one more shot, if its longest track is longer than that of another one."""
        number = seen.shot.span.middle
        picture = self.passed.pop(number, None)  # the video may have ended before
        if seen.rows and picture is not None:
            self.kept[number] = max(len(rows.boxes) for rows in seen.rows), picture
        if len(self.kept) > MOST:
            del self.kept[min(self.kept, key=lambda number: self.kept[number][0])]

    def write(self, path: Path) -> dict[str, object]:
        """The fields of `Outputs` about them: one JPEG at ``path`` with all side by side, and their numbers."""
        from PIL import Image

        if not self.kept:
            return {"stills": None, "still_frames": ()}
        numbers = sorted(self.kept)
        side_by_side = np.hstack([self.kept[number][1] for number in numbers])
        with atomic_write(path, "wb") as file:
            Image.fromarray(side_by_side).save(file, "JPEG", quality=JPEG_QUALITY)
        return {"stills": path, "still_frames": tuple(numbers)}


def _narrow(picture: np.ndarray) -> np.ndarray:
    import cv2

    height, width = picture.shape[:2]
    return cv2.resize(picture, (WIDTH_PX, max(1, round(WIDTH_PX * height / width))), interpolation=cv2.INTER_AREA)
