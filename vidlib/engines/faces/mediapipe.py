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


class MediaPipeFaces(Pooled):
    """Faces that MediaPipe's landmarker detects by itself; see `vidlib.protocols.FaceDetector`.

    A box encloses the landmarks. Every score is 1, as the landmarker reports none. ``min_face_px`` has no effect.
    """

    def __init__(self, threshold: float = 0.5, min_face_px: int = 24):
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
    faces = [np.array([(point.x, point.y) for point in face]) for face in detect(task, picture).face_landmarks]
    corners = [np.concatenate([face.min(0), face.max(0)]).clip(0, 1) for face in faces]
    boxes = np.array(corners, np.float32).reshape(-1, 4) * np.array([width, height] * 2, np.float32)
    return Detections(boxes, np.ones(len(boxes), np.float32), ("face",) * len(boxes))
