"""Face landmarks: 478 points and 52 blendshapes of a face whose box is known, by MediaPipe's two networks in OpenVINO.

MediaPipe's own graph looks for the face once more before it looks for landmarks, in 128x128 pixels, and takes twice as
long; here the networks are shown the box. They are those of its model bundle, "Face Landmarker" (Apache-2.0).
"""

import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vidlib import vault
from vidlib.engines.runtime import openvino_cpu
from vidlib.engines.runtime.pool import Pooled
from vidlib.machine import devices
from vidlib.protocols import FaceLandmarks

SIDE = 256
"""Pixels of the square that the network sees."""

TIMES = 1.5
"""Side of the square in longer sides of the box. MediaPipe's own squares are like 1.3; who speaks is told best, by a
little, with 1.5, as boxes between two detections are not exact (docs/decisions/0007)."""

LOWER = 0.06
"""By how much of the box's longer side the middle of the landmarks is lower than that of the box."""

PRESENT = 0.5
"""Least probability that the square shows a face, in [0, 1] (MediaPipe's own default)."""

UPRIGHT = np.radians(10)
"""A head that leans by more is looked at again, with the square turned: the shapes of a mouth are off by then."""

MOST_LOOKS = 3
"""Looks at one face: of a head that leans by 45 degrees, the first sees 15 and the second 35."""

SHAPED_BY = (
    *(0, 1, 4, 5, 6, 7, 8, 10, 13, 14, 17, 21, 33, 37, 39, 40, 46, 52, 53, 54, 55, 58, 61, 63, 65, 66, 67, 70, 78, 80),
    *(81, 82, 84, 87, 88, 91, 93, 95, 103, 105, 107, 109, 127, 132, 133, 136, 144, 145, 146, 148, 149, 150, 152, 153),
    *(154, 155, 157, 158, 159, 160, 161, 162, 163, 168, 172, 173, 176, 178, 181, 185, 191, 195, 197, 234, 246, 249),
    *(251, 263, 267, 269, 270, 276, 282, 283, 284, 285, 288, 291, 293, 295, 296, 297, 300, 308, 310, 311, 312, 314),
    *(317, 318, 321, 323, 324, 332, 334, 336, 338, 356, 361, 362, 365, 373, 374, 375, 377, 378, 379, 380, 381, 382),
    *(384, 385, 386, 387, 388, 389, 390, 397, 398, 400, 402, 405, 409, 415, 454, 466, *range(468, 478)),
)
"""The 146 landmarks that the network for blendshapes reads (mediapipe, face_blendshapes_graph.cc)."""


@dataclass(frozen=True)
class Square:
    """A square in a picture: its centre ``middle`` (2,), x and y, and its ``side`` in pixels; ``roll`` is its angle in
    radians.
    """

    middle: np.ndarray
    side: float
    roll: float = 0.0

    @property
    def to_picture(self) -> np.ndarray:
        """(2, 3): from pixels of what the network sees to pixels of the picture."""
        along = np.array([np.cos(self.roll), np.sin(self.roll)]) * self.side / SIDE
        axes = np.array([[along[0], -along[1]], [along[1], along[0]]])
        return np.column_stack([axes, self.middle - axes @ np.full(2, SIDE / 2)])


class OpenVinoLandmarker(Pooled):
    """Landmarks and blendshapes of faces, on ``threads`` cores (default: all); the same for any number of them.

    See `vidlib.protocols.FaceLandmarker`.
    """

    name = "MediaPipe's landmarks on OpenVINO (f32)"

    def __init__(self, threads: int | None = None):
        graph = vault.converted("face_landmarker.xml", "face_landmarker", f"{openvino_cpu.version()}-2", _convert)
        # never bfloat16: it has 8 bits, which is a whole pixel of 256
        self._pool = openvino_cpu.request_pool(graph, "f32", threads or devices.cores())

    def find(
        self, pictures: Sequence[np.ndarray], boxes: Sequence[np.ndarray], rolls: Sequence[float] | None = None
    ) -> list[FaceLandmarks | None]:
        """See `vidlib.protocols.FaceLandmarker`."""
        views = zip(pictures, boxes, [0.0] * len(boxes) if rolls is None else rolls, strict=True)
        return self._pool.map(_find, list(views))


def _find(request: Any, view: tuple[np.ndarray, np.ndarray, float]) -> FaceLandmarks | None:
    picture, box, roll = view
    longer = float(max(box[2:] - box[:2]))
    middle = (box[:2] + box[2:]) / 2 + (0, LOWER * longer)
    square = Square(middle, max(1.0, TIMES * longer), roll if abs(roll) > UPRIGHT else 0.0)
    for _ in range(MOST_LOOKS):
        face = _look(request, picture, square)
        if face is None:
            return None
        middle = (face.points.min(0) + face.points.max(0)) / 2
        if abs(face.roll - square.roll) <= UPRIGHT:
            break
        square = Square(middle, square.side, face.roll)
    # the face of somebody beside is none for this box
    return face if (box[:2] <= middle).all() and (middle <= box[2:]).all() else None


def _look(request: Any, picture: np.ndarray, square: Square) -> FaceLandmarks | None:
    import cv2

    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    seen = cv2.warpAffine(picture, square.to_picture, (SIDE, SIDE), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    points, presence, blendshapes = request.infer({0: seen[np.newaxis]}, share_inputs=True).values()
    if presence.item() < PRESENT:
        return None
    axes, corner = square.to_picture[:, :2], square.to_picture[:, 2]
    return FaceLandmarks((points @ axes.T + corner).astype(np.float32), blendshapes.copy())


def _convert(bundle: Path, target: Path) -> None:
    """Write both networks of the bundle as one, OpenVINO's ``target``.xml and .bin:

    (1, SIDE, SIDE, 3) uint8 RGB -> (478, 2) points in its pixels, () probability of a face, (52,) blendshapes.
    """
    import openvino
    from openvino import opset13 as ops

    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(bundle) as networks:
        names = ("face_landmarks_detector.tflite", "face_blendshapes.tflite")
        landmarks, shapes = (openvino.Core().read_model(networks.extract(name, folder)) for name in names)
        landmarks.reshape([1, SIDE, SIDE, 3])
        openvino_cpu.save_narrow(landmarks, narrow := Path(folder) / "landmarks.xml")
        landmarks = openvino_cpu.read(narrow)
        picture = ops.parameter([1, SIDE, SIDE, 3], np.uint8, name="picture")
        scaled = ops.divide(ops.convert(picture, "f32"), np.float32(255))
        landmarks.inputs[0].node.output(0).replace(scaled.output(0))
        flat, presence, _ = (output.node.input_value(0) for output in landmarks.outputs)
        points = ops.gather(ops.reshape(flat, [478, 3], False), [0, 1], 1)
        # blendshapes are the same wherever a face is, and however large
        shaping = ops.reshape(ops.gather(points, list(SHAPED_BY), 0), [1, len(SHAPED_BY), 2], False)
        shapes.inputs[0].node.output(0).replace(shaping.output(0))
        blendshapes = shapes.outputs[0].node.input_value(0).get_node()
        results = [points, ops.sigmoid(ops.reshape(presence, [1], False)), blendshapes]
        openvino.save_model(openvino.Model(results, [picture]), target, compress_to_fp16=False)
