"""What a correction is about: a place in time and picture, which is found again in results of another analysis.

A track number or a speaker label belongs to one analysis only. A correction therefore keeps where the track was, or
when the speaker was heard.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated

import numpy as np
from pydantic import Field

from vidlib import geometry
from vidlib.params import Frozen
from vidlib.timeline import FPS, Turn, nearest_frame

MAX_SAMPLES = 40
"""Boxes of a track, and turns of a speaker, that an anchor keeps at most."""

SAMPLE_EVERY = 5
"""Frames from one box of an anchor to the next, at least."""

MIN_IOU = 0.5
"""Intersection over union above which two boxes of one frame show the same face."""

MIN_SHARE = 0.6
"""Share of the frames in which a track must show the same face, and share of the time in which both are seen."""

MIN_SPOKEN_SHARE = 0.5
"""Share of a speaker's time in which one label must be heard for it to be that speaker."""

Frame = Annotated[int, Field(ge=0, lt=2**31)]
"""A frame, from 0."""

Pixel = Annotated[int, Field(ge=-(2**20), le=2**20)]


class TrackAnchor(Frozen):
    """Where a track was: its frames ``start`` to ``stop``, and ``boxes``: frame, xmin, ymin, xmax, ymax in pixels."""

    start: Frame
    stop: Frame
    boxes: tuple[tuple[Frame, Pixel, Pixel, Pixel, Pixel], ...] = Field(min_length=1, max_length=MAX_SAMPLES)


class SpeakerAnchor(Frozen):
    """When a speaker was heard: the longest turns, as frames ``start, stop``; none for a new speaker."""

    spans: tuple[tuple[Frame, Frame], ...] = Field((), max_length=MAX_SAMPLES)


class TrackBoxes:
    """One track: its ``frames`` (n,), rising, and its ``boxes`` (n, 4) xmin, ymin, xmax, ymax in pixels."""

    def __init__(self, frames: np.ndarray, boxes: np.ndarray):
        self.frames, self.boxes = frames, boxes

    def __len__(self) -> int:
        return len(self.frames)

    def split(self, frame: int) -> tuple["TrackBoxes", "TrackBoxes"]:
        """The track before ``frame``, and from it on."""
        index = int(np.searchsorted(self.frames, frame))
        parts = slice(None, index), slice(index, None)
        first, rest = (TrackBoxes(self.frames[part], self.boxes[part]) for part in parts)
        return first, rest


def anchor_track(track: TrackBoxes) -> TrackAnchor:
    """The anchor of a track."""
    step = max(SAMPLE_EVERY, -(-len(track) // MAX_SAMPLES))
    boxes = np.column_stack([track.frames, np.rint(track.boxes)])[::step].astype(int)
    start, stop = int(track.frames[0]), int(track.frames[-1]) + 1
    return TrackAnchor(start=start, stop=stop, boxes=tuple(map(tuple, boxes.tolist())))


def find_track(anchor: TrackAnchor, tracks: Mapping[int, TrackBoxes], number: int) -> int | None:
    """The track that the anchor is about; None where none fits. Of two that fit alike, the one called ``number``.

    In at least `MIN_SHARE` of the frames of the anchor its box is the same (`MIN_IOU`), and both are seen in at least
    `MIN_SHARE` of the time in which one of them is.
    """
    samples = np.array(anchor.boxes)
    fits = {other: _fit(anchor, samples, track) for other, track in tracks.items()}
    best = max(fits, key=lambda other: (fits[other], other == number), default=None)
    return best if best is not None and fits[best] > 0 else None


def _fit(anchor: TrackAnchor, samples: np.ndarray, track: TrackBoxes) -> float:
    """How well ``track`` fits an anchor with these ``samples`` (n, 5): the product of both shares; 0 if one is low."""
    start, stop = int(track.frames[0]), int(track.frames[-1]) + 1
    shared = min(stop, anchor.stop) - max(start, anchor.start)
    time_share = shared / (max(stop, anchor.stop) - min(start, anchor.start))
    if time_share < MIN_SHARE:
        return 0.0
    at = np.searchsorted(track.frames, samples[:, 0]).clip(max=len(track) - 1)
    present = track.frames[at] == samples[:, 0]
    same = [
        bool(geometry.overlaps(box[None], other[None])[0, 0] >= MIN_IOU)
        for box, other in zip(samples[present, 1:], track.boxes[at[present]], strict=True)
    ]
    share = sum(same) / len(samples)
    return share * time_share if share >= MIN_SHARE else 0.0


def anchor_speaker(turns: Iterable[Turn], speaker: str) -> SpeakerAnchor:
    """The anchor of a speaker: his or her longest turns, in order; none for a label without turns."""
    spans = {(nearest_frame(turn.start_s), nearest_frame(turn.stop_s)) for turn in turns if turn.speaker == speaker}
    longest = sorted((span for span in spans if span[0] < span[1]), key=lambda span: (span[0] - span[1], span))
    return SpeakerAnchor(spans=tuple(sorted(longest[:MAX_SAMPLES])))


def find_speaker(anchor: SpeakerAnchor, turns: Sequence[Turn]) -> str | None:
    """The label that is heard in at least `MIN_SPOKEN_SHARE` of the anchor's time; None where there is none."""
    if not anchor.spans or not turns:
        return None
    spans = np.array(anchor.spans) / float(FPS)
    times = np.array([turn.segment for turn in turns])
    shared = np.minimum(times[:, None, 1], spans[:, 1]) - np.maximum(times[:, None, 0], spans[:, 0])
    heard: dict[str, float] = defaultdict(float)
    for turn, shared_s in zip(turns, shared.clip(0).sum(axis=1).tolist(), strict=True):
        heard[turn.speaker] += shared_s
    best = max(sorted(heard), key=heard.__getitem__)
    return best if heard[best] >= MIN_SPOKEN_SHARE * np.diff(spans).sum() else None
