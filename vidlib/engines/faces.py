"""Face detection and face landmarks: what such an engine does, and which there are."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import Protocol, Self

import numpy as np

from vidlib import devices
from vidlib.boxes import Detections
from vidlib.devices import Device
from vidlib.engines.loaded import loaded
from vidlib.errors import EngineUnavailable

FACE_DETECTORS = {
    "cpu": "vidlib.engines.faces_centerface:OpenVinoCenterFace",
    "cuda": "vidlib.engines.faces_centerface:OnnxCenterFace",
}
"""Device -> the engine for it, ``module:class``; nothing is imported until it is asked for."""

FACE_LANDMARKER = "vidlib.engines.landmarks_mediapipe:MediaPipeLandmarker"


class FaceDetector(Protocol):
    """Finds faces of any size in whole pictures. A context manager: leaving it frees the model."""

    name: str

    def detect(self, pictures: Sequence[np.ndarray]) -> list[Detections]:
        """Pictures of one size, each (height, width, 3) uint8 RGB -> the faces of each, in pixels of the picture.

        Faces overlap each other by less than 0.3 (intersection over union); the label is ``face``.
        """

    def __enter__(self) -> Self: ...

    def __exit__(self, *exception: object) -> None: ...


@dataclass(frozen=True)
class Landmarks:
    """One face: ``points`` (478, 2) float32, x and y in pixels of the picture; ``blendshapes`` (52,) float32 in [0, 1],
    in the order of `vidlib.tracking.blendshapes.BLENDSHAPES`.
    """

    points: np.ndarray
    blendshapes: np.ndarray


class FaceLandmarker(Protocol):
    """Finds the landmarks of faces whose boxes are known. A context manager: leaving it frees the models."""

    def find(self, pictures: Sequence[np.ndarray], boxes: Sequence[np.ndarray]) -> list[Landmarks | None]:
        """The face in each box (4,) of the picture at the same place, (height, width, 3) uint8 RGB of any size.

        None where no face is found whose middle lies in the box.
        """

    def __enter__(self) -> Self: ...

    def __exit__(self, *exception: object) -> None: ...


def open_detector(device: Device, threshold: float) -> AbstractContextManager[FaceDetector]:
    """The detector for ``device`` that finds faces with a score of at least ``threshold``, in (0, 1).

    Raises EngineUnavailable where a package is missing or it cannot use the device.
    """
    return loaded((FACE_DETECTORS[device], threshold, devices.cores()), lambda: _detector(device, threshold))


def open_landmarker() -> AbstractContextManager[FaceLandmarker]:
    """The landmarker, on the CPU; raises EngineUnavailable where a package or library is missing."""
    return loaded((FACE_LANDMARKER, devices.cores()), lambda: resolve_name(FACE_LANDMARKER)())


def _detector(device: Device, threshold: float) -> FaceDetector:
    try:
        return resolve_name(FACE_DETECTORS[device])(threshold)
    except ImportError as error:
        raise EngineUnavailable(
            f"faces cannot be detected here: {error}. Install what it needs with: pip install openvino onnx onnxruntime"
        ) from error


def cuda_problem() -> str | None:
    """Why faces cannot be detected on a GPU here; None if they can."""
    if not devices.gpus():
        return "the NVIDIA driver shows no GPU"
    try:
        import onnxruntime
    except ImportError as error:
        return f"onnxruntime cannot be imported ({error})"
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        return None
    return f"onnxruntime {onnxruntime.__version__} was built without CUDA (for a GPU: pip install onnxruntime-gpu)"
