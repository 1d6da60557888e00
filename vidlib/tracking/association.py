"""Boxes that were detected every few frames, linked into tracks within one shot."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from vidlib.geometry import Detections, overlaps
from vidlib.tracking.blendshapes import BLENDSHAPES

MIN_OVERLAP = 0.2
"""Least intersection over union of two boxes of one track. Low, because a close face that turns or leans moves far in
the frames between two detections, while two faces of one picture hardly overlap at all."""

COASTS_FRAMES = 10
"""Frames (0.4 s) for which something out of sight is taken to move on as it did; then it has mostly stopped."""

Source = Literal["face_landmarker", "object_detector"]


@dataclass
class Track:
    """One face or thing followed through one shot: where it was detected, frames ascending.

    ``blendshapes`` holds (52,) float32 for each frame where landmarks were found; ``mouth`` what the mouth does in each
    frame of its span, (n, features) float32, where somebody looked; ``prints`` holds face prints, (128,), of some;
    ``roll`` is the roll angle of the head when it was last seen, in radians.
    """

    source: Source
    frames: list[int] = field(default_factory=list)
    boxes: list[np.ndarray] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    blendshapes: dict[int, np.ndarray] = field(default_factory=dict)
    mouth: np.ndarray | None = None
    prints: dict[int, np.ndarray] = field(default_factory=dict)
    roll: float = 0.0

    def add(self, frame: int, box: np.ndarray, score: float, label: str) -> None:
        """It was seen again, at a later frame than before."""
        self.frames.append(frame)
        self.boxes.append(box)
        self.scores.append(score)
        self.labels.append(label)

    def expected_at(self, frame: int) -> np.ndarray:
        """Where its box should be at a ``frame`` after the last detection, (4,): it goes on moving for a while."""
        last = self.boxes[-1]
        if len(self.frames) < 2:
            return last
        moved = (last - self.boxes[-2]) / (self.frames[-1] - self.frames[-2])
        middle = (moved[:2] + moved[2:]) / 2  # how fast it seems to grow is mostly noise
        return last + np.tile(middle, 2) * min(frame - self.frames[-1], COASTS_FRAMES)

    def parted(self, frame: int) -> tuple["Track", "Track"]:
        """What it shows before ``frame``, which lies within its span, and from then on."""
        numbers = np.array(self.frames)
        score, at = float(self.scores_at(np.array([frame]))[0]), int(np.searchsorted(numbers, frame))
        before, after = self._part(slice(at), range(frame)), self._part(slice(at, None), range(frame, self.span.stop))
        if before.frames[-1] < frame - 1:
            before.add(frame - 1, self.boxes_at(np.array([frame - 1]))[0], score, self.label)
        if after.frames[0] > frame:
            for known, value in zip(
                (after.frames, after.boxes, after.scores, after.labels),
                (frame, self.boxes_at(np.array([frame]))[0], score, self.label),
                strict=True,
            ):
                known.insert(0, value)
        if self.mouth is not None:
            before.mouth, after.mouth = np.split(self.mouth, [frame - self.span.start])
        return before, after

    def _part(self, detections: slice, frames: range) -> "Track":
        """The detections, and what is known of the frames."""
        return Track(
            self.source,
            self.frames[detections],
            self.boxes[detections],
            self.scores[detections],
            self.labels[detections],
            {frame: shapes for frame, shapes in self.blendshapes.items() if frame in frames},
            prints={frame: one for frame, one in self.prints.items() if frame in frames},
        )

    @property
    def label(self) -> str:
        """The name that it was detected under most often."""
        return Counter(self.labels).most_common(1)[0][0]

    @property
    def span(self) -> range:
        """From the frame where it was first detected to the last, both included."""
        return range(self.frames[0], self.frames[-1] + 1)

    def boxes_at(self, frames: np.ndarray) -> np.ndarray:
        """Its boxes at ``frames``, (n, 4): between two detections on the line from one to the other."""
        known = np.array(self.boxes)
        return np.stack([np.interp(frames, self.frames, edge) for edge in known.T], axis=-1)

    def blendshapes_at(self, frames: np.ndarray) -> np.ndarray:
        """Its blendshapes at ``frames``, (n, 52); NaN where no landmarks were found."""
        unknown = np.full(len(BLENDSHAPES), np.nan, np.float32)
        return np.stack([self.blendshapes.get(frame, unknown) for frame in frames.tolist()])

    def scores_at(self, frames: np.ndarray) -> np.ndarray:
        """How sure its detector was at ``frames``, (n,)."""
        return np.interp(frames, self.frames, self.scores)


class Linker:
    """Links what is detected in the frames of one shot into tracks.

    A detection of at least ``min_score`` begins a track; a weaker one only continues one that is there (the idea of
    ByteTrack: Zhang et al., ECCV 2022). A track that was not seen for more than ``max_gap`` frames has ended.
    """

    def __init__(self, source: Source, *, min_score: float, max_gap: int):
        self.source, self.min_score, self.max_gap = source, min_score, max_gap
        self.tracks: list[Track] = []

    def open_at(self, frame: int) -> list[Track]:
        """The tracks that have begun at ``frame`` and are not over yet, oldest first."""
        return [track for track in self.tracks if track.frames[0] <= frame <= track.frames[-1] + self.max_gap]

    def update(self, frame: int, found: Detections) -> None:
        """Give each detection at ``frame`` to the track it overlaps best, or let it begin one."""
        tracks = self.open_at(frame)
        given = _pairs(tracks, found, frame)
        for index, label in enumerate(found.labels):
            track = given.get(index)
            if track is None:
                if found.scores[index] < self.min_score:
                    continue
                track = Track(self.source)
                self.tracks.append(track)
            track.add(frame, found.boxes[index], float(found.scores[index]), label)


def _pairs(tracks: list[Track], found: Detections, frame: int) -> dict[int, Track]:
    """``{detection: track}`` with the greatest overlap in all, of what was found at ``frame`` and what was expected."""
    if not tracks or not len(found):
        return {}
    from scipy.optimize import linear_sum_assignment

    overlap = overlaps(np.array([track.expected_at(frame) for track in tracks]), found.boxes)
    rows, columns = linear_sum_assignment(overlap, maximize=True)
    return {
        int(column): tracks[row]
        for row, column in zip(rows, columns, strict=True)
        if overlap[row, column] >= MIN_OVERLAP
    }
