"""MediaPipe's face landmarker: 478 points and 52 blendshapes of a face whose box is known.

Its own detector sees 128x128 pixels and misses faces that are small in the picture (on film material it finds 13-30 %
of them), so it is shown a square around each box.
"""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from vidlib import devices, vault
from vidlib.boxes import Detections, square_around
from vidlib.engines.faces import Landmarks
from vidlib.engines.mediapipe_tasks import detect, task_pool

TIMES = 2
"""Side of the square in longer sides of the box: the detector wants to see a head with some room around it."""

SMALLEST_PX = 256
"""Smaller squares are enlarged to this: it is what the landmark network reads."""

MOST_FACES = 5
"""Faces that its own detector is asked for."""


class MediaPipeLandmarker:
    """Landmarks and blendshapes of faces, on ``threads`` cores (default: all); the same for any number of them."""

    def __init__(self, threads: int | None = None):
        self._pool = task_pool(_landmarker, threads or devices.cores())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._pool.__exit__(*exception)

    def find(self, pictures: Sequence[np.ndarray], boxes: Sequence[np.ndarray]) -> list[Landmarks | None]:
        """See `vidlib.engines.faces.FaceLandmarker`."""
        return self._pool.map(_find, list(zip(pictures, boxes, strict=True)))


class MediaPipeFaces:
    """Faces as the landmarker finds them by itself: large ones only; see `vidlib.engines.faces.FaceDetector`.

    A box is as large as the landmarks; every score is 1, as the landmarker says none. ``min_face_px`` changes nothing.
    """

    def __init__(self, threshold: float = 0.5, min_face_px: int = 24):
        self._pool = task_pool(lambda: _landmarker(MOST_FACES, threshold), devices.cores())
        self.name = "MediaPipe's own detector"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._pool.__exit__(*exception)

    def detect(self, pictures: Sequence[np.ndarray]) -> list[Detections]:
        """See `vidlib.engines.faces.FaceDetector`."""
        return self._pool.map(_faces, pictures)


def _faces(task: Any, picture: np.ndarray) -> Detections:
    height, width = picture.shape[:2]
    faces = [np.array([(point.x, point.y) for point in face]) for face in detect(task, picture).face_landmarks]
    corners = [np.concatenate([face.min(0), face.max(0)]).clip(0, 1) for face in faces]
    boxes = np.array(corners, np.float32).reshape(-1, 4) * np.array([width, height] * 2, np.float32)
    return Detections(boxes, np.ones(len(boxes), np.float32), ("face",) * len(boxes))


def _landmarker(num_faces: int = 1, threshold: float = 0.5) -> Any:
    from mediapipe.tasks.python import BaseOptions, vision

    return vision.FaceLandmarker.create_from_options(
        vision.FaceLandmarkerOptions(
            base_options=BaseOptions(model_asset_path=str(vault.path("face_landmarker"))),
            min_face_detection_confidence=threshold,
            output_face_blendshapes=num_faces == 1,
            num_faces=num_faces,
        )
    )


def _find(task: Any, view: tuple[np.ndarray, np.ndarray]) -> Landmarks | None:
    picture, box = view
    square, corner = square_around(picture, box, TIMES)
    result = detect(task, _enlarged(square))
    if not result.face_landmarks:
        return None
    points = np.array([(point.x, point.y) for point in result.face_landmarks[0]]) * len(square) + corner
    middle = (points.min(0) + points.max(0)) / 2
    # the face of somebody beside is none for this box
    if not (box[:2] <= middle).all() or not (middle <= box[2:]).all():
        return None
    blendshapes = np.array([shape.score for shape in result.face_blendshapes[0]], np.float32)
    return Landmarks(points.astype(np.float32), blendshapes)


def _enlarged(square: np.ndarray) -> np.ndarray:
    import cv2

    if len(square) >= SMALLEST_PX:
        return square
    return cv2.resize(square, (SMALLEST_PX, SMALLEST_PX), interpolation=cv2.INTER_LINEAR)
