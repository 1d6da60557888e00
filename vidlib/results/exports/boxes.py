"""The boxes of faces and objects, as annotation formats need them: read from ``tracking.parquet``, shot by shot."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from vidlib.results.exports import tracking_table


class Box(NamedTuple):
    """A face or an object in one frame, counted from 0; positions in pixels of the video, confidence in [0, 1]."""

    frame: int
    track_id: int
    label: str
    confidence: float
    x: float
    y: float
    width: float
    height: float
    is_speaking: bool
    speaker: str | None


COLUMNS = (
    *("frame", "track_id", "label", "confidence", "bbox_xmin", "bbox_ymin", "bbox_width", "bbox_height"),
    *("is_speaking", "speaker"),
)
"""The columns of the table that make a box, in its order."""


def read_shots(path: Path) -> Iterator[list[Box]]:
    """The boxes of one shot after the other, in order of frame, then track; raises BrokenOutput for another file."""
    for table in tracking_table.read_shots(path, COLUMNS):
        columns = [table[name].to_pylist() for name in COLUMNS]
        yield [Box(frame - 1, *others) for frame, *others in zip(*columns, strict=True)]


def read(path: Path) -> Iterator[Box]:
    """The boxes of all shots."""
    for boxes in read_shots(path):
        yield from boxes


def labels(path: Path) -> list[str]:
    """The labels in the table: ``face`` first, then the objects in alphabetical order."""
    names = {name for table in tracking_table.read_shots(path, ["label"]) for name in table["label"].to_pylist()}
    return sorted(names, key=lambda name: (name != "face", name))
