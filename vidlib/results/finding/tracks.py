"""What the tracking of a video shows in each shot, read from the table or, in older archives, from the JSON file."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vidlib.errors import BrokenOutput
from vidlib.results.exports import tracking_json
from vidlib.tracking.blendshapes import BLENDSHAPES

if TYPE_CHECKING:
    import pyarrow as pa

FACE = "face_landmarker"
SMILE = (BLENDSHAPES.index("mouthSmileLeft"), BLENDSHAPES.index("mouthSmileRight"))
"""A smile is the mean of both."""

TEXTS = ["source", "label", "speaker"]
COLUMNS = ("frame", "track_id", "bbox_height", *TEXTS, *BLENDSHAPES)
"""The columns of a tracking table that are read. Of `TEXTS`, each value is decoded once."""


@dataclass(frozen=True)
class Rows:
    """Faces and objects, a row for each track in each frame, in order of frames, which count from 0.

    All have n rows. ``label`` and ``speaker`` are objects. ``height`` is a share of the height of the picture, or NaN.
    ``blendshapes`` is (n, 52) with NaN where no landmarks were found, or None.
    """

    frame: np.ndarray
    track: np.ndarray
    is_face: np.ndarray
    label: np.ndarray
    speaker: np.ndarray
    height: np.ndarray
    blendshapes: np.ndarray | None

    def speaker_of_face(self) -> dict[int, str]:
        """The speaker that each track of a face belongs to, for those that have one."""
        pairs = zip(self.track[self.is_face].tolist(), self.speaker[self.is_face].tolist(), strict=True)
        return {track: speaker for track, speaker in pairs if speaker}


@dataclass
class Seen:
    """What is seen in one shot; see `vidlib.results.finding.facts.Shot`."""

    faces: int = 0
    face_height: int | None = None
    smile: int | None = None
    blendshapes: tuple[int, ...] | None = None
    face_tracks: set[int] = field(default_factory=set)
    objects: set[str] = field(default_factory=set)


def read(files: Mapping[str, Path]) -> Rows | None:
    """The rows of an entry's ``files``; None without tracking. Raises BrokenOutput if a file is damaged."""
    if "tracking_parquet" in files:
        return _from_parquet(files["tracking_parquet"])
    if "tracking_json" in files:
        return _from_json(files["tracking_json"])
    return None


def _from_parquet(path: Path) -> Rows:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path, read_dictionary=TEXTS) as file:
            table = file.read(columns=list(COLUMNS), use_threads=False)
            about = file.schema_arrow.metadata or {}
        blendshapes = _shares(table.select(BLENDSHAPES))
        text = {name: _objects(table[name]) for name in TEXTS}
    except (pa.ArrowInvalid, KeyError, OSError) as error:
        raise BrokenOutput(f"{path} is not a tracking table: {error}") from error
    return Rows(
        frame=table["frame"].to_numpy() - 1,
        track=table["track_id"].to_numpy(),
        is_face=text["source"] == FACE,
        label=text["label"],
        speaker=text["speaker"],
        height=table["bbox_height"].to_numpy() / (float(about.get(b"height", 0)) or np.nan),
        blendshapes=blendshapes,
    )


def _shares(table: "pa.Table") -> np.ndarray:
    """All columns of ``table`` as one array (n, columns), NaN where a value is missing."""
    import pyarrow as pa

    if not len(table):
        return np.empty(table.shape, np.float32)
    return pa.concat_batches(table.to_batches()).to_tensor(null_to_nan=True).to_numpy()


def _objects(column: "pa.ChunkedArray") -> np.ndarray:
    """The texts (n,) of a dictionary column, None where one is missing."""
    values = column.combine_chunks()
    codes = values.indices.fill_null(len(values.dictionary)).to_numpy()
    return np.array([*values.dictionary.to_pylist(), None], object)[codes]


def _from_json(path: Path) -> Rows:
    rows = [(frame.frame, row) for frame in tracking_json.read(path).frames_analysis for row in frame.tracked_objects]
    speakers = np.array([next(iter(row.active_speakers), None) for _, row in rows], object)
    return Rows(
        frame=np.array([frame - 1 for frame, _ in rows], int),
        track=np.array([row.id for _, row in rows], int),
        is_face=np.array([row.source == FACE for _, row in rows], bool),
        label=np.array([row.label for _, row in rows], object),
        speaker=speakers,
        height=np.full(len(rows), np.nan),  # the file does not know the size of the picture
        blendshapes=None,
    )


def by_shot(rows: Rows, spans: Sequence[tuple[int, int]]) -> Iterator[Seen]:
    """What is seen in each of the ``spans``, first frame and frame after the last one, of shots."""
    for start, stop in spans:
        first, last = np.searchsorted(rows.frame, [start, stop])
        yield _seen(rows, slice(first, last))


def _seen(rows: Rows, part: slice) -> Seen:
    is_face = rows.is_face[part]
    frames = rows.frame[part][is_face]
    seen = Seen(objects=set(rows.label[part][~is_face].tolist()))
    if not len(frames):
        return seen
    seen.faces = int(np.bincount(frames - frames[0]).max())
    seen.face_tracks = set(rows.track[part][is_face].tolist())
    seen.face_height = _per_mille(rows.height[part][is_face])
    if rows.blendshapes is not None:
        shapes = rows.blendshapes[part][is_face]
        shapes = shapes[~np.isnan(shapes[:, 0])]
        if len(shapes):
            seen.smile = _per_mille(shapes[:, SMILE].astype(float).mean(axis=1))
            highest = shapes.max(axis=0).astype(float)
            seen.blendshapes = tuple(np.floor(highest * 1000 + 0.5).astype(int).tolist())
    return seen


def _per_mille(shares: np.ndarray) -> int | None:
    """The largest of ``shares`` (n,), rounded per mille; None where all are NaN.

    >>> _per_mille(np.array([0.25, np.nan, 0.4004]))
    400
    """
    known = shares[~np.isnan(shares)]
    return int(np.floor(known.max() * 1000 + 0.5)) if len(known) else None
