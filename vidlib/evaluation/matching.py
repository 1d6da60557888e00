"""Matches the rows of a tracking table with true faces. All figures about faces use this one matching.

The truth gives each face a panel of the picture that holds no other face. A row matches the face if its centre lies in
the panel. If several rows do, the largest one matches, and the others count as false faces.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vidlib.evaluation.ground_truth import TrueFace, Truth

if TYPE_CHECKING:
    import pandas as pd

FACES = "face_landmarker"
"""``source`` of the rows that are faces."""

COLUMNS = [
    *("frame", "track_id", "centroid_x", "centroid_y", "bbox_width", "bbox_height", "is_speaking", "speaker"),
    *("speaking_confidence", "jawOpen"),
]
"""The columns of a tracking table that the matching reads. `jawOpen`, a blendshape, is null without landmarks."""


@dataclass(frozen=True)
class FaceMatch:
    """One true face in one frame (from 0), in shot number ``shot`` (from 0) of a ``kind``.

    ``row`` is the matching row with the `COLUMNS` as attributes (its frame counts from 1), or None for a missed face.
    """

    frame: int
    shot: int
    kind: str
    face: TrueFace
    row: Any

    @property
    def has_landmarks(self) -> bool:
        return self.row is not None and self.row.jawOpen == self.row.jawOpen  # NaN is unequal to itself


@dataclass(frozen=True)
class FaceMatches:
    """All true faces in the evaluated frames, the number of these frames, and the number of false faces in them."""

    matches: tuple[FaceMatch, ...]
    n_frames: int
    n_false: int

    def detected(self) -> Iterator[FaceMatch]:
        """The faces with a matching row, in order of frames."""
        return (match for match in self.matches if match.row is not None)


def match_faces(truth: Truth, tracks: "pd.DataFrame") -> FaceMatches:
    """Match the true faces with the rows of ``tracks``, leaving out the frames of `Truth.unclear`."""
    rows, unclear = _rows_by_frame(tracks), truth.unclear()
    matches: list[FaceMatch] = []
    n_frames = n_false = 0
    for moment in truth.moments():
        if moment.frame in unclear:
            continue
        free = rows[moment.frame]
        for face in moment.part.faces:
            row = next((row for row in free if face.holds(row.centroid_x, row.centroid_y)), None)
            free = [other for other in free if other is not row]
            matches.append(FaceMatch(moment.frame, moment.number, moment.shot.kind, face, row))
        n_frames, n_false = n_frames + 1, n_false + len(free)
    return FaceMatches(tuple(matches), n_frames, n_false)


def _rows_by_frame(tracks: "pd.DataFrame") -> dict[int, list[Any]]:
    """The face rows of each frame (from 0), the largest first."""
    rows: dict[int, list[Any]] = defaultdict(list)
    for row in tracks.loc[tracks.source == FACES, COLUMNS].itertuples(index=False):
        rows[row.frame - 1].append(row)
    for listed in rows.values():
        listed.sort(key=lambda row: (-row.bbox_width * row.bbox_height, row.track_id))
    return rows
