"""All views of all faces of a video, as the step *tracking* sees them, with what variants of it would make of them."""

import pickle
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

import numpy as np
from people.labelled import LabelledVideo

from vidlib.engines import faces
from vidlib.engines.runtime import opencv
from vidlib.media.frames import read_frames
from vidlib.media.probe import probe_video
from vidlib.tracking import face_views, shot_tracker
from vidlib.tracking.association import Associator
from vidlib.tracking.shot_tracker import WEAK_SCORE_SHARE, Chunk, FaceSample, ShotTracker

MIN_SCORE = 0.5
MIN_FACE_PX = 24


class View(NamedTuple):
    """One detection of a face: its ``track`` (shot and number), ``frame``, ``person`` and detection ``score``.

    ``points`` (5, 2) are the detector's, ``sharpness`` as in `face_views`. The embeddings (128,) are aligned by these
    points, and by landmarks where there are any.
    """

    track: tuple[int, int]
    frame: int
    person: str
    score: float
    points: np.ndarray
    sharpness: float
    by_points: np.ndarray
    by_landmarks: np.ndarray | None


@dataclass(frozen=True)
class _Recorder(ShotTracker):
    """Embeds every view; ``seen`` gets the sample and both embeddings."""

    seen: list[tuple[FaceSample, np.ndarray, np.ndarray | None]] = field(default_factory=list)

    def _embed_faces(self, samples: list[FaceSample]) -> None:
        for sample in samples:
            (box,) = sample.track.boxes_at(np.array([sample.frame]))
            (landmarks,) = self.landmarker.find([sample.picture], [box], [sample.track.roll])
            (by_points,) = self.embedder.embed([sample.picture], [sample.points])
            by_landmarks = None if landmarks is None else self.embedder.embed([sample.picture], [landmarks.points])[0]
            self.seen.append((sample, by_points, by_landmarks))


def views_of(labelled: LabelledVideo, cache: Path) -> list[View]:
    """The views of one video whose person is known; the folder ``cache`` keeps them."""
    file = cache / f"{labelled.kind}-{labelled.video.stem}.pickle"
    if not file.exists():
        cache.mkdir(parents=True, exist_ok=True)
        views = list(_look(labelled))
        file.write_bytes(pickle.dumps(views))
    views: list[View] = pickle.loads(file.read_bytes())
    return views


def _look(labelled: LabelledVideo) -> Iterable[View]:
    info = probe_video(labelled.video)
    with ExitStack() as stack, opencv.one_thread(), patch.object(shot_tracker, "_clearest_views", _all_views):
        detectors = [
            faces.open_detector("centerface", "cpu", MIN_SCORE * WEAK_SCORE_SHARE, least_px)
            for least_px in (MIN_FACE_PX, None)
        ]
        engines = [*detectors, faces.open_landmarker(), faces.open_embedder()]
        recorder = _Recorder(*map(stack.enter_context, engines), object_detector=None)
        pictures = read_frames(labelled.video, info.width, info.height)
        for number, shot in enumerate(labelled.shots):
            recorder.seen.clear()
            recorder.track(shot, recorder.detect_faces([shot], pictures), np.zeros(len(shot), bool))
            yield from _views(labelled, number, recorder)


def _views(labelled: LabelledVideo, shot: int, recorder: _Recorder) -> Iterable[View]:
    tracks: dict[int, int] = {}
    for sample, by_points, by_landmarks in recorder.seen:
        at = np.array([sample.frame])
        (box,), (score,) = sample.track.boxes_at(at), sample.track.scores_at(at)
        person = labelled.named(sample.frame, box)
        if person is not None:
            track = shot, tracks.setdefault(id(sample.track), len(tracks))
            sharpness = face_views.sharpness(sample.picture, box)
            yield View(track, sample.frame, person, float(score), sample.points, sharpness, by_points, by_landmarks)


def _all_views(chunk: Chunk, associator: Associator) -> list[FaceSample]:
    """Every detection of a track, in the place of the clearest of a chunk."""
    pictures = dict(chunk.frames)
    return [
        FaceSample(track, frame, pictures[frame], points, 1.0)
        for frame, detections in sorted((chunk.faces | chunk.followed).items())
        for track, points in zip(associator.update(frame, detections), detections.points, strict=True)
        if track is not None
    ]
