"""Camera effects in a shot: movement and light of the whole picture that are no boundary."""

from dataclasses import dataclass
from random import Random

import numpy as np

from .material import Panel

SHAKE_PX = 14
"""Largest jump of a shaking camera in each direction, in pixels per frame."""

PAN_PX, PAN_FRAMES = 240, 10
"""A whip pan: 24 pixels per frame."""

ZOOM, ZOOM_FRAMES = 1.35, 8
"""A crash zoom to 1.35 times the size, in a third of a second."""

FLASH_FRAMES = 2
WHITE = 0.93
"""Share of white in the frames of a flash."""


@dataclass(frozen=True)
class View:
    """Maps a point of the scene to ``scale * x + dx``, ``scale * y + dy``; ``white``, 0 to 1, is blended in."""

    scale: float = 1.0
    dx: float = 0.0
    dy: float = 0.0
    white: float = 0.0

    def of(self, panel: Panel, size: tuple[int, int]) -> Panel:
        """The part of the picture, of ``size`` (width, height), that shows ``panel``."""
        left, top, width, height = panel
        x0, y0 = self.scale * left + self.dx, self.scale * top + self.dy
        x1, y1 = x0 + self.scale * width, y0 + self.scale * height
        x0, y0, x1, y1 = max(0, round(x0)), max(0, round(y0)), min(size[0], round(x1)), min(size[1], round(y1))
        return x0, y0, x1 - x0, y1 - y0

    def take(self, scene: np.ndarray) -> np.ndarray:
        """The picture of a ``scene``, both (height, width, 3) uint8; the scene is mirrored at its edges."""
        import cv2

        if (self.scale, self.dx, self.dy) != (1.0, 0.0, 0.0):
            height, width = scene.shape[:2]
            matrix = np.array([[self.scale, 0, self.dx], [0, self.scale, self.dy]], np.float32)
            scene = cv2.warpAffine(scene, matrix, (width, height), borderMode=cv2.BORDER_REFLECT_101)
        if self.white:
            scene = np.rint(scene * (1 - self.white) + 255 * self.white).astype(np.uint8)
        return scene


def views(effect: str, n_frames: int, centre: tuple[float, float], rng: Random) -> tuple[list[View], range]:
    """The view of each frame of a shot, and the frames of its ``effect``; ``centre`` (x, y) is that of a zoom."""
    middle = n_frames // 2
    if effect == "shake":
        jumps = [(rng.uniform(-SHAKE_PX, SHAKE_PX), rng.uniform(-SHAKE_PX, SHAKE_PX)) for _ in range(n_frames)]
        return [View(dx=dx, dy=dy) for dx, dy in jumps], range(n_frames)
    if effect == "pan":
        offsets = np.interp(np.arange(n_frames), [middle - PAN_FRAMES // 2, middle + PAN_FRAMES // 2], [0.5, -0.5])
        return [View(dx=PAN_PX * offset) for offset in offsets], range(
            middle - PAN_FRAMES // 2, middle + PAN_FRAMES // 2
        )
    if effect == "zoom":
        scales = np.interp(np.arange(n_frames), [middle, middle + ZOOM_FRAMES], [1, ZOOM])
        zoomed = [View(s, centre[0] * (1 - s), centre[1] * (1 - s)) for s in scales]
        return zoomed, range(middle, middle + ZOOM_FRAMES)
    if effect == "flash":
        lit = range(middle, middle + FLASH_FRAMES)
        return [View(white=WHITE if frame in lit else 0.0) for frame in range(n_frames)], lit
    return [View()] * n_frames, range(0)
