"""Who a face in a picture is, by the ground truth of composed videos, or of natural clips labelled in some frames."""

import json
from bisect import bisect_right
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sampled_truth import NEAR_FACES, NEAR_X, NEAR_Y, UNNAMED

from vidlib.errors import UsageError
from vidlib.evaluation import ground_truth
from vidlib.timeline import Span

Named = Callable[[int, np.ndarray], str | None]
"""The person at a frame in a box (4,) of the video's pixels; None where the truth does not tell."""

MAX_FRAMES_APART = 12
"""A label holds this many frames before and after its own."""


class LabelledVideo(NamedTuple):
    """A ``video`` at 25 frames per second, its ``kind`` of footage, its true shots, and who is seen."""

    video: Path
    kind: str
    shots: list[Span]
    named: Named


def labelled(video: Path) -> LabelledVideo:
    """The truth beside the ``video``: STEM.truth.json of a composed one, or STEM.json of a natural clip.

    Composed videos of one folder are one kind of footage. Raises UsageError where neither file is there.
    """
    composed, natural = (video.with_name(video.stem + suffix) for suffix in (ground_truth.SUFFIX, ".json"))
    if composed.exists():
        truth = ground_truth.read(composed)
        return LabelledVideo(video, video.parent.name, truth.spans(), _by_panels(truth))
    if not natural.exists():
        raise UsageError(f"{video} has no truth; expected {composed.name} or {natural.name} beside it")
    clip = json.loads(natural.read_text(encoding="utf-8"))
    starts = sorted([0, *clip["cuts"], *((first + last) // 2 for first, last, _ in clip["gradual"])])
    shots = [Span(start, stop) for start, stop in zip(starts, [*starts[1:], clip["frames"]], strict=True)]
    return LabelledVideo(video, video.stem, shots, _by_labels(clip, starts))


def _by_panels(truth: ground_truth.Truth) -> Named:
    """A face is the person in whose panel its centre lies."""
    parts, unclear = {moment.frame: moment.part for moment in truth.moments()}, truth.unclear()

    def named(frame: int, box: np.ndarray) -> str | None:
        x, y = (box[:2] + box[2:]) / 2
        holding = [face.speaker for face in parts[frame].faces if face.holds(x, y)] if frame not in unclear else []
        return holding[0] if holding else None

    return named


def _by_labels(clip: dict, starts: list[int]) -> Named:
    """A face is the person whose label is nearest in the nearest labelled frame of the same shot."""
    size = np.array(clip["size"])
    labels = {int(frame): [face for face in faces if "id" in face] for frame, faces in clip["faces"].items()}

    def named(frame: int, box: np.ndarray) -> str | None:
        shot = bisect_right(starts, frame)
        near = [at for at in labels if abs(at - frame) <= MAX_FRAMES_APART and bisect_right(starts, at) == shot]
        if not near:
            return None
        allowed = np.maximum(np.array([NEAR_X, NEAR_Y]) / 100 * size, NEAR_FACES * (box[2:] - box[:2]))
        centre = (box[:2] + box[2:]) / 2
        faces = {face["id"]: np.array([face["x"], face["y"]]) / 100 * size for face in labels[_nearest(near, frame)]}
        distances = {name: (np.abs(place - centre) / allowed).max() for name, place in faces.items()}
        name = min(distances, key=distances.__getitem__, default=None)
        return name if name is not None and distances[name] <= 1 and name not in UNNAMED else None

    return named


def _nearest(frames: list[int], frame: int) -> int:
    return min(frames, key=lambda at: abs(at - frame))
