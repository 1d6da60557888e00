"""``<stem>_tracking.json``: the place of each face and object in each frame, small enough for After Effects.

`read` also accepts older files, without ``fps``, ``total_frames``, ``confidence``, ``bbox_width`` and ``bbox_height``.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

from pydantic import BaseModel

from vidlib.results.exports import frames_json


class TrackedObject(BaseModel):
    """A face or object in one frame, in whole pixels of the video.

    ``active_speakers`` has the speaker label of this face if it speaks. ``confidence`` is in [0, 1], to three digits.
    """

    id: int
    centroid_x: int
    source: Literal["face_landmarker", "object_detector"]
    label: str
    confidence: float | None = None
    active_speakers: tuple[str, ...] = ()
    bbox_width: int | None = None
    bbox_height: int | None = None


class TrackedFrame(frames_json.NumberedFrame):
    """The objects in one frame."""

    tracked_objects: tuple[TrackedObject, ...]


class TrackingFile(BaseModel):
    """A whole file; ``fps`` and ``total_frames`` are None in an older one."""

    fps: float | None = None
    total_frames: int | None = None
    frames_analysis: tuple[TrackedFrame, ...]


def write(path: Path, frames: Iterable[TrackedFrame], total_frames: int) -> Path:
    """Write every frame of a video, from 1 to ``total_frames``, without holding them in memory."""
    return frames_json.write(path, frames, total_frames)


def stream(path: Path) -> Iterator[TrackedFrame]:
    """The frames of a file that `write` made, one at a time; raises BrokenOutput where it is damaged."""
    return frames_json.stream(path, TrackedFrame)


def read(path: Path) -> TrackingFile:
    """A whole file, also an older one; raises BrokenOutput where it is not a tracking file."""
    return frames_json.read(path, TrackingFile)
