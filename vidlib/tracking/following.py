"""Following faces from frame to frame, in small windows around their last place.

Whole pictures are searched every few frames only. Where a face of one of them is not in the next one, it is followed
from there to where it disappears; one that is new in the next is followed back to where it appeared.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from vidlib.geometry import Detections, overlaps, square_around
from vidlib.protocols import Detector

WINDOW_SIDE = 128
"""Side of a window, in pixels. A search takes a twentieth of that in a picture of 720 lines."""

WINDOW_FACE_PX = 48
"""Longer side of a face in its window, in pixels. On natural clips, detection scores are then those of whole pictures,
within 0.02 on average; a face may move by 0.8 of its side from one frame to the next."""

SAME_PLACE_OVERLAP = 0.5
"""Least intersection over union of a face's boxes in two frames between which linear interpolation is close enough."""

MIN_STEP_OVERLAP = 0.1
"""Least intersection over union of a face's expected box and its box in the next frame."""


def search(detector: Detector, pictures: Sequence[np.ndarray], boxes: Sequence[np.ndarray]) -> list[Detections]:
    """The faces in a window around each box (4,) of the picture with the same index, in pixels of that picture."""
    squares = [
        square_around(picture, box, WINDOW_SIDE / WINDOW_FACE_PX) for picture, box in zip(pictures, boxes, strict=True)
    ]
    near = zip(pictures, squares, detector.detect([_window(square) for square, _ in squares]), strict=True)
    return [
        detections.scaled(len(square) / WINDOW_SIDE, corner, (picture.shape[1], picture.shape[0]))
        for picture, (square, corner), detections in near
    ]


def _window(square: np.ndarray) -> np.ndarray:
    """The square part of a picture in the size of a window."""
    import cv2

    interpolation = cv2.INTER_AREA if len(square) > WINDOW_SIDE else cv2.INTER_LINEAR
    return cv2.resize(square, (WINDOW_SIDE, WINDOW_SIDE), interpolation=interpolation)


@dataclass
class Path:
    """The way of a ``face``, one detection, from ``frame`` towards ``stop``, which is not searched.

    ``velocity`` (4,) is its last movement, in pixels per frame.
    """

    frame: int
    stop: int
    face: Detections
    velocity: np.ndarray

    @property
    def next_frame(self) -> int:
        """The frame that follows on the way."""
        return self.frame + (1 if self.stop > self.frame else -1)

    @property
    def expected_box(self) -> np.ndarray:
        """The box (4,) in that frame if the face moves on."""
        return self.face.boxes[0] + self.velocity

    def advance(self, face: Detections) -> None:
        """Go on to ``face`` in the next frame."""
        before, after = ((one.boxes[0, :2] + one.boxes[0, 2:]) / 2 for one in (self.face, face))
        self.frame, self.face, self.velocity = self.next_frame, face, np.tile(after - before, 2)


def follow(
    detector: Detector, pictures: Mapping[int, np.ndarray], faces: Mapping[int, Detections], min_score: float
) -> dict[int, Detections]:
    """The faces on their ways between the frames of ``faces``, which are in order, in the frames of ``pictures``.

    Faces with a score of at least ``min_score`` are followed, as long as ``detector`` finds them at all.
    """
    found: dict[int, Detections] = {}
    paths = [path for path in _paths(faces, min_score) if path.next_frame != path.stop]
    while paths:
        near = search(detector, [pictures[path.next_frame] for path in paths], [path.expected_box for path in paths])
        paths = [
            path
            for path, detections in zip(paths, near, strict=True)
            if _advance(path, detections, found) and path.next_frame != path.stop
        ]
    return dict(sorted(found.items()))


def _paths(faces: Mapping[int, Detections], min_score: float) -> Iterable[Path]:
    """The faces that are in one frame and not in the next, or vice versa."""
    for before, after in pairwise(faces):
        for start, stop in ((before, after), (after, before)):
            for face in faces[start]:
                if face.scores[0] >= min_score and not _has(faces[stop], face.boxes[0]):
                    yield Path(start, stop, face, np.zeros(4))


def _has(faces: Detections, box: np.ndarray) -> bool:
    """Whether one of the faces is in the place of ``box`` (4,)."""
    return bool((overlaps(box[None], faces.boxes) >= SAME_PLACE_OVERLAP).any())


def _advance(path: Path, near: Detections, found: dict[int, Detections]) -> bool:
    """Move a path on to the face among those ``near`` it, which is added to ``found``; False where it ends."""
    overlap = overlaps(path.expected_box[None], near.boxes)[0]
    if not (overlap >= MIN_STEP_OVERLAP).any():
        return False
    (face,) = near.keep(np.arange(len(near)) == overlap.argmax())
    if (known := found.get(path.next_frame)) is not None and _has(known, face.boxes[0]):
        return False  # it meets the path from the other side
    path.advance(face)
    found[path.frame] = face if known is None else known.joined(face)
    return True
