"""Object detection, other than faces; engines implement `vidlib.protocols.Detector`."""

from contextlib import AbstractContextManager

from vidlib.engines.registry import Engine, Registry
from vidlib.protocols import Detector

OBJECT_DETECTORS: Registry[Detector] = Registry(
    "object detector",
    {
        "mediapipe": Engine(
            classes={"cpu": "vidlib.engines.objects.mediapipe:MediaPipeObjects"},
            packages="mediapipe",
            weights=("object_detector",),
        )
    },
)


def open_objects() -> AbstractContextManager[Detector]:
    """The detector, on the CPU; raises EngineUnavailable where a package or library is missing."""
    return OBJECT_DETECTORS.open("mediapipe", "cpu")
