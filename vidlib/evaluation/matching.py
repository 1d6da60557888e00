"""Which row of a tracking table is which true face: the one pairing that all figures about faces are made of.

The truth says in which panel of the picture a face is, and that no other face is in it. So a face is found where the
centre of a row lies in its panel; of several rows there, the largest is taken for it, the others show no face.
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
"""The columns of a tracking table that are read here; the last is one of the blendshapes, null without landmarks."""


@dataclass(frozen=True)
class Pair:
    """One true face in one frame (from 0), in shot number ``shot`` (from 0) of a ``kind``; ``row`` is None if missed.

    ``row`` has the `COLUMNS` as attributes; its own frame counts from 1.
    """

    frame: int
    shot: int
    kind: str
    face: TrueFace
    row: Any | None

    @property
    def has_landmarks(self) -> bool:
        return self.row is not None and self.row.jawOpen == self.row.jawOpen  # NaN is unequal to itself


@dataclass(frozen=True)
class Pairs:
    """All true faces of the frames that are judged, how many frames those are, and how many rows show no face."""

    pairs: tuple[Pair, ...]
    n_frames: int
    n_false: int

    def found(self) -> Iterator[Pair]:
        """Those that were found, in order of frames."""
        return (pair for pair in self.pairs if pair.row is not None)


def pair_up(truth: Truth, tracks: "pd.DataFrame") -> Pairs:
    """Pair the true faces with rows of ``tracks``; frames in which two shots are mixed, or a flash, do not count."""
    rows, unclear = _rows_by_frame(tracks), truth.unclear()
    pairs: list[Pair] = []
    n_frames = n_false = 0
    for moment in truth.moments():
        if moment.frame in unclear:
            continue
        free = rows[moment.frame]
        for face in moment.part.faces:
            row = next((row for row in free if face.holds(row.centroid_x, row.centroid_y)), None)
            free = [other for other in free if other is not row]
            pairs.append(Pair(moment.frame, moment.number, moment.shot.kind, face, row))
        n_frames, n_false = n_frames + 1, n_false + len(free)
    return Pairs(tuple(pairs), n_frames, n_false)


def _rows_by_frame(tracks: "pd.DataFrame") -> dict[int, list[Any]]:
    """The faces of each frame, from 0, the largest first."""
    rows: dict[int, list[Any]] = defaultdict(list)
    for row in tracks.loc[tracks.source == FACES, COLUMNS].itertuples(index=False):
        rows[row.frame - 1].append(row)
    for listed in rows.values():
        listed.sort(key=lambda row: (-row.bbox_width * row.bbox_height, row.track_id))
    return rows
