"""Detection of other things than faces: what such an engine does, and which there is."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pkgutil import resolve_name
from typing import Protocol, Self

import numpy as np

from vidlib.engines.runtime.model_cache import loaded
from vidlib.geometry import Detections
from vidlib.machine import devices

OBJECT_DETECTOR = "vidlib.engines.objects.mediapipe:MediaPipeObjects"


class ObjectDetector(Protocol):
    """Finds things in whole pictures. A context manager: leaving it frees the model."""

    def detect(self, pictures: Sequence[np.ndarray]) -> list[Detections]:
        """Pictures, each (height, width, 3) uint8 RGB -> the things in each, in pixels; labels are COCO names."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *exception: object) -> None: ...


def open_objects() -> AbstractContextManager[ObjectDetector]:
    """The detector, on the CPU; raises EngineUnavailable where a package or library is missing."""
    return loaded((OBJECT_DETECTOR, devices.cores()), lambda: resolve_name(OBJECT_DETECTOR)())
