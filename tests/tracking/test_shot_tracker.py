"""Where faces are detected and followed. A picture is black, with a white square of 20 pixels as its only face."""

from itertools import chain

import numpy as np
import pytest

from vidlib.geometry import Detections
from vidlib.protocols import EYE_CORNERS, FaceLandmarks
from vidlib.timeline import Span
from vidlib.tracking.association import Track
from vidlib.tracking.shot_tracker import Chunk, ShotTracker

NONE = None
"""In place of a position: no face."""

PICTURE = np.random.default_rng(1).integers(0, 255, (100, 100, 3), np.uint8)


class WhiteSquare:
    """Detects the white square of a picture or window."""

    def detect(self, pictures):
        return [self._detections(picture[..., 0] > 127) for picture in pictures]

    def _detections(self, white: np.ndarray) -> Detections:
        if not white.any():
            return Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), ())
        (top, left), (bottom, right) = (edge(np.argwhere(white), axis=0) for edge in (np.min, np.max))
        box = np.array([[left, top, right + 1, bottom + 1]], np.float32)
        return Detections(box, np.array([0.9], np.float32), ("face",))


class Embedder:
    """Gives the x position of the left eye as the only number of an embedding."""

    def embed(self, pictures, points):
        return np.array([face[0, :1] for face in points])


def test_the_clearest_view_of_each_chunk_identifies_a_face():
    tracker = ShotTracker(None, None, NoLandmarks(), Embedder(), object_detector=None)
    box = np.array([[0, 0, 100, 100.0]])
    faces = {
        frame: Detections(box, np.array([score]), ("face",), np.full((1, 5, 2), float(frame)))
        for frame, score in {0: 0.7, 5: 0.9, 10: 0.8, 20: 0.53}.items()
    }
    chunks = [
        Chunk(
            Span(0, 21), [(frame, PICTURE) for frame in span], {frame: faces[frame] for frame in faces if frame in span}
        )
        for span in (range(11), range(11, 21))
    ]
    (track,) = tracker.track(Span(0, 21), chunks, np.zeros(21, bool))
    assert {frame: (float(view.embedding[0]), round(view.quality, 2)) for frame, view in track.views.items()} == {
        5: (5.0, 1.0)
    }


class NoLandmarks:
    def find(self, pictures, boxes, rolls):
        return [None] * len(pictures)


class Lying:
    """Finds the landmarks of a face that lies on its left side."""

    points = np.zeros((478, 2), np.float32)
    points[EYE_CORNERS[1], 1] = 10

    def __init__(self, seen_in_every: int = 1) -> None:
        self.seen_in_every = seen_in_every

    def find(self, pictures, boxes, rolls):
        face = FaceLandmarks(self.points, np.zeros(52, np.float32))
        seen = [index % self.seen_in_every == 0 and abs(roll - np.pi / 2) < 1 for index, roll in enumerate(rolls)]
        return [face if is_seen else None for is_seen in seen]


def tracked(score: float, n_frames: int, landmarker: object) -> list[Track]:
    """The tracks of a shot in which a face with this score stands still."""
    span, box = Span(0, n_frames), np.array([[0, 0, 100, 100.0]])
    faces = {frame: Detections(box, np.array([score]), ("face",)) for frame in (*range(0, n_frames, 20), n_frames - 1)}
    tracker = ShotTracker(None, None, landmarker, Embedder(), object_detector=None)
    chunks = [Chunk(span, [(frame, None) for frame in range(n_frames)], faces)]
    return tracker.track(span, chunks, np.zeros(n_frames, bool))


def test_a_face_that_lies_has_landmarks_in_every_frame():
    (track,) = tracked(0.6, 60, Lying())
    assert list(track.blendshapes) == list(range(60))


def test_a_face_with_landmarks_in_half_of_its_frames_when_turned_does_not_lie():
    (track,) = tracked(0.8, 60, Lying(seen_in_every=2))
    assert not track.blendshapes


@pytest.mark.parametrize(
    ("score", "n_frames", "is_face"),
    [(0.6, 60, False), (0.6, 40, True), (0.8, 60, True), (0.6, 4, False), (0.8, 4, True)],
)
def test_what_never_has_landmarks_and_looks_little_like_a_face_is_none(score, n_frames, is_face):
    assert bool(tracked(score, n_frames, NoLandmarks())) == is_face


def picture(x: int | None) -> np.ndarray:
    picture = np.zeros((60, 400, 3), np.uint8)
    if x is not None:
        picture[20:40, x : x + 20] = 255
    return picture


def detected(positions: list[int | None], shots: list[Span], detect_every: int = 20) -> tuple[list[int], dict]:
    """The frames whose whole picture is searched, and the x position in each frame with a face that was followed."""
    tracker = ShotTracker(
        WhiteSquare(),
        WhiteSquare(),
        landmarker=None,
        embedder=None,
        object_detector=None,
        detect_every=detect_every,
        min_face_px=10,
    )
    chunks = list(tracker.detect_faces(shots, map(picture, positions)))
    followed = chain.from_iterable(chunk.followed.items() for chunk in chunks)
    return [frame for chunk in chunks for frame in chunk.faces], {
        frame: round(float(faces.boxes[0, 0])) for frame, faces in followed
    }


def test_a_still_face_is_detected_now_and_then_and_where_shots_begin_and_end():
    assert detected([7] * 100, [Span(0, 50), Span(50, 100)]) == ([0, 20, 40, 49, 50, 70, 90, 99], {})


def test_a_face_that_appears_or_disappears_is_followed_to_that_frame():
    _, followed = detected([NONE] * 33 + [50] * 40 + [NONE] * 8, [Span(0, 81)])
    assert followed == dict.fromkeys(chain(range(33, 40), range(61, 73)), 50)


def test_a_face_that_moves_is_followed_once_from_both_sides():
    positions = [5 * min(max(frame - 25, 0), 30) for frame in range(61)]
    _, followed = detected(positions, [Span(0, 61)])
    assert all(abs(x - positions[frame]) <= 1 for frame, x in followed.items())
    assert {*range(21, 40), *range(41, 60)} == set(followed)


def test_a_face_that_jumps_is_in_both_places_up_to_the_jump():
    _, followed = detected([0] * 27 + [300] * 34, [Span(0, 61)])
    assert followed == {frame: 0 if frame < 27 else 300 for frame in range(21, 40)}


@pytest.mark.parametrize("detect_every", [1, 2, 3, 7, 20, 25])
def test_no_frame_is_searched_twice_and_no_gap_is_longer_than_asked(detect_every):
    positions = [300 * (frame % 2) for frame in range(90)]
    frames, _ = detected(positions, [Span(0, 37), Span(37, 90)], detect_every)
    assert frames == sorted(set(frames))
    assert {0, 36, 37, 89} <= set(frames)
    assert max(np.diff(frames)) <= detect_every
