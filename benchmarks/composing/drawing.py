"""The pictures of a composed video, in order, and the faces in each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from random import Random

import numpy as np

from vidlib.evaluation.ground_truth import FACE_OF_PANEL, TrueFace

from .camera import View, views
from .material import Clip, Material
from .plan import Placed, PlannedShot, Scene

DARK, BLUR_PX = 0.4, 9
"""Brightness factor and blur of the backdrop, a picture of the footage behind everybody in a video."""


@dataclass(frozen=True)
class Shown:
    """One picture, (height, width, 3) uint8 RGB, its shot and scene, and the faces in it."""

    picture: np.ndarray
    shot: int
    scene: Scene
    faces: tuple[TrueFace, ...]


class DrawnShot:
    """Draws the pictures of a planned shot, and ``extra`` ones after its end, which a dissolve needs."""

    def __init__(self, shot: PlannedShot, extra: int, size: tuple[int, int], backdrop: np.ndarray, rng: Random):
        self.shot, self.size, self.backdrop = shot, size, backdrop
        self.starts = np.cumsum([0, *(scene.frames for scene in shot.scenes)])
        self.views, self.event = views(shot.effect, shot.frames + extra, self._middle(), rng)

    def scene_at(self, frame: int) -> tuple[Scene, int]:
        """The scene of a frame of the shot, and the frame's number in the scene; the last scene has no end."""
        index = min(int(np.searchsorted(self.starts, frame, side="right")), len(self.shot.scenes)) - 1
        return self.shot.scenes[index], frame - int(self.starts[index])

    def picture(self, frame: int) -> np.ndarray:
        """The picture of this frame of the shot, (height, width, 3) uint8 RGB."""
        scene, number = self.scene_at(frame)
        drawn = _fitted(self._footage[number], *self.size) if scene.footage else self.backdrop.copy()
        for placed in scene.placed:
            _paste(drawn, placed, self._clips[placed.clip], number)
        return self.views[frame].take(drawn)

    def faces(self, frame: int) -> tuple[TrueFace, ...]:
        """The faces in that picture; none in a flash."""
        view = self.views[frame]
        return () if view.white else tuple(_face(placed, view, self.size) for placed in self.scene_at(frame)[0].placed)

    def forget(self) -> None:
        """Free the clips' pictures, up to 200 MB; they are read again when needed."""
        for name in ("_clips", "_footage"):
            vars(self).pop(name, None)

    def _middle(self) -> tuple[float, float]:
        placed = self.shot.scenes[0].placed
        if not placed:
            return self.size[0] / 2, self.size[1] / 2
        return placed[0].left + placed[0].width / 2, placed[0].top + placed[0].height / 2

    @cached_property
    def _clips(self) -> dict[Clip, np.ndarray]:
        clips = {placed.clip for scene in self.shot.scenes for placed in scene.placed}
        return {clip: clip.pictures() for clip in clips}

    @cached_property
    def _footage(self) -> np.ndarray:
        return self.shot.scenes[0].footage.pictures()


def drawn(shots: Sequence[PlannedShot], material: Material, rng: Random) -> tuple[list[DrawnShot], Iterator[Shown]]:
    """The drawn shots, and every picture of the video in order, with transitions."""
    background = backdrop(rng.choice(material.footage), material.size)
    tails = [following.length if following.transition == "dissolve" else 0 for following in shots[1:]] + [0]
    drawn_shots = [
        DrawnShot(shot, tail, material.size, background, rng) for shot, tail in zip(shots, tails, strict=True)
    ]
    return drawn_shots, _pictures(drawn_shots)


def backdrop(footage: Clip, size: tuple[int, int]) -> np.ndarray:
    """A still background from the middle of ``footage``, (height, width, 3) uint8."""
    import cv2

    picture = cv2.GaussianBlur(_fitted(footage.pictures()[footage.frames // 2], *size), (0, 0), BLUR_PX)
    return np.rint(picture * DARK).astype(np.uint8)


def _pictures(shots: Sequence[DrawnShot]) -> Iterator[Shown]:
    for number, shot in enumerate(shots):
        before = shots[number - 1] if number else None
        after = shots[number + 1].shot if number + 1 < len(shots) else None
        for frame in range(shot.shot.frames):
            picture = _beginning(shot, before, frame)
            if after and after.transition == "black":
                picture = _dimmed(picture, min(1.0, (shot.shot.frames - frame) / (after.length + 1)))
            yield Shown(picture, number, shot.scene_at(frame)[0], shot.faces(frame))
        if before:
            before.forget()


def _beginning(shot: DrawnShot, before: DrawnShot | None, frame: int) -> np.ndarray:
    """A picture of the shot; during its transition, blended with the shot before or darkened."""
    picture, length = shot.picture(frame), shot.shot.length
    if frame >= length or before is None:
        return picture
    if shot.shot.transition == "black":
        return _dimmed(picture, (frame + 0.5) / length)
    weight = (frame + 1) / (length + 1)
    previous = before.picture(before.shot.frames + frame)
    return np.rint(picture * weight + previous * (1 - weight)).astype(np.uint8)


def _dimmed(picture: np.ndarray, brightness: float) -> np.ndarray:
    return picture if brightness >= 1 else np.rint(picture * brightness).astype(np.uint8)


def _paste(scene: np.ndarray, placed: Placed, pictures: np.ndarray, number: int) -> None:
    fitted = _fitted(pictures[to_and_fro(number, len(pictures))], placed.width, placed.height)
    scene[placed.top : placed.top + placed.height, placed.left : placed.left + placed.width] = fitted


def _fitted(picture: np.ndarray, width: int, height: int) -> np.ndarray:
    """A resized copy of the picture."""
    import cv2

    method = cv2.INTER_AREA if width < picture.shape[1] else cv2.INTER_CUBIC
    return cv2.resize(picture, (width, height), interpolation=method)


def to_and_fro(number: int, n: int) -> int:
    """The index of the ``number``-th picture, where ``n`` pictures are shown forward and backward in turns.

    >>> [to_and_fro(number, 3) for number in range(7)]
    [0, 1, 2, 1, 0, 1, 2]
    """
    index = number % max(1, 2 * n - 2)
    return index if index < n else 2 * n - 2 - index


def _face(placed: Placed, view: View, size: tuple[int, int]) -> TrueFace:
    return TrueFace(
        speaker=placed.clip.speaker,
        clip=placed.clip.name,
        panel=view.of((placed.left, placed.top, placed.width, placed.height), size),
        face_px=round(FACE_OF_PANEL * placed.width * view.scale, 1),
        speaking=placed.speaking,
        lips_move=placed.clip.lips_move,
    )
