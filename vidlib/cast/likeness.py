"""Who of the cast looks like a face in a picture."""

from collections.abc import Mapping

import numpy as np

from vidlib.cast.collecting import MIN_FACE_PX
from vidlib.cast.records import Appearance
from vidlib.errors import UsageError
from vidlib.geometry import Detections

MIN_SCORE = 0.5
"""Score of a face in an example, in (0, 1)."""

MAX_DISTANCE = 0.5
"""Distance of single face embeddings from which a face is not shown as similar."""


def embed_largest(picture: np.ndarray, where: str) -> np.ndarray:
    """The embedding (128,) of the largest face in a picture, (height, width, 3) uint8 RGB; ``where`` it is from.

    Raises UsageError where there is no face, or where it is lower than `MIN_FACE_PX`.
    """
    from vidlib.engines import faces

    with faces.open_detector("centerface", "cpu", MIN_SCORE, MIN_FACE_PX // 2) as detector:
        (found,) = detector.detect([picture])
    box = _largest(found, where)
    with faces.open_landmarker() as landmarker, faces.open_embedder() as embedder:
        (face,) = landmarker.find([picture], [box])
        if face is None:
            raise UsageError(f"the largest face in {where} cannot be read; expected a face that looks into the camera")
        embedding: np.ndarray = embedder.embed([picture], [face.points])[0]
    return embedding


def _largest(found: Detections, where: str) -> np.ndarray:
    if not len(found.boxes):
        raise UsageError(f"no face is found in {where}; expected one of at least {MIN_FACE_PX} pixels")
    box: np.ndarray = max(found.boxes, key=lambda box: box[3] - box[1])
    if (height := round(float(box[3] - box[1]))) < MIN_FACE_PX:
        raise UsageError(f"the largest face in {where} is {height} pixels high; expected at least {MIN_FACE_PX}")
    return box


def similar(face: np.ndarray, appearances: Mapping[int, Appearance]) -> list[tuple[int, Appearance, float]]:
    """The appearances that may show this face (128,), each with the distance, the nearest first.

    They are nearer than `MAX_DISTANCE`: a search may show more than a suggestion, as somebody looks at each.
    """
    known = [(number, one, float(np.linalg.norm(one.face.vector - face))) for number, one in appearances.items()]
    return sorted((row for row in known if row[2] < MAX_DISTANCE), key=lambda row: row[2])
