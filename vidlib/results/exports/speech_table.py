"""``speech.parquet``: a row for each frame of one clip, whether anybody speaks in it, and who.

Columns ``frame`` (counted from 1), ``is_speech`` and ``speakers``, the labels in order; speech of nobody known has an
empty list. Somebody speaks in a frame if they do in the middle of it.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vidlib.errors import BrokenOutput
from vidlib.files import atomic_write
from vidlib.timeline import Turn, nearest_frame

if TYPE_CHECKING:
    import pyarrow as pa


def write(path: Path, n_frames: int, speech: Iterable[tuple[float, float]], turns: Sequence[Turn]) -> Path:
    """Write ``n_frames`` rows from the ``(start, stop)`` of all speech and the turns of known speakers, in seconds."""
    is_speech = [False] * n_frames
    for start_s, stop_s in [*speech, *((turn.start_s, turn.stop_s) for turn in turns)]:
        for frame in _frames(start_s, stop_s, n_frames):
            is_speech[frame] = True
    return _write(path, is_speech, turns)


def write_corrected(path: Path, table: "pa.Table", turns: Sequence[Turn]) -> Path:
    """Write the speech of another ``table`` (see `read`), with the speakers of ``turns``, which lie within it."""
    return _write(path, table["is_speech"].to_pylist(), turns)


def _write(path: Path, is_speech: Sequence[bool], turns: Sequence[Turn]) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    n_frames = len(is_speech)
    speakers: list[list[str]] = [[] for _ in range(n_frames)]
    for speaker in sorted({turn.speaker for turn in turns}):
        own = [turn for turn in turns if turn.speaker == speaker]
        for frame in sorted({frame for turn in own for frame in _frames(turn.start_s, turn.stop_s, n_frames)}):
            speakers[frame].append(speaker)
    rows = {"frame": range(1, n_frames + 1), "is_speech": is_speech, "speakers": speakers}
    with atomic_write(path, "wb") as file:
        pq.write_table(pa.table(rows, schema()), file, compression="zstd")
    return path


def read(path: Path) -> "pa.Table":
    """The table in ``path``; raises BrokenOutput unless its frames are 1, 2, 3, ... and only speech has speakers."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path, schema=schema())
    except (OSError, pa.ArrowInvalid) as error:
        raise BrokenOutput(f"{path} is no table of speech: {error}") from error
    if table["frame"].to_pylist() != list(range(1, len(table) + 1)):
        raise BrokenOutput(f"{path}: the frames are not 1 to {len(table)}, each once")
    is_speech, speakers = table["is_speech"].to_pylist(), table["speakers"].to_pylist()
    if any(who and not heard for heard, who in zip(is_speech, speakers, strict=True)):
        raise BrokenOutput(f"{path}: a frame without speech has a speaker")
    return table


def schema() -> "pa.Schema":
    """The table's columns."""
    import pyarrow as pa

    kinds = {"frame": pa.int32(), "is_speech": pa.bool_(), "speakers": pa.list_(pa.string())}
    return pa.schema([pa.field(name, kind, nullable=False) for name, kind in kinds.items()])


def _frames(start_s: float, stop_s: float, n_frames: int) -> range:
    return range(min(nearest_frame(start_s), n_frames), min(nearest_frame(stop_s), n_frames))
