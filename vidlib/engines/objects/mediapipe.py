"""MediaPipe's object detector (EfficientDet-Lite0): 80 kinds of things by their COCO names."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from vidlib import vault
from vidlib.engines.runtime.mediapipe_tasks import detect, task_pool
from vidlib.engines.runtime.pool import Pooled
from vidlib.geometry import Detections
from vidlib.machine import devices


class MediaPipeObjects(Pooled):
    """Finds the ``most`` things of each picture that it is surest of, those with a score of ``threshold`` or more."""

    def __init__(self, threshold: float = 0.3, most: int = 5, threads: int | None = None):
        self._pool = task_pool(lambda: _detector(threshold, most), threads or devices.cores())

    def detect(self, pictures: Sequence[np.ndarray]) -> list[Detections]:
        """See `vidlib.protocols.Detector`."""
        results = self._pool.map(detect, pictures)
        return [_detections(result, *picture.shape[:2]) for result, picture in zip(results, pictures, strict=True)]


def _detector(threshold: float, most: int) -> Any:
    from mediapipe.tasks.python import BaseOptions, vision

    return vision.ObjectDetector.create_from_options(
        vision.ObjectDetectorOptions(
            base_options=BaseOptions(model_asset_path=str(vault.path("object_detector"))),
            score_threshold=threshold,
            max_results=most,
        )
    )


def _detections(result: Any, height: int, width: int) -> Detections:
    sides = [(b.origin_x, b.origin_y, b.width, b.height) for b in (found.bounding_box for found in result.detections)]
    x, y, w, h = np.array(sides, np.float32).reshape(-1, 4).T
    boxes = np.stack([x, y, x + w, y + h], axis=-1).clip(0, [width, height, width, height]).astype(np.float32)
    named = [found.categories[0] for found in result.detections]
    scores = np.array([category.score for category in named], np.float32)
    return Detections(boxes, scores, tuple(category.category_name for category in named))
