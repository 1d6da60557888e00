"""``tracking.parquet``: all faces and objects of one video, a row for each frame and track, row groups of whole shots.

Frames and shots count from 1, as in the shot list. Positions are pixels of the video. Rows are in order of frame, then
track. The file's metadata has ``fps``, ``total_frames``, ``width`` and ``height``.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vidlib.errors import BrokenOutput
from vidlib.files import atomic_write
from vidlib.timeline import FPS
from vidlib.tracking.blendshapes import BLENDSHAPES

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


GROUP_ROWS = 20_000
"""Least number of rows in a row group, 5 MB. The statistics of each group's 67 columns stay in memory until the file
is closed. With one group for each shot, these are 100 MB for the thousand shots of an hour."""


@dataclass(frozen=True)
class TrackRows:
    """One face or object in n consecutive frames, from ``start`` (counted from 0) on.

    ``boxes`` (n, 4) xmin, ymin, xmax, ymax in pixels; ``confidence`` and ``speaking_confidence`` (n,) in [0, 1];
    ``is_speaking`` (n,) bool; ``blendshapes`` (n, 52) in [0, 1], NaN where no landmarks were found. ``shot`` counts
    from 1; ``speaker`` is a label such as ``SPEAKER_00``.
    """

    track_id: int
    source: str
    label: str
    speaker: str | None
    shot: int
    start: int
    boxes: np.ndarray
    confidence: np.ndarray
    is_speaking: np.ndarray
    speaking_confidence: np.ndarray
    blendshapes: np.ndarray


def schema() -> "pa.Schema":
    """The table's columns."""
    import pyarrow as pa

    number, text = pa.float32(), pa.string()
    types = {
        "frame": pa.int32(),
        "track_id": pa.int32(),
        "source": text,
        "label": text,
        "confidence": number,
        "centroid_x": number,
        "centroid_y": number,
        "bbox_xmin": number,
        "bbox_ymin": number,
        "bbox_width": number,
        "bbox_height": number,
        "is_speaking": pa.bool_(),
        "speaking_confidence": number,
        "speaker": text,
        "shot": pa.int32(),
    }
    fields = [pa.field(name, type_, nullable=name == "speaker") for name, type_ in types.items()]
    return pa.schema(fields + [pa.field(name, number) for name in BLENDSHAPES])


@contextmanager
def writing(
    path: Path, *, total_frames: int, width: int, height: int
) -> Iterator[Callable[[Sequence[TrackRows]], None]]:
    """A function that writes the tracks of one shot after the other.

    ``path`` appears when the block ends without an exception.
    """
    metadata = {"fps": str(FPS), "total_frames": str(total_frames), "width": str(width), "height": str(height)}
    columns = schema().with_metadata(metadata)
    with _writing_groups(path, columns) as write:

        def write_shot(tracks: Sequence[TrackRows]) -> None:
            if tracks:
                write(_table(tracks, columns))

        yield write_shot


