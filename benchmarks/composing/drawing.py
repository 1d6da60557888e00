"""The pictures of a composed film, one after the other, and what each shows."""

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
"""The backdrop is a picture of the footage, so dark and so blurred, behind everybody in a film."""


@dataclass(frozen=True)
class Shown:
    """One picture, (height, width, 3) uint8 RGB, its shot and scene, and the faces in it."""

    picture: np.ndarray
    shot: int
    scene: Scene
    faces: tuple[TrueFace, ...]


class DrawnShot:
    """A planned shot whose pictures can be asked for, also those after its end, which a dissolve needs."""

    def __init__(self, shot: PlannedShot, extra: int, size: tuple[int, int], backdrop: np.ndarray, lot: Random):
        self.shot, self.size, self.backdrop = shot, size, backdrop
        self.starts = np.cumsum([0, *(scene.frames for scene in shot.scenes)])
        self.views, self.event = views(shot.effect, shot.frames + extra, self._middle(), lot)

    def scene_at(self, frame: int) -> tuple[Scene, int]:
        """The scene that a frame of the shot belongs to, and its number in that; the last goes on as long as asked."""
        place = min(int(np.searchsorted(self.starts, frame, side="right")), len(self.shot.scenes)) - 1
        return self.shot.scenes[place], frame - int(self.starts[place])

    def picture(self, frame: int) -> np.ndarray:
        """What is seen at this frame of the shot."""
        scene, number = self.scene_at(frame)
        drawn = _fitted(self._footage[number], *self.size) if scene.footage else self.backdrop.copy()
        for placed in scene.placed:
            _paste(drawn, placed, self._clips[placed.clip], number)
        return self.views[frame].take(drawn)

    def faces(self, frame: int) -> tuple[TrueFace, ...]:
        """Whom that shows; nobody in a flash."""
        view = self.views[frame]
        return () if view.white else tuple(_face(one, view, self.size) for one in self.scene_at(frame)[0].placed)

    def forget(self) -> None:
        """Let go of the clips' pictures, which take up to 200 MB, until they are asked for again."""
        for kept in ("_clips", "_footage"):
            vars(self).pop(kept, None)

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


def drawn(shots: Sequence[PlannedShot], material: Material, lot: Random) -> tuple[list[DrawnShot], Iterator[Shown]]:
    """The shots as they are drawn, and every picture of the film in order, transitions mixed in."""
    behind = backdrop(lot.choice(material.footage), material.size)
    tails = [following.length if following.transition == "dissolve" else 0 for following in shots[1:]] + [0]
    made = [DrawnShot(shot, tail, material.size, behind, lot) for shot, tail in zip(shots, tails, strict=True)]
    return made, _pictures(made)


def backdrop(footage: Clip, size: tuple[int, int]) -> np.ndarray:
    """A still background out of the middle of ``footage``."""
    import cv2

    picture = cv2.GaussianBlur(_fitted(footage.pictures()[footage.frames // 2], *size), (0, 0), BLUR_PX)
    return np.rint(picture * DARK).astype(np.uint8)


def _pictures(shots: Sequence[DrawnShot]) -> Iterator[Shown]:
    for number, this in enumerate(shots):
        before = shots[number - 1] if number else None
        after = shots[number + 1].shot if number + 1 < len(shots) else None
        for frame in range(this.shot.frames):
            picture = _beginning(this, before, frame)
            if after and after.transition == "black":
                picture = _dimmed(picture, min(1.0, (this.shot.frames - frame) / (after.length + 1)))
            yield Shown(picture, number, this.scene_at(frame)[0], this.faces(frame))
        if before:
            before.forget()


def _beginning(this: DrawnShot, before: DrawnShot | None, frame: int) -> np.ndarray:
    """A picture of the shot, mixed with the one before or dark in the transition that leads into it."""
    picture, length = this.picture(frame), this.shot.length
    if frame >= length or before is None:
        return picture
    if this.shot.transition == "black":
        return _dimmed(picture, (frame + 0.5) / length)
    part = (frame + 1) / (length + 1)
    old = before.picture(before.shot.frames + frame)
    return np.rint(picture * part + old * (1 - part)).astype(np.uint8)


def _dimmed(picture: np.ndarray, part: float) -> np.ndarray:
    return picture if part >= 1 else np.rint(picture * part).astype(np.uint8)


def _paste(scene: np.ndarray, placed: Placed, pictures: np.ndarray, number: int) -> None:
    fitted = _fitted(pictures[to_and_fro(number, len(pictures))], placed.width, placed.height)
    scene[placed.top : placed.top + placed.height, placed.left : placed.left + placed.width] = fitted


def _fitted(picture: np.ndarray, width: int, height: int) -> np.ndarray:
    """A copy of the picture in another size."""
    import cv2

    how = cv2.INTER_AREA if width < picture.shape[1] else cv2.INTER_CUBIC
    return cv2.resize(picture, (width, height), interpolation=how)


def to_and_fro(number: int, n: int) -> int:
    """Which of ``n`` pictures is the ``number``-th, where they are shown to their end, back, and again.

    >>> [to_and_fro(number, 3) for number in range(7)]
    [0, 1, 2, 1, 0, 1, 2]
    """
    place = number % max(1, 2 * n - 2)
    return place if place < n else 2 * n - 2 - place


def _face(placed: Placed, view: View, size: tuple[int, int]) -> TrueFace:
    return TrueFace(
        speaker=placed.clip.speaker,
        clip=placed.clip.name,
        panel=view.of((placed.left, placed.top, placed.width, placed.height), size),
        face_px=round(FACE_OF_PANEL * placed.width * view.scale, 1),
        speaking=placed.speaking,
        lips_move=placed.clip.lips_move,
    )
