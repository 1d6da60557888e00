"""Faces and objects of one shot: faces detected every few frames, their landmarks in every frame, objects besides."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

import numpy as np

from vidlib.geometry import Detections
from vidlib.machine.prefetch import run_in_background
from vidlib.protocols import ActiveSpeakerModel, Detector, FaceDetector, FaceEmbedder, FaceLandmarker, FaceLandmarks
from vidlib.timeline import Span
from vidlib.tracking.association import Associator, Track
from vidlib.tracking.face_views import MIN_QUALITY, FaceView, sharpness, view_quality
from vidlib.tracking.following import follow
from vidlib.tracking.identities import split_by_person
from vidlib.tracking.mouth_crops import MouthEncoder

CHUNK_FRAMES = 20
"""Frames in a chunk, about: enough pictures to keep a few cores busy. Four chunks are in memory, 500 MB at 1080p."""

MAX_GAP = 25
"""Frames (1 s at 25 fps) for which a face or object may be hidden, or turned away, and still be the same one."""

WEAK_SCORE_SHARE = 0.6
"""Share of the score that begins a track which is enough to continue one."""

LYING_ROLLS = (np.pi / 2, -np.pi / 2)
"""Roll angles of a face that lies, in radians. The landmark network finds faces within 45 degrees of these."""

MIN_LYING_SHARE = 0.8
"""Share of the frames in which a face has landmarks when it is turned, above which it lies. An upright face in profile
had some in 0.4 of its frames, turned by 90 degrees."""

MIN_LYING_FRAMES = 10
"""Frames, at least, of which that share is taken."""

UNSEEN_FRAMES = 50
"""Frames (2 s) from which on a track with landmarks in less than `MIN_LANDMARK_SHARE` of them, and a mean score below
`FACE_SCORE`, is no face but a pattern or a toy. A face from the side or behind has no landmarks either, but a score of
0.75 or more, or is visible for a shorter time."""

MIN_LANDMARK_SHARE = 0.05

FACE_SCORE = 0.7

BRIEF_FRAMES = 5
"""Frames (0.2 s) below which a track that never scores `FACE_SCORE` is no face but a blur, or too little to tell."""

OBJECT_SCORE = 0.5
"""Score that begins an object's track, in [0, 1]."""

MIN_FACE_SHARE = 0.5
"""A shot counts as one without faces if they are visible in less than this share of it. A shot that begins with a
dissolve from one with faces shows these for a moment."""

NumberedFrame = tuple[int, np.ndarray]
"""The number of a frame in the video, and its picture."""


class TrackView(NamedTuple):
    """A track in one frame: the frame's picture, and the face's ``box`` (4,) in it."""

    track: Track
    frame: int
    picture: np.ndarray
    box: np.ndarray


class FaceSample(NamedTuple):
    """A track in one frame: the frame's picture, the face's ``points`` (5, 2) in it, and the quality of the view."""

    track: Track
    frame: int
    picture: np.ndarray
    points: np.ndarray
    quality: float


@dataclass(frozen=True)
class Chunk:
    """Consecutive ``frames`` of one shot, and the detected ``faces`` for each frame in which they were looked for.

    ``followed`` has those that move, appear or disappear in frames between.
    """

    shot: Span
    frames: list[NumberedFrame]
    faces: dict[int, Detections]
    followed: dict[int, Detections] = field(default_factory=dict)


