"""MediaPipe's own face detector: it sees 128x128 pixels, and detects 13-30 % of the faces in film material."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from vidlib import vault
from vidlib.engines.runtime.mediapipe_tasks import detect, task_pool
from vidlib.engines.runtime.pool import Pooled
from vidlib.geometry import Detections
from vidlib.machine import devices

MAX_FACES = 5
"""Number of faces that it may report."""

FIVE_POINTS = (468, 473, 1, 61, 291)
"""Landmarks that are the points of `vidlib.geometry.Detections`: the irises, the tip of the nose, the corners of the
mouth."""


class MediaPipeFaces(Pooled):
    """Faces that MediaPipe's landmarker detects by itself; see `vidlib.protocols.FaceDetector`.

    A box encloses the landmarks. Every score is 1, as the landmarker reports none. ``min_face_px`` has no effect.
    """

    def __init__(self, threshold: float = 0.5, min_face_px: int | None = 24):
        self._pool = task_pool(lambda: _landmarker(threshold), devices.cores())
        self.name = "MediaPipe's own detector"

    def detect(self, pictures: Sequence[np.ndarray]) -> list[Detections]:
        """See `vidlib.protocols.FaceDetector`."""
        return self._pool.map(_detect, pictures)


def _landmarker(threshold: float) -> Any:
    from mediapipe.tasks.python import BaseOptions, vision

    return vision.FaceLandmarker.create_from_options(
        vision.FaceLandmarkerOptions(
            base_options=BaseOptions(model_asset_path=str(vault.path("face_landmarker"))),
            min_face_detection_confidence=threshold,
            num_faces=MAX_FACES,
        )
    )


def _detect(task: Any, picture: np.ndarray) -> Detections:
    height, width = picture.shape[:2]
    faces = [
        np.array([(point.x, point.y) for point in face], np.float32) * (width, height)
        for face in detect(task, picture).face_landmarks
    ]
    boxes = np.array([[*face.min(0), *face.max(0)] for face in faces], np.float32).reshape(-1, 4)
    points = np.array([face[list(FIVE_POINTS)] for face in faces], np.float32).reshape(-1, 5, 2)
    boxes = boxes.clip(0, [width, height] * 2).astype(np.float32)
    return Detections(boxes, np.ones(len(boxes), np.float32), ("face",) * len(boxes), points)
