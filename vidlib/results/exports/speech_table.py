"""``speech.parquet``: a row for each frame of one video, with its speakers.

Columns are ``frame`` (from 1), ``is_speech`` and ``speakers``, the labels in order; speech of unknown speakers has an
empty list. A frame belongs to a turn that covers the middle of the frame.
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vidlib.errors import BrokenOutput
from vidlib.files import atomic_write
from vidlib.media.audio import FIRST_TRACK
from vidlib.timeline import Segment, Turn, Turns, nearest_frame

if TYPE_CHECKING:
    import pyarrow as pa


TRACKS = b"vidlib_audio_tracks"
"""Key of the file's metadata for the audio tracks, unless they are the first one alone: JSON such as ``[2, 3]``."""


def write(
    path: Path,
    n_frames: int,
    speech: Iterable[Segment],
    turns: Sequence[Turn],
    tracks: Sequence[int] = FIRST_TRACK,
) -> Path:
    """Write ``n_frames`` rows from the segments of all speech and the turns of known speakers.

    ``tracks`` are the numbers (from 1) of the audio tracks that were analysed.
    """
    is_speech = [False] * n_frames
    for segment in [*speech, *Turns(turns).segments]:
        for frame in _frames(segment, n_frames):
            is_speech[frame] = True
    return _write(path, is_speech, turns, tracks)


def write_corrected(path: Path, table: "pa.Table", turns: Sequence[Turn], tracks: Sequence[int] = FIRST_TRACK) -> Path:
    """Write the speech of another ``table`` (see `read`) with the speakers of ``turns``, which that speech covers."""
    return _write(path, table["is_speech"].to_pylist(), turns, tracks)


def _write(path: Path, is_speech: Sequence[bool], turns: Sequence[Turn], tracks: Sequence[int] = FIRST_TRACK) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    n_frames = len(is_speech)
    speakers: list[list[str]] = [[] for _ in range(n_frames)]
    for speaker, its_turns in Turns(turns).by_speaker().items():
        for frame in {frame for segment in its_turns.segments for frame in _frames(segment, n_frames)}:
            speakers[frame].append(speaker)
    rows = {"frame": range(1, n_frames + 1), "is_speech": is_speech, "speakers": speakers}
    table = pa.table(rows, schema())
    if tuple(tracks) != FIRST_TRACK:
        table = table.replace_schema_metadata({TRACKS: json.dumps(list(tracks))})
    with atomic_write(path, "wb") as file:
        pq.write_table(table, file, compression="zstd")
    return path


def read(path: Path) -> "pa.Table":
    """The table in ``path``; raises BrokenOutput unless frames are 1, 2, 3, ... and only speech has speakers."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path, schema=schema())
    except (OSError, pa.ArrowInvalid) as error:
        raise BrokenOutput(f"{path} is not a speech table: {error}") from error
    if table["frame"].to_pylist() != list(range(1, len(table) + 1)):
        raise BrokenOutput(f"{path}: expected each frame from 1 to {len(table)} once, in order")
    is_speech, speakers = table["is_speech"].to_pylist(), table["speakers"].to_pylist()
    if any(labels and not speech for speech, labels in zip(is_speech, speakers, strict=True)):
        raise BrokenOutput(f"{path}: a frame without speech has a speaker")
    return table


def read_tracks(path: Path) -> tuple[int, ...]:
    """The numbers (from 1) of the audio tracks that the table in ``path`` describes."""
    import pyarrow.parquet as pq

    recorded = (pq.read_schema(path).metadata or {}).get(TRACKS)
    return tuple(json.loads(recorded)) if recorded else FIRST_TRACK


def schema() -> "pa.Schema":
    """The table's columns."""
    import pyarrow as pa

    types = {"frame": pa.int32(), "is_speech": pa.bool_(), "speakers": pa.list_(pa.string())}
    return pa.schema([pa.field(name, type_, nullable=False) for name, type_ in types.items()])


def _frames(segment: Segment, n_frames: int) -> range:
    return range(*(min(nearest_frame(time_s), n_frames) for time_s in segment))
