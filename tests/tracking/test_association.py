import numpy as np
import pytest

from vidlib.geometry import Detections
from vidlib.tracking.association import Associator


def detections(*boxes: tuple[int, int, int, int], score: float = 0.9, label: str = "face") -> Detections:
    return Detections(
        np.array(boxes, np.float32).reshape(-1, 4), np.full(len(boxes), score, np.float32), (label,) * len(boxes)
    )


@pytest.fixture
def faces() -> Associator:
    return Associator("face_landmarker", min_score=0.5, max_gap=10)


def test_two_faces_keep_their_tracks_in_whatever_order_they_are_detected(faces):
    faces.update(0, detections((0, 0, 10, 10), (50, 0, 60, 10)))
    faces.update(5, detections((52, 0, 62, 10), (2, 0, 12, 10)))
    first, second = faces.tracks
    assert [box[0] for box in first.boxes] == [0, 2]
    assert [box[0] for box in second.boxes] == [50, 52]


def test_between_two_detections_a_box_moves_on_a_straight_line(faces):
    faces.update(0, detections((0, 0, 10, 10)))
    faces.update(4, detections((4, 0, 14, 20)))
    (track,) = faces.tracks
    assert track.boxes_at(np.arange(5)).tolist() == [[n, 0, 10 + n, 10 + 2.5 * n] for n in range(5)]
    assert track.span == range(5)


def test_two_faces_that_cross_while_hidden_keep_their_tracks(faces):
    for frame in (0, 3, 6):
        faces.update(frame, detections((3 * frame, 0, 3 * frame + 20, 20), (60 - 3 * frame, 0, 80 - 3 * frame, 20)))
    faces.update(9, detections())
    faces.update(12, detections((36, 0, 56, 20), (24, 0, 44, 20)))
    faces.update(15, detections((45, 0, 65, 20), (15, 0, 35, 20)))
    assert [track.boxes[-1][0] for track in faces.tracks] == [45, 15]


def test_a_face_that_moves_and_then_stops_keeps_its_track(faces):
    for frame, x in ((0, 0), (2, 14), (10, 18)):
        faces.update(frame, detections((x, 0, x + 40, 40)))
    assert len(faces.tracks) == 1


def test_a_straight_way_needs_its_ends_only(faces):
    for frame, x in enumerate((0, 11, 20, 29, 40, 30, 20, 10)):
        faces.update(frame, detections((x, 0, x + 100, 100)))
    (track,) = faces.tracks
    track.straighten({1, 2, 3, 4, 5})
    assert track.frames == [0, 4, 6, 7]
    assert [box[0] for box in track.boxes] == [0, 40, 20, 10]


def test_a_face_that_was_hidden_for_a_moment_keeps_its_track(faces):
    faces.update(0, detections((0, 0, 10, 10)))
    faces.update(5, detections())
    faces.update(10, detections((1, 0, 11, 10)))
    assert len(faces.tracks) == 1


def test_a_face_that_was_hidden_for_long_begins_another_track(faces):
    faces.update(0, detections((0, 0, 10, 10)))
    faces.update(11, detections((0, 0, 10, 10)))
    assert len(faces.tracks) == 2


def test_a_face_elsewhere_begins_another_track(faces):
    faces.update(0, detections((0, 0, 10, 10)))
    faces.update(5, detections((30, 0, 40, 10)))
    assert len(faces.tracks) == 2


def test_a_weak_detection_continues_a_track_but_begins_none(faces):
    faces.update(0, detections((0, 0, 10, 10), score=0.4))
    assert faces.tracks == []
    faces.update(5, detections((0, 0, 10, 10), score=0.6))
    faces.update(10, detections((0, 0, 10, 10), score=0.4))
    assert faces.tracks[0].frames == [5, 10]


def test_an_object_has_the_label_of_most_detections():
    objects = Associator("object_detector", min_score=0.5, max_gap=10)
    for frame, label in enumerate(["bird", "person", "bird"]):
        objects.update(frame, detections((0, 0, 10, 10), label=label))
    assert [track.label for track in objects.tracks] == ["bird"]


def test_frames_without_landmarks_have_no_blendshapes(faces):
    faces.update(0, detections((0, 0, 10, 10)))
    (track,) = faces.tracks
    track.blendshapes[1] = np.ones(52, np.float32)
    assert np.isnan(track.blendshapes_at(np.arange(3))).any(axis=1).tolist() == [True, False, True]
