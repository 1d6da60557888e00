"""MediaPipe's object detector (EfficientDet-Lite0): 80 classes of objects by their COCO names."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from vidlib import vault
from vidlib.engines.runtime.mediapipe_tasks import detect, task_pool
from vidlib.engines.runtime.pool import Pooled
from vidlib.geometry import Detections
from vidlib.machine import devices


class MediaPipeObjects(Pooled):
    """Detects the ``max_objects`` highest-scoring objects of each picture that score at least ``threshold``.

    ``threads`` is the number of pictures at once; by default, that of the cores.
    """

    def __init__(self, threshold: float = 0.3, max_objects: int = 5, threads: int | None = None):
        self._pool = task_pool(lambda: _detector(threshold, max_objects), threads or devices.cores())

    def detect(self, pictures: Sequence[np.ndarray]) -> list[Detections]:
        """See `vidlib.protocols.Detector`."""
        results = self._pool.map(detect, pictures)
        return [_detections(result, *picture.shape[:2]) for result, picture in zip(results, pictures, strict=True)]


def _detector(threshold: float, max_objects: int) -> Any:
    from mediapipe.tasks.python import BaseOptions, vision

    return vision.ObjectDetector.create_from_options(
        vision.ObjectDetectorOptions(
            base_options=BaseOptions(model_asset_path=str(vault.path("object_detector"))),
            score_threshold=threshold,
            max_results=max_objects,
        )
    )


def _detections(result: Any, height: int, width: int) -> Detections:
    bounding_boxes = [detection.bounding_box for detection in result.detections]
    corners = [(box.origin_x, box.origin_y, box.width, box.height) for box in bounding_boxes]
    x, y, w, h = np.array(corners, np.float32).reshape(-1, 4).T
    boxes = np.stack([x, y, x + w, y + h], axis=-1).clip(0, [width, height, width, height]).astype(np.float32)
    categories = [detection.categories[0] for detection in result.detections]
    scores = np.array([category.score for category in categories], np.float32)
    return Detections(boxes, scores, tuple(category.category_name for category in categories))
