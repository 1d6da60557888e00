"""Face detection and face landmarks: what such an engine does, and which there are."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import Protocol, Self

import numpy as np

from vidlib.engines.runtime.model_cache import loaded
from vidlib.errors import EngineUnavailable, UnknownName
from vidlib.geometry import Detections
from vidlib.machine import devices
from vidlib.machine.devices import Device

FACE_DETECTORS: dict[str, dict[Device, str]] = {
    "centerface": {
        "cpu": "vidlib.engines.faces.centerface:OpenVinoCenterFace",
        "cuda": "vidlib.engines.faces.centerface:OnnxCenterFace",
    },
    "yunet": {"cpu": "vidlib.engines.faces.yunet:YuNet"},
    "mediapipe": {"cpu": "vidlib.engines.faces.mediapipe:MediaPipeFaces"},
}
"""Name -> the engine for each device that it can use, ``module:class``; nothing is imported until it is asked for."""

WEIGHTS = {"centerface": "centerface", "yunet": "yunet", "mediapipe": "face_landmarker"}
"""Name -> the vault's model that the engine loads."""

FACE_LANDMARKER = "vidlib.engines.faces.landmarks:OpenVinoLandmarker"

EYES = (33, 263)
"""The landmarks at the outer corners of the right and of the left eye."""


class FaceDetector(Protocol):
    """Finds faces in whole pictures. A context manager: leaving it frees the model.

    Made as ``Engine(threshold, min_face_px)``: it finds faces with a score of at least ``threshold``, in (0, 1), and at
    least ``min_face_px`` pixels high, and may find lower ones.
    """

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

    @property
    def lean(self) -> float:
        """How much the head leans to its left, in radians: where its eyes are not level."""
        right, left = self.points[EYES, :]
        return float(np.arctan2(*(left - right)[::-1]))


class FaceLandmarker(Protocol):
    """Finds the landmarks of faces whose boxes are known. A context manager: leaving it frees the models."""

    name: str

    def find(
        self, pictures: Sequence[np.ndarray], boxes: Sequence[np.ndarray], leans: Sequence[float] | None = None
    ) -> list[Landmarks | None]:
        """The face in each box (4,) of the picture at the same place, (height, width, 3) uint8 RGB of any size.

        ``leans`` says how much each head should lean, as `Landmarks.lean`: a head that does is found at the first look
        then. None where no face is found whose middle lies in the box.
        """

    def __enter__(self) -> Self: ...

    def __exit__(self, *exception: object) -> None: ...


def open_detector(
    name: str, device: Device, threshold: float, min_face_px: int
) -> AbstractContextManager[FaceDetector]:
    """The detector ``name`` on ``device``; see `FaceDetector`.

    Raises UnknownName, EngineUnavailable where a package is missing or it cannot use the device, or WeightError.
    """
    if name not in FACE_DETECTORS:
        raise UnknownName("a face detector", name, FACE_DETECTORS)
    engine = FACE_DETECTORS[name].get(device)
    if engine is None:
        raise EngineUnavailable(f"face detector {name!r} cannot use device {device!r}; expected device 'cpu'")
    key = (engine, threshold, min_face_px, devices.cores())
    return loaded(key, lambda: _detector(engine, threshold, min_face_px))


def open_landmarker() -> AbstractContextManager[FaceLandmarker]:
    """The landmarker, on the CPU; raises EngineUnavailable where a package or library is missing."""
    return loaded((FACE_LANDMARKER, devices.cores()), lambda: resolve_name(FACE_LANDMARKER)())


def _detector(engine: str, threshold: float, min_face_px: int) -> FaceDetector:
    try:
        return resolve_name(engine)(threshold, min_face_px)
    except ImportError as error:
        raise EngineUnavailable(
            f"faces cannot be detected here: {error}. Install what it needs with: pip install openvino onnx onnxruntime"
        ) from error


def cuda_problem(name: str = "centerface") -> str | None:
    """Why the detector ``name`` cannot use a GPU here; None if it can."""
    if "cuda" not in FACE_DETECTORS[name]:
        return f"face detector {name!r} uses none"
    if not devices.gpus():
        return "the NVIDIA driver shows no GPU"
    try:
        import onnxruntime
    except ImportError as error:
        return f"onnxruntime cannot be imported ({error})"
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        return None
    return f"onnxruntime {onnxruntime.__version__} was built without CUDA (for a GPU: pip install onnxruntime-gpu)"
