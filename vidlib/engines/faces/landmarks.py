"""Face landmarks: 478 points and 52 blendshapes of a face whose box is known, by MediaPipe's two networks in OpenVINO.

MediaPipe's own graph first detects the face once more, in 128x128 pixels, and takes twice as long; here the networks
get the box. They are those of its model bundle, "Face Landmarker" (Apache-2.0).
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
"""Side of the network's square input, in pixels."""

SQUARE_SCALE = 1.5
"""Side of the square around a face, in longer sides of its box. MediaPipe's own squares are like 1.3. With 1.5, active
speaker detection is slightly better, as interpolated boxes are not exact (docs/decisions/0007)."""

SQUARE_OFFSET = 0.06
"""Distance of the landmarks' centre below that of the box, in longer sides of the box."""

MIN_PRESENCE = 0.5
"""Least probability that the square shows a face, in [0, 1] (MediaPipe's own default)."""

MAX_ROLL = np.radians(10)
"""Roll angle of a face in the square, in radians, above which the square is rotated and the landmarks are found again:
the blendshapes of a mouth are wrong otherwise."""

MAX_ATTEMPTS = 3
"""Times that landmarks of one face are found: of a roll angle of 45 degrees, the first attempt sees 15 and the second
35."""

BLENDSHAPE_POINTS = (
    *(0, 1, 4, 5, 6, 7, 8, 10, 13, 14, 17, 21, 33, 37, 39, 40, 46, 52, 53, 54, 55, 58, 61, 63, 65, 66, 67, 70, 78, 80),
    *(81, 82, 84, 87, 88, 91, 93, 95, 103, 105, 107, 109, 127, 132, 133, 136, 144, 145, 146, 148, 149, 150, 152, 153),
    *(154, 155, 157, 158, 159, 160, 161, 162, 163, 168, 172, 173, 176, 178, 181, 185, 191, 195, 197, 234, 246, 249),
    *(251, 263, 267, 269, 270, 276, 282, 283, 284, 285, 288, 291, 293, 295, 296, 297, 300, 308, 310, 311, 312, 314),
    *(317, 318, 321, 323, 324, 332, 334, 336, 338, 356, 361, 362, 365, 373, 374, 375, 377, 378, 379, 380, 381, 382),
    *(384, 385, 386, 387, 388, 389, 390, 397, 398, 400, 402, 405, 409, 415, 454, 466, *range(468, 478)),
)
"""Indices of the 146 landmarks that the network for blendshapes reads (mediapipe, face_blendshapes_graph.cc)."""


@dataclass(frozen=True)
class Square:
    """A square in a picture: its ``centre`` (2,), x and y, and its ``side`` in pixels, and its ``roll`` in radians."""

    centre: np.ndarray
    side: float
    roll: float = 0.0

    @property
    def to_picture(self) -> np.ndarray:
        """The matrix (2, 3) from pixels of the network's input to pixels of the picture."""
        x_axis = np.array([np.cos(self.roll), np.sin(self.roll)]) * self.side / SIDE
        axes = np.array([[x_axis[0], -x_axis[1]], [x_axis[1], x_axis[0]]])
        return np.column_stack([axes, self.centre - axes @ np.full(2, SIDE / 2)])


class OpenVinoLandmarker(Pooled):
    """Landmarks and blendshapes of faces, on ``threads`` cores (default: all); the same for any number of them.

    See `vidlib.protocols.FaceLandmarker`.
    """

    name = "MediaPipe's landmarks on OpenVINO (f32)"

    def __init__(self, threads: int | None = None):
        graph = vault.converted("face_landmarker.xml", "face_landmarker", f"{openvino_cpu.version()}-2", _convert)
        # never bfloat16: with its 8 bits, positions in 256 pixels are off by a whole pixel
        self._pool = openvino_cpu.request_pool(graph, "f32", threads or devices.cores())

    def find(
        self, pictures: Sequence[np.ndarray], boxes: Sequence[np.ndarray], rolls: Sequence[float] | None = None
    ) -> list[FaceLandmarks | None]:
        """See `vidlib.protocols.FaceLandmarker`."""
        views = zip(pictures, boxes, [0.0] * len(boxes) if rolls is None else rolls, strict=True)
        return self._pool.map(_find, list(views))


def _find(request: Any, view: tuple[np.ndarray, np.ndarray, float]) -> FaceLandmarks | None:
    """The landmarks of the face in a picture, a box (4,) and with an expected roll angle."""
    picture, box, roll = view
    longer_side = float(max(box[2:] - box[:2]))
    centre = (box[:2] + box[2:]) / 2 + (0, SQUARE_OFFSET * longer_side)
    square = Square(centre, max(1.0, SQUARE_SCALE * longer_side), roll if abs(roll) > MAX_ROLL else 0.0)
    for _ in range(MAX_ATTEMPTS):
        face = _infer(request, picture, square)
        if face is None:
            return None
        centre = (face.points.min(0) + face.points.max(0)) / 2
        if abs(face.roll - square.roll) <= MAX_ROLL:
            break
        square = Square(centre, square.side, face.roll)
    # a face whose centre lies outside the box belongs to another box
    return face if (box[:2] <= centre).all() and (centre <= box[2:]).all() else None


def _infer(request: Any, picture: np.ndarray, square: Square) -> FaceLandmarks | None:
    import cv2

    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    network_input = cv2.warpAffine(
        picture, square.to_picture, (SIDE, SIDE), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    points, presence, blendshapes = request.infer({0: network_input[np.newaxis]}, share_inputs=True).values()
    if presence.item() < MIN_PRESENCE:
        return None
    axes, corner = square.to_picture[:, :2], square.to_picture[:, 2]
    return FaceLandmarks((points @ axes.T + corner).astype(np.float32), blendshapes.copy())


def _convert(bundle: Path, target: Path) -> None:
    """Write both networks of the bundle as one, OpenVINO's ``target``.xml and .bin.

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
        # the scale and position of the points do not change the blendshapes
        shaping = ops.reshape(ops.gather(points, list(BLENDSHAPE_POINTS), 0), [1, len(BLENDSHAPE_POINTS), 2], False)
        shapes.inputs[0].node.output(0).replace(shaping.output(0))
        blendshapes = shapes.outputs[0].node.input_value(0).get_node()
        results = [points, ops.sigmoid(ops.reshape(presence, [1], False)), blendshapes]
        openvino.save_model(openvino.Model(results, [picture]), target, compress_to_fp16=False)
