"""Data association: detections from every few frames become tracks within one shot."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

import numpy as np

from vidlib.geometry import Detections, overlaps, simplified
from vidlib.tracking.blendshapes import BLENDSHAPES
from vidlib.tracking.face_views import FaceView

MIN_OVERLAP = 0.2
"""Least intersection over union of a track's predicted or last box and a detection that continues the track. It is low
because a close face that turns or leans moves far between two detections, while two faces of a picture hardly
overlap."""

STRAIGHT = 0.1
"""Distance from a straight way, in longer sides of the box, up to which a way counts as straight. A box of every frame
would tremble, and the landmarks with it: a mouth at rest would seem to speak."""

MAX_EXTRAPOLATION_FRAMES = 10
"""Frames (0.4 s) for which something out of sight is expected to move on; after that it has mostly stopped."""

Source = Literal["face_landmarker", "object_detector"]


@dataclass
class Track:
    """One face or object followed through one shot; the lists have an entry for each detection, frames ascending.

    ``boxes`` are (4,) in pixels, ``scores`` in [0, 1]. ``blendshapes`` holds (52,) float32 for each frame where
    landmarks were found, ``views`` what identifies the face in some frames. ``mouth`` holds the encoded mouth in each
    frame of the span, (n, features) float32, if the active speaker model has encoded it. ``roll`` is the last known
    roll angle of the head, in radians.
    """

    source: Source
    frames: list[int] = field(default_factory=list)
    boxes: list[np.ndarray] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    blendshapes: dict[int, np.ndarray] = field(default_factory=dict)
    mouth: np.ndarray | None = None
    views: dict[int, FaceView] = field(default_factory=dict)
    roll: float = 0.0

    def add(self, frame: int, box: np.ndarray, score: float, label: str) -> None:
        """Append a detection; ``frame`` is later than those before."""
        self.frames.append(frame)
        self.boxes.append(box)
        self.scores.append(score)
        self.labels.append(label)

    def predicted_box(self, frame: int) -> np.ndarray:
        """The expected box (4,) at a ``frame`` after the last detection: the track moves on for a while."""
        last_box = self.boxes[-1]
        if len(self.frames) < 2:
            return last_box
        velocity = (last_box - self.boxes[-2]) / (self.frames[-1] - self.frames[-2])
        centre_velocity = (velocity[:2] + velocity[2:]) / 2  # the change in size is mostly noise
        return last_box + np.tile(centre_velocity, 2) * min(frame - self.frames[-1], MAX_EXTRAPOLATION_FRAMES)

    def straighten(self, frames: Collection[int]) -> None:
        """Drop the detections in ``frames`` that lie on a straight way between others."""
        if not frames:
            return
        begin, last = max(0, bisect_left(self.frames, min(frames)) - 1), len(self.frames) - 1
        fixed = [index for index in range(begin, last) if index == begin or self.frames[index] not in frames]
        dropped = set(range(begin, last))
        for first, stop in pairwise([*fixed, last]):
            points = [(index, *self._centre(index)) for index in range(first, stop + 1)]
            tolerance = STRAIGHT * float(max(self.boxes[first][2:] - self.boxes[first][:2]))
            dropped -= {index for index, *_ in simplified(points, tolerance)}
        for index in sorted(dropped, reverse=True):
            del self.frames[index], self.boxes[index], self.scores[index], self.labels[index]

    def _centre(self, index: int) -> tuple[float, float]:
        left, top, right, bottom = self.boxes[index].tolist()
        return (left + right) / 2, (top + bottom) / 2

    def split_at(self, frame: int) -> tuple["Track", "Track"]:
        """The parts before ``frame``, which lies within the span, and from it on.

        A part that has no detection at the split gets an interpolated one there.
        """
        frames = np.array(self.frames)
        score, index = float(self.scores_at(np.array([frame]))[0]), int(np.searchsorted(frames, frame))
        before = self._part(slice(index), range(frame))
        after = self._part(slice(index, None), range(frame, self.span.stop))
        if before.frames[-1] < frame - 1:
            before.add(frame - 1, self.boxes_at(np.array([frame - 1]))[0], score, self.label)
        if after.frames[0] > frame:
            after.frames.insert(0, frame)
            after.boxes.insert(0, self.boxes_at(np.array([frame]))[0])
            after.scores.insert(0, score)
            after.labels.insert(0, self.label)
        if self.mouth is not None:
            before.mouth, after.mouth = np.split(self.mouth, [frame - self.span.start])
        return before, after

    def _part(self, detections: slice, frames: range) -> "Track":
        return Track(
            self.source,
            self.frames[detections],
            self.boxes[detections],
            self.scores[detections],
            self.labels[detections],
            {frame: shapes for frame, shapes in self.blendshapes.items() if frame in frames},
            views={frame: view for frame, view in self.views.items() if frame in frames},
        )

    @property
    def label(self) -> str:
        """The label of most detections."""
        return Counter(self.labels).most_common(1)[0][0]

    @property
    def span(self) -> range:
        """The frames from the first detection to the last, both included."""
        return range(self.frames[0], self.frames[-1] + 1)

    def boxes_at(self, frames: np.ndarray) -> np.ndarray:
        """The boxes at ``frames`` (n,), interpolated linearly between detections: (n, 4)."""
        return np.stack([np.interp(frames, self.frames, edge) for edge in np.array(self.boxes).T], axis=-1)

    def blendshapes_at(self, frames: np.ndarray) -> np.ndarray:
        """The blendshapes at ``frames`` (n,): (n, 52) float32, NaN where no landmarks were found."""
        unknown = np.full(len(BLENDSHAPES), np.nan, np.float32)
        return np.stack([self.blendshapes.get(frame, unknown) for frame in frames.tolist()])

    def scores_at(self, frames: np.ndarray) -> np.ndarray:
        """The detection scores at ``frames`` (n,), interpolated linearly: (n,) in [0, 1]."""
        return np.interp(frames, self.frames, self.scores)


class Associator:
    """Associates the detections in the frames of one shot with tracks.

    A detection of at least ``min_score`` begins a track; a weaker one only continues a track (the idea of ByteTrack:
    Zhang et al., ECCV 2022). A track ends when it has had no detection for more than ``max_gap`` frames.
    """

    def __init__(self, source: Source, *, min_score: float, max_gap: int):
        self.source, self.min_score, self.max_gap = source, min_score, max_gap
        self.tracks: list[Track] = []

    def active_at(self, frame: int) -> list[Track]:
        """The tracks that have begun at ``frame`` and have not ended, oldest first."""
        return [track for track in self.tracks if track.frames[0] <= frame <= track.frames[-1] + self.max_gap]

    def update(self, frame: int, detections: Detections) -> list[Track | None]:
        """Add each detection at ``frame`` to the track that matches best, or begin a track with it.

        Returns the track of each detection; None for one that is too weak to begin a track.
        """
        matches = _match(self.active_at(frame), detections, frame)
        tracks: list[Track | None] = []
        for index, label in enumerate(detections.labels):
            track = matches.get(index)
            if track is None and detections.scores[index] >= self.min_score:
                track = Track(self.source)
                self.tracks.append(track)
            if track is not None:
                track.add(frame, detections.boxes[index], float(detections.scores[index]), label)
            tracks.append(track)
        return tracks


def _match(tracks: Sequence[Track], detections: Detections, frame: int) -> dict[int, Track]:
    """``{index of a detection: track}``, so that the sum of the overlaps is greatest (the Hungarian algorithm)."""
    if not tracks or not len(detections):
        return {}
    from scipy.optimize import linear_sum_assignment

    overlap = overlap_with_tracks(tracks, detections.boxes, frame)
    rows, columns = linear_sum_assignment(overlap, maximize=True)
    return {
        int(column): tracks[row]
        for row, column in zip(rows, columns, strict=True)
        if overlap[row, column] >= MIN_OVERLAP
    }


def overlap_with_tracks(tracks: Sequence[Track], boxes: np.ndarray, frame: int) -> np.ndarray:
    """The overlap of each track with each box (n, 4) of a ``frame``, (tracks, n): where it is expected, or was last.

    What moved may have stopped, so that either place will do.
    """
    expected = np.array([track.predicted_box(frame) for track in tracks])
    last = np.array([track.boxes[-1] for track in tracks])
    return np.maximum(overlaps(expected, boxes), overlaps(last, boxes))
