import numpy as np
import pytest

from vidlib.geometry import Detections
from vidlib.tracking.association import Linker


def seen(*boxes: tuple[int, int, int, int], score: float = 0.9, label: str = "face") -> Detections:
    shaped = np.array(boxes, np.float32).reshape(-1, 4)
    return Detections(shaped, np.full(len(boxes), score, np.float32), (label,) * len(boxes))


@pytest.fixture
def linker() -> Linker:
    return Linker("face_landmarker", min_score=0.5, max_gap=10)


def test_two_faces_keep_their_tracks_in_whatever_order_they_are_found(linker):
    linker.update(0, seen((0, 0, 10, 10), (50, 0, 60, 10)))
    linker.update(5, seen((52, 0, 62, 10), (2, 0, 12, 10)))
    first, second = linker.tracks
    assert [box[0] for box in first.boxes] == [0, 2]
    assert [box[0] for box in second.boxes] == [50, 52]


def test_between_two_detections_a_box_moves_on_a_line(linker):
    linker.update(0, seen((0, 0, 10, 10)))
    linker.update(4, seen((4, 0, 14, 20)))
    (track,) = linker.tracks
    assert track.boxes_at(np.arange(5)).tolist() == [[n, 0, 10 + n, 10 + 2.5 * n] for n in range(5)]
    assert track.span == range(5)


def test_two_faces_that_cross_behind_something_keep_their_tracks(linker):
    for frame in (0, 3, 6):
        linker.update(frame, seen((3 * frame, 0, 3 * frame + 20, 20), (60 - 3 * frame, 0, 80 - 3 * frame, 20)))
    linker.update(9, seen())
    linker.update(12, seen((36, 0, 56, 20), (24, 0, 44, 20)))
    linker.update(15, seen((45, 0, 65, 20), (15, 0, 35, 20)))
    assert [track.boxes[-1][0] for track in linker.tracks] == [45, 15]


def test_a_face_that_was_hidden_for_a_moment_is_the_same_one(linker):
    linker.update(0, seen((0, 0, 10, 10)))
    linker.update(5, seen())
    linker.update(10, seen((1, 0, 11, 10)))
    assert len(linker.tracks) == 1


def test_a_face_that_was_gone_for_long_is_another_one(linker):
    linker.update(0, seen((0, 0, 10, 10)))
    linker.update(11, seen((0, 0, 10, 10)))
    assert len(linker.tracks) == 2


def test_a_face_elsewhere_is_another_one(linker):
    linker.update(0, seen((0, 0, 10, 10)))
    linker.update(5, seen((30, 0, 40, 10)))
    assert len(linker.tracks) == 2


def test_a_weak_detection_continues_a_track_but_begins_none(linker):
    linker.update(0, seen((0, 0, 10, 10), score=0.4))
    assert linker.tracks == []
    linker.update(5, seen((0, 0, 10, 10), score=0.6))
    linker.update(10, seen((0, 0, 10, 10), score=0.4))
    assert linker.tracks[0].frames == [5, 10]


def test_a_thing_has_the_name_that_it_had_most_often():
    linker = Linker("object_detector", min_score=0.5, max_gap=10)
    for frame, label in enumerate(["bird", "person", "bird"]):
        linker.update(frame, seen((0, 0, 10, 10), label=label))
    assert [track.label for track in linker.tracks] == ["bird"]


def test_frames_without_landmarks_have_no_blendshapes(linker):
    linker.update(0, seen((0, 0, 10, 10)))
    (track,) = linker.tracks
    track.blendshapes[1] = np.ones(52, np.float32)
    assert np.isnan(track.blendshapes_at(np.arange(3))).any(axis=1).tolist() == [True, False, True]
