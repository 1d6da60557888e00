"""YuNet: a very small face detector in OpenCV.

Wu, Peng, Yu, "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence Research, 2023; weights of OpenCV's
model zoo (MIT).
"""

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np

from vidlib import vault
from vidlib.engines.runtime.pool import Pool, Pooled
from vidlib.geometry import Detections
from vidlib.machine import devices

NETWORK_FACE_PX = 16
"""Height of the lowest face, in the pixels of the network's input. The picture is scaled accordingly, never up."""

MAX_OVERLAP = 0.3
"""Intersection over union above which two detections are one face (as published)."""

MAX_CANDIDATES = 5000
"""Candidates that are compared with each other (as published)."""


class YuNet(Pooled):
    """YuNet on the CPU: as many pictures at once as there are cores, each on one core. ``threshold`` is in (0, 1)."""

    def __init__(self, threshold: float = 0.5, min_face_px: int | None = 24):
        self._scale = min(1.0, NETWORK_FACE_PX / min_face_px) if min_face_px else 1.0
        self._pool = Pool(lambda: nullcontext(_network(threshold)), devices.cores())
        self.name = "YuNet in OpenCV"

    def detect(self, pictures: Sequence[np.ndarray]) -> list[Detections]:
        """See `vidlib.protocols.FaceDetector`."""
        return self._pool.map(self._detect, pictures)

    def _detect(self, network: Any, picture: np.ndarray) -> Detections:
        import cv2

        height, width = picture.shape[:2]
        scaled = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
        scaled = cv2.resize(scaled, None, fx=self._scale, fy=self._scale, interpolation=cv2.INTER_AREA)
        network.setInputSize(scaled.shape[1::-1])
        faces = network.detect(scaled)[1]
        if faces is None:
            faces = np.zeros((0, 15), np.float32)  # x, y, width, height, five points, score
        corners = np.concatenate([faces[:, :2], faces[:, :2] + faces[:, 2:4]], axis=1)
        to_picture = np.array([width, height]) / np.array(scaled.shape[1::-1])
        boxes = (corners * np.tile(to_picture, 2)).clip(0, [width, height] * 2).astype(np.float32)
        points = (faces[:, 4:14].reshape(-1, 5, 2) * to_picture).astype(np.float32)
        return Detections(boxes, faces[:, -1].astype(np.float32), ("face",) * len(faces), points)


def _network(threshold: float) -> Any:
    import cv2

    # `detect` sets the size for each picture
    return cv2.FaceDetectorYN.create(str(vault.path("yunet")), "", (320, 320), threshold, MAX_OVERLAP, MAX_CANDIDATES)
