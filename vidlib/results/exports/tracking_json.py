"""``<stem>_tracking.json``: where each face and thing is in each frame, in a file small enough for After Effects.

Older files, without ``fps``, ``total_frames``, ``confidence``, ``bbox_width`` and ``bbox_height``, are read as well.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

from pydantic import BaseModel

from vidlib.results.exports import frames_json


class TrackedObject(BaseModel):
    """A face or thing in one frame; whole pixels; ``active_speakers`` is the voice of this face, if it speaks.

    ``confidence`` in [0, 1], to three digits.
    """

    id: int
    centroid_x: int
    source: Literal["face_landmarker", "object_detector"]
    label: str
    confidence: float | None = None
    active_speakers: tuple[str, ...] = ()
    bbox_width: int | None = None
    bbox_height: int | None = None


class TrackedFrame(BaseModel):
    """What is seen in one frame, counted from 1."""

    frame: int
    tracked_objects: tuple[TrackedObject, ...]


class TrackingFile(BaseModel):
    """A whole file; ``fps`` and ``total_frames`` are None where an older one does not say."""

    fps: float | None = None
    total_frames: int | None = None
    frames_analysis: tuple[TrackedFrame, ...]


def write(path: Path, frames: Iterable[TrackedFrame], total_frames: int) -> Path:
    """Write every frame of a video, from 1 to ``total_frames``, as they come."""
    return frames_json.write(path, frames, total_frames)


def stream(path: Path) -> Iterator[TrackedFrame]:
    """The frames of a file that `write` left, one at a time; raises BrokenOutput where it is damaged."""
    return frames_json.stream(path, TrackedFrame)


def read(path: Path) -> TrackingFile:
    """A whole file, also an older one; raises BrokenOutput where it is none."""
    return frames_json.read(path, TrackingFile)
