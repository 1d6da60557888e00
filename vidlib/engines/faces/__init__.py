"""Face detectors, face landmarks and face embeddings; `vidlib.protocols` states what each of them does."""

from contextlib import AbstractContextManager

from vidlib.engines.registry import Engine, Registry
from vidlib.machine import devices
from vidlib.machine.devices import Device
from vidlib.protocols import FaceDetector, FaceEmbedder, FaceLandmarker


def _onnxruntime_gpu_problem() -> str | None:
    if not devices.gpus():
        return devices.NO_GPU
    try:
        import onnxruntime
    except ImportError as error:
        return f"onnxruntime cannot be imported ({error})"
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        return None
    return f"onnxruntime {onnxruntime.__version__} was built without CUDA (for a GPU: pip install onnxruntime-gpu)"


FACE_DETECTORS: Registry[FaceDetector] = Registry(
    "face detector",
    {
        "centerface": Engine(
            classes={
                "cpu": "vidlib.engines.faces.centerface:OpenVinoCenterFace",
                "cuda": "vidlib.engines.faces.centerface:OnnxCenterFace",
            },
            packages="openvino onnx onnxruntime",
            weights=("centerface",),
            gpu_problem=_onnxruntime_gpu_problem,
        ),
        "yunet": Engine(
            classes={"cpu": "vidlib.engines.faces.yunet:YuNet"},
            packages="opencv-contrib-python-headless",
            weights=("yunet",),
        ),
        "mediapipe": Engine(
            classes={"cpu": "vidlib.engines.faces.mediapipe:MediaPipeFaces"},
            packages="mediapipe",
            weights=("face_landmarker",),
        ),
    },
)

FACE_LANDMARKERS: Registry[FaceLandmarker] = Registry(
    "face landmarker",
    {
        "mediapipe": Engine(
            classes={"cpu": "vidlib.engines.faces.landmarks:OpenVinoLandmarker"},
            packages="openvino",
            weights=("face_landmarker",),
        )
    },
)

FACE_EMBEDDERS: Registry[FaceEmbedder] = Registry(
    "face embedder",
    {
        "dlib": Engine(
            classes={"cpu": "vidlib.engines.faces.embedding:DlibEmbedder"},
            packages="openvino",
            weights=("face_embedding",),
        )
    },
)


def open_detector(
    name: str, device: Device, threshold: float, min_face_px: int | None
) -> AbstractContextManager[FaceDetector]:
    """The detector ``name`` on ``device``, for faces at least ``min_face_px`` pixels high.

    None stands for small pictures with one face in the middle, which are searched as large as they are. The detector
    reports faces with a score of at least ``threshold``, in (0, 1). Raises UnknownName; EngineUnavailable where it
    cannot use the device or a package is missing; WeightError where its weights are missing.
    """
    return FACE_DETECTORS.open(name, device, threshold, min_face_px)


def open_landmarker() -> AbstractContextManager[FaceLandmarker]:
    """The landmarker, on the CPU; raises EngineUnavailable where a package is missing."""
    return FACE_LANDMARKERS.open("mediapipe", "cpu")


def open_embedder() -> AbstractContextManager[FaceEmbedder]:
    """The embedder, on the CPU; raises WeightError where its weights are not on this machine."""
    return FACE_EMBEDDERS.open("dlib", "cpu")


def weights(detector: str) -> tuple[str, ...]:
    """The vault's models that detection by ``detector``, landmarks and embeddings load, each named once."""
    engines = FACE_DETECTORS[detector], FACE_LANDMARKERS["mediapipe"], FACE_EMBEDDERS["dlib"]
    return tuple(dict.fromkeys(name for engine in engines for name in engine.weights))


def cuda_problem(name: str = "centerface") -> str | None:
    """Why the detector ``name`` cannot use a GPU here; None if it can."""
    return FACE_DETECTORS.gpu_problem(name)