@dataclass(frozen=True)
class ShotTracker:
    """Tracks the faces and objects of one shot after the other.

    Faces are detected in every ``detect_every``-th frame of a shot, in its first and in its last. Those that have
    moved, appeared or disappeared between two of these frames are followed from frame to frame by ``window_detector``
    (`vidlib.tracking.following`). Faces lower than ``min_face_px`` are dropped; a score of ``min_score``, in (0, 1),
    begins a face's track. Objects are detected twice as often as faces: in shots without faces, in all shots with
    ``always_objects``, never if ``object_detector`` is None. ``speaker_model`` encodes mouths while there is speech.
    """

    face_detector: FaceDetector
    window_detector: Detector
    landmarker: FaceLandmarker
    embedder: FaceEmbedder
    object_detector: Detector | None
    speaker_model: ActiveSpeakerModel | None = None
    always_objects: bool = False
    detect_every: int = 20
    min_face_px: int = 24
    min_score: float = 0.5

    def detect_faces(self, shots: Iterable[Span], pictures: Iterator[np.ndarray]) -> Iterator[Chunk]:
        """Detect the faces in the ``pictures``, (height, width, 3) uint8 RGB, of consecutive shots.

        Nothing here depends on `track`, so that this may run ahead in another thread.
        """
        for shot in shots:
            last: dict[int, Detections] = {}
            for frames in self._chunks(shot, islice(pictures, len(shot))):
                pictures_by_frame = dict(frames)
                searched = [frame for frame in pictures_by_frame if self._is_searched(frame, shot)]
                detections = self.face_detector.detect([pictures_by_frame[frame] for frame in searched])
                faces = dict(zip(searched, map(self._tall, detections), strict=True))
                followed = follow(self.window_detector, pictures_by_frame, last | faces, self.min_score)
                yield Chunk(shot, frames, faces, {frame: self._tall(near) for frame, near in followed.items()})
                last = dict(list(faces.items())[-1:])

    def track(self, shot: Span, chunks: Iterable[Chunk], speech: np.ndarray) -> list[Track]:
        """The tracks of one shot, in order of their first frame.

        ``speech`` (n,) bool marks the frames of the shot in which somebody may speak.
        """
        mouths = MouthEncoder(self.speaker_model, shot.start, speech) if self.speaker_model else None
        faces = Associator("face_landmarker", min_score=self.min_score, max_gap=MAX_GAP)
        objects = Associator("object_detector", min_score=OBJECT_SCORE, max_gap=MAX_GAP)
        with run_in_background() as submit:
            for chunk in chunks:
                samples = _clearest_views(chunk, faces)
                self._find_landmarks(chunk, faces, mouths)
                # these are one or two pictures, too few for two cores, and the result is needed at the shot's end only
                submit(self._embed_and_detect_objects, chunk, samples, objects)
        tracks = [track for track in faces.tracks if _is_face(track)]
        if mouths:
            for track in tracks:
                track.mouth = mouths.features(track)
        tracks = [part for track in tracks for part in split_by_person(track)]
        if self.always_objects or sum(len(track.span) for track in tracks) < MIN_FACE_SHARE * len(shot):
            tracks += objects.tracks
        return sorted(tracks, key=lambda track: track.frames[0])

    def _chunks(self, shot: Span, pictures: Iterable[np.ndarray]) -> Iterator[list[NumberedFrame]]:
        """The frames of a shot in chunks, each of which ends with a frame in which faces are detected."""
        length = self.detect_every * max(1, CHUNK_FRAMES // self.detect_every)
        chunk: list[NumberedFrame] = []
        for frame, picture in enumerate(pictures, shot.start):
            chunk.append((frame, picture))
            if (frame - shot.start) % length == 0 or frame == shot.stop - 1:
                yield chunk
                chunk = []
        if chunk:  # the pictures ended early
            yield chunk

    def _is_searched(self, frame: int, shot: Span) -> bool:
        """Whether faces are detected in the whole picture."""
        return (frame - shot.start) % self.detect_every == 0 or frame == shot.stop - 1

    def _tall(self, faces: Detections) -> Detections:
        """Those that are at least ``min_face_px`` high."""
        return faces.keep(faces.boxes[:, 3] - faces.boxes[:, 1] >= self.min_face_px)

    def _find_landmarks(self, chunk: Chunk, faces: Associator, mouths: MouthEncoder | None) -> None:
        """Find the landmarks of each active track in each frame, also between its detections, and add its mouth."""
        views = [
            TrackView(track, frame, picture, track.boxes_at(np.array([frame]))[0])
            for frame, picture in chunk.frames
            for track in faces.active_at(frame)
        ]
        # the roll angle of the previous chunk: all frames of one chunk are done in parallel
        landmarks = self._landmarks(views, [view.track.roll for view in views])
        self._find_lying(views, landmarks)
        for (track, frame, picture, box), face in zip(views, landmarks, strict=True):
            if face is not None:
                track.blendshapes[frame], track.roll = face.blendshapes, face.roll
            if mouths:
                mouths.add_frame(track, frame, picture, box)

    def _landmarks(self, views: Sequence[TrackView], rolls: Sequence[float]) -> list[FaceLandmarks | None]:
        return self.landmarker.find([view.picture for view in views], [view.box for view in views], rolls)

    def _find_lying(self, views: Sequence[TrackView], landmarks: list[FaceLandmarks | None]) -> None:
        """Fill in the ``landmarks`` of faces that lie: without any so far, but with some in most views when turned.

        Each is tried in the frame of its last detection. A face in profile may have some by chance.
        """
        seen = {id(view.track) for view, face in zip(views, landmarks, strict=True) if face is not None}
        unseen = [view for view in views if id(view.track) not in seen and not view.track.blendshapes]
        tried = [view for view in unseen if view.frame == view.track.frames[-1] for _ in LYING_ROLLS]
        turned = self._landmarks(tried, list(LYING_ROLLS) * (len(tried) // len(LYING_ROLLS)))
        for (track, last, *_), hit in zip(tried, turned, strict=True):
            own = [index for index, view in enumerate(views) if view.track is track and view.frame <= last]
            if hit is None or len(own) < MIN_LYING_FRAMES:
                continue
            faces = self._landmarks([views[index] for index in own], [hit.roll] * len(own))
            if sum(face is not None for face in faces) > MIN_LYING_SHARE * len(own):
                for index, face in zip(own, faces, strict=True):
                    landmarks[index] = face

    def _embed_and_detect_objects(self, chunk: Chunk, samples: list[FaceSample], objects: Associator) -> None:
        self._embed_faces(samples)
        if self.object_detector is not None:
            self._detect_objects(self.object_detector, chunk, objects)

    def _embed_faces(self, samples: list[FaceSample]) -> None:
        embeddings = self.embedder.embed([sample.picture for sample in samples], [sample.points for sample in samples])
        for sample, embedding in zip(samples, embeddings, strict=True):
            sample.track.views[sample.frame] = FaceView(embedding, sample.quality)

    def _detect_objects(self, detector: Detector, chunk: Chunk, objects: Associator) -> None:
        """Detect objects in some of the frames, those without a face or all with ``always_objects``."""
        interval = max(1, self.detect_every // 2)
        frames = [
            (frame, picture)
            for frame, picture in chunk.frames
            if (frame in chunk.faces or (frame - chunk.shot.start) % interval == 0)
            and (self.always_objects or not self._shows_face(chunk, frame))
        ]
        for (frame, _), detections in zip(frames, detector.detect([picture for _, picture in frames]), strict=True):
            objects.update(frame, detections)

    def _shows_face(self, chunk: Chunk, frame: int) -> bool:
        """Whether a face is in the frame, or in the nearest frame in which faces were detected."""
        nearest = min(chunk.faces, key=lambda other: abs(other - frame), default=None)
        return nearest is not None and bool((chunk.faces[nearest].scores >= self.min_score).any())


def _is_face(track: Track) -> bool:
    """Whether the landmarks and detection scores of a finished track are those of a face."""
    n_frames, n_landmarks = len(track.span), sum(frame in track.span for frame in track.blendshapes)
    if n_frames < BRIEF_FRAMES and max(track.scores) < FACE_SCORE:
        return False
    if n_frames < UNSEEN_FRAMES:
        return len(track.frames) > 1 or n_landmarks > 0
    mean_score = float(track.scores_at(np.array(track.span)).mean())
    return n_landmarks >= MIN_LANDMARK_SHARE * n_frames or mean_score >= FACE_SCORE


def _clearest_views(chunk: Chunk, faces: Associator) -> list[FaceSample]:
    """Associate the detections of a chunk with tracks; returns the clearest view of each track in the chunk, if any."""
    pictures = dict(chunk.frames)
    clearest: dict[int, FaceSample] = {}
    for frame, detections in sorted((chunk.faces | chunk.followed).items()):
        tracks = faces.update(frame, detections)
        if detections.points is None:
            continue
        found = zip(tracks, detections.boxes, detections.scores, detections.points, strict=True)
        for track, box, score, points in found:
            quality = view_quality(float(score), sharpness(pictures[frame], box))
            if track is not None and quality > (clearest[id(track)].quality if id(track) in clearest else MIN_QUALITY):
                clearest[id(track)] = FaceSample(track, frame, pictures[frame], points, quality)
    for track in faces.tracks:
        track.straighten(chunk.followed)
    return list(clearest.values())