@contextmanager
def _writing_groups(path: Path, columns: "pa.Schema") -> Iterator[Callable[["pa.Table"], None]]:
    """A function that writes the table of one shot after the other, in groups of `GROUP_ROWS` or more."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    pending: list[pa.Table] = []
    with atomic_write(path, "wb") as file, pq.ParquetWriter(file, columns, compression="zstd") as writer:

        def write_group() -> None:
            writer.write_table(pa.concat_tables(pending))
            pending.clear()

        def write(shot: pa.Table) -> None:
            pending.append(shot)
            if sum(map(len, pending)) >= GROUP_ROWS:
                write_group()

        yield write
        if pending:
            write_group()


@dataclass(frozen=True)
class TrackSpeech:
    """When one track speaks: ``is_speaking`` (n,) bool and ``confidence`` (n,) in [0, 1]; its ``speaker`` label."""

    is_speaking: np.ndarray
    confidence: np.ndarray
    speaker: str | None


def add_speech(source: Path, path: Path, speech: Mapping[int, TrackSpeech]) -> None:
    """Copy the table ``source`` to ``path``, with who speaks; ``speech`` maps track ids."""
    import pyarrow.parquet as pq

    columns = pq.read_schema(source)
    copy(source, path, (_with_speech(shot, speech, columns) for shot in read_shots(source)))


def copy(source: Path, path: Path, shots: Iterable["pa.Table"]) -> Path:
    """Write ``shots``, tables of one shot each with the columns of ``source``, to ``path``."""
    import pyarrow.parquet as pq

    with _writing_groups(path, pq.read_schema(source)) as write:
        for shot in shots:
            write(shot)
    return path


def _with_speech(shot: "pa.Table", speech: Mapping[int, TrackSpeech], columns: "pa.Schema") -> "pa.Table":
    import pyarrow as pa

    ids = shot["track_id"].to_numpy()
    is_speaking, confidence = np.zeros(len(ids), bool), np.zeros(len(ids), np.float32)
    speaker = np.full(len(ids), None)
    for track_id in np.unique(ids).tolist():
        if (track_speech := speech.get(track_id)) is not None:
            rows = ids == track_id
            is_speaking[rows], confidence[rows] = track_speech.is_speaking, track_speech.confidence
            speaker[rows] = track_speech.speaker
    for name, values in {"is_speaking": is_speaking, "speaking_confidence": confidence, "speaker": speaker}.items():
        index = columns.get_field_index(name)
        shot = shot.set_column(index, columns.field(index), pa.array(values, columns.field(index).type))
    return shot


def _table(tracks: Sequence[TrackRows], columns: "pa.Schema") -> "pa.Table":
    import pyarrow as pa

    lengths = [len(track.boxes) for track in tracks]
    frames = np.concatenate([np.arange(n) + track.start + 1 for n, track in zip(lengths, tracks, strict=True)])
    ids = np.repeat([track.track_id for track in tracks], lengths)
    order = np.lexsort((ids, frames))

    def of_track(name: str) -> "pa.Array":
        return pa.array([getattr(track, name) for track in tracks]).take(
            np.repeat(np.arange(len(tracks)), lengths)[order]
        )

    def of_row(name: str) -> np.ndarray:
        return np.concatenate([getattr(track, name) for track in tracks])[order]

    values = {"frame": frames[order], **_box_columns(of_row("boxes"))}
    values |= {name: of_track(name) for name in ("track_id", "source", "label", "speaker", "shot")}
    values |= {name: of_row(name) for name in ("confidence", "is_speaking", "speaking_confidence")}
    values |= dict(zip(BLENDSHAPES, of_row("blendshapes").T, strict=True))
    # NaN stands for an unknown value, which is null in the file
    arrays = [pa.array(values[name], from_pandas=True).cast(columns.field(name).type) for name in columns.names]
    return pa.Table.from_arrays(arrays, schema=columns)


def _box_columns(boxes: np.ndarray) -> dict[str, np.ndarray]:
    """The columns about boxes, each (n,), of ``boxes`` (n, 4)."""
    (xmin, ymin), (width, height) = boxes[:, :2].T, (boxes[:, 2:] - boxes[:, :2]).T
    return {
        "centroid_x": xmin + width / 2,
        "centroid_y": ymin + height / 2,
        "bbox_xmin": xmin,
        "bbox_ymin": ymin,
        "bbox_width": width,
        "bbox_height": height,
    }


def read(path: Path) -> "pd.DataFrame":
    """The whole table; raises BrokenOutput where ``path`` is not a tracking table."""
    import pandas as pd

    with _reading(path):
        return pd.read_parquet(path)


def read_shots(path: Path, columns: Sequence[str] | None = None) -> Iterator["pa.Table"]:
    """The rows of one shot after the other, without shots that have no tracks; all ``columns`` unless some are named.

    Raises BrokenOutput where ``path`` is not a tracking table.
    """
    import pyarrow.parquet as pq

    with _reading(path), pq.ParquetFile(path) as file:
        if not file.schema_arrow.equals(schema()):
            raise BrokenOutput(f"{path} does not have the columns of a tracking table")
        wanted = columns or file.schema_arrow.names
        for group in range(file.num_row_groups):
            rows = file.read_row_group(group, columns=list({*wanted, "shot"}))
            (starts,) = np.nonzero(np.diff(rows["shot"].to_numpy(), prepend=0))
            for start, stop in pairwise([*starts.tolist(), len(rows)]):
                yield rows.slice(start, stop - start).select(wanted)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    import pyarrow as pa

    try:
        yield
    except (OSError, pa.ArrowInvalid) as error:
        raise BrokenOutput(f"{path} is not a tracking table: {error}") from error
