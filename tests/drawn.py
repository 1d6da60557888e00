"""Drawn people that face detectors and landmarkers take for real ones, and clips of them. No photograph is needed."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from vidlib.machine import commands
from vidlib.media import ffmpeg

BACKDROP = (90, 110, 130)
WHITE, DARK, LIP = (250, 250, 250), (50, 35, 30), (170, 80, 80)


@dataclass(frozen=True)
class Looks:
    """What tells people apart: colours, how high the forehead is, and how thick the brows are, in sizes of the face."""

    hair: tuple[int, int, int] = (60, 40, 30)
    skin: tuple[int, int, int] = (225, 175, 145)
    forehead: float = 0.0
    brows: float = 0.045


ANNA, BERT = Looks(), Looks((190, 190, 185), (150, 105, 80), 0.2, 0.1)


def backdrop(width: int, height: int) -> np.ndarray:
    """An empty picture, (height, width, 3) uint8 RGB."""
    return np.full((height, width, 3), BACKDROP, np.uint8)


def add_face(picture: np.ndarray, x: int, y: int, size: int, mouth: float = 0.0, looks: Looks = ANNA) -> np.ndarray:
    """The picture with a face about 2 x ``size`` pixels high around ``x, y``; ``mouth`` 0 is shut, 1 wide open."""
    drawn = picture.copy()

    def oval(across: float, down: float, width: float, height: float, colour: tuple[int, int, int]) -> None:
        middle = (round(x + across * size), round(y + down * size))
        axes = (max(1, round(width * size)), max(1, round(height * size)))
        cv2.ellipse(drawn, middle, axes, 0, 0, 360, colour, -1, cv2.LINE_AA)

    oval(0, -0.15 - looks.forehead, 0.95, 1.15, looks.hair)
    oval(0, 1.2, 0.4, 0.5, (200, 150, 120))
    oval(0, 0.05 + 0.1 * mouth, 0.75, 1.0 + 0.1 * mouth, looks.skin)
    for side in (-1, 1):
        oval(side * 0.3, -0.12, 0.17, 0.09, WHITE)
        oval(side * 0.3, -0.12, 0.08, 0.085, DARK)
        oval(side * 0.3, -0.30, 0.2, looks.brows, looks.hair)
        oval(side * 0.1, 0.25, 0.05, 0.03, (130, 85, 75))
    oval(0, 0.12, 0.07, 0.18, (235, 190, 160))
    oval(0, 0.2, 0.12, 0.07, (215, 160, 135))
    oval(0, 0.52 + 0.1 * mouth, 0.28, 0.07 + 0.2 * mouth, LIP)
    oval(0, 0.52 + 0.1 * mouth, 0.2, 0.2 * mouth, DARK)
    return cv2.GaussianBlur(drawn, (0, 0), max(0.6, size / 40))


def clip(path: Path, n_frames: int, draw: Callable[[int], np.ndarray], loud: Callable[[int], bool]) -> Path:
    """A clip at 25 fps of what ``draw`` gives for each frame, with a tone in the frames that are ``loud``."""
    pictures = [draw(frame) for frame in range(n_frames)]
    height, width = pictures[0].shape[:2]
    tone = np.sin(np.arange(640 * n_frames) * 2 * np.pi * 220 / 16_000) * 0.5
    sound = path.with_suffix(".f32")
    sound.write_bytes((tone * np.repeat([loud(frame) for frame in range(n_frames)], 640)).astype("<f4").tobytes())
    raw = path.with_suffix(".rgb")
    raw.write_bytes(np.stack(pictures).tobytes())
    picture_in = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", "25", "-i", str(raw)]
    sound_in = ["-f", "f32le", "-ar", "16000", "-ac", "1", "-i", str(sound)]
    commands.run(ffmpeg.command(*picture_in, *sound_in, "-crf", "18", "-pix_fmt", "yuv420p", str(path)), timeout_s=60)
    return path
