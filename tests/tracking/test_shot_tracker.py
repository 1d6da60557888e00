"""Where faces are detected. A picture here is one value: the x position of its only face, or -1 for none."""

import numpy as np
import pytest

from vidlib.geometry import Detections
from vidlib.timeline import Span
from vidlib.tracking.shot_tracker import Chunk, ShotTracker

NONE = -1


class OneFace:
    """Detects the face that a picture describes."""

    def detect(self, pictures):
        return [self._detections(int(picture[0])) for picture in pictures]

    def _detections(self, x: int) -> Detections:
        if x == NONE:
            return Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), ())
        return Detections(np.array([[x, 0, x + 100, 100]], np.float32), np.array([0.9], np.float32), ("face",))


class Embedder:
    """Gives the x position of the left eye as the only number of an embedding."""

    def embed(self, pictures, points):
        return np.array([face[0, :1] for face in points])


def test_the_clearest_view_of_each_chunk_identifies_a_face():
    tracker = ShotTracker(None, NoLandmarks(), Embedder(), object_detector=None)
    turned = np.array([[0, 0], [10, 0], [9, 5], [2, 10], [8, 10.0]])
    frontal, faint = turned + np.array([[0, 0], [0, 0], [-4, 0], [0, 0], [0, 0]]), 0.7
    views = {0: (turned, 0.9), 5: (frontal + 3, 0.9), 10: (frontal, faint), 20: (turned, 0.2)}
    box = np.array([[0, 0, 100, 100.0]])
    faces = {
        frame: Detections(box, np.array([score]), ("face",), points[None]) for frame, (points, score) in views.items()
    }
    chunks = [
        Chunk(Span(0, 21), [(frame, None) for frame in span], {frame: faces[frame] for frame in faces if frame in span})
        for span in (range(11), range(11, 21))
    ]
    (track,) = tracker.track(Span(0, 21), chunks, np.zeros(21, bool))
    assert {frame: (float(view.embedding[0]), round(view.quality, 2)) for frame, view in track.views.items()} == {
        5: (3.0, 1.0)
    }


class NoLandmarks:
    def find(self, pictures, boxes, rolls):
        return [None] * len(pictures)


def detected_frames(positions: list[int], shots: list[Span], detect_every: int = 20) -> list[int]:
    tracker = ShotTracker(OneFace(), landmarker=None, embedder=None, object_detector=None, detect_every=detect_every)
    pictures = (np.array([position]) for position in positions)
    return [frame for chunk in tracker.detect_faces(shots, pictures) for frame in chunk.faces]


def test_a_still_face_is_detected_now_and_then_and_where_shots_begin_and_end():
    assert detected_frames([7] * 100, [Span(0, 50), Span(50, 100)]) == [0, 20, 40, 49, 50, 70, 90, 99]


def test_a_face_that_jumps_is_detected_four_times_as_often():
    assert detected_frames([0] * 27 + [500] * 34, [Span(0, 61)]) == [0, 20, 25, 30, 40, 60]


def test_a_face_that_appears_is_detected_more_often():
    assert detected_frames([NONE] * 33 + [0] * 28, [Span(0, 61)]) == [0, 20, 30, 35, 40, 60]


@pytest.mark.parametrize("detect_every", [1, 2, 3, 7, 20, 25])
def test_no_frame_is_searched_twice_and_no_gap_is_longer_than_asked(detect_every):
    frames = detected_frames([1000 * (frame % 2) for frame in range(90)], [Span(0, 37), Span(37, 90)], detect_every)
    assert frames == sorted(set(frames))
    assert {0, 36, 37, 89} <= set(frames)
    assert max(np.diff(frames)) <= detect_every
