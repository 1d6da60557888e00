import re
from dataclasses import replace

import numpy as np
import pytest

from vidlib.results.exports.tracking_table import TrackRows
from vidlib.results.review import questions
from vidlib.steps.tracking.statistics import TrackedShot, TrackingStatistics
from vidlib.timeline import Shot, Span
from vidlib.tracking.face_views import FaceView
from vidlib.tracking.speaker_assignment import FaceEvidence, SpeakerAssignment
from vidlib.tracking.speaking import Sound, SpeakerMatch

N = 40
VIEW = FaceView(np.zeros(128), 1.0)
SOUND = Sound(100, np.full(N, True), [["SPEAKER_00"]] * N, np.zeros(0, np.float32))


def doubts(
    blended: tuple[int, ...] = (), view: FaceView | None = VIEW, **changed: object
) -> list[tuple[str, int, float]]:
    """The doubts about face 7, which is visible and speaks in a whole shot from frame 100 on."""
    face = FaceEvidence(7, 100, np.full(N, 2.0), view)
    assignment = {
        "person": 2,
        "person_confidence": 0.9,
        "confidence": np.full(N, 0.9),
        "speaker": SpeakerMatch("SPEAKER_00", 0.9),
    }
    statistics = TrackingStatistics()
    statistics.add_speech(SOUND, [SpeakerAssignment(face, **assignment | changed)], blended)
    return [(doubt.message.split("?")[0], doubt.frame, doubt.confidence) for doubt in statistics.review_items]


def test_high_confidences_raise_no_doubt():
    assert doubts() == []


@pytest.mark.parametrize(
    ("changed", "doubt"),
    [
        ({"person_confidence": 0.5}, ("is face 7 person 3", 100, 0.5)),
        ({"speaker": SpeakerMatch("SPEAKER_00", 0.6)}, ("does SPEAKER_00 belong to face 7", 100, 0.6)),
    ],
    ids=["who it is", "whose label"],
)
def test_a_low_confidence_raises_a_doubt_unless_the_track_is_blended(changed, doubt):
    assert doubts(**changed) == [doubt]
    assert doubts((7,), **changed) == []


def test_faces_without_an_embedding_share_one_doubt_about_who_they_are():
    assert doubts(view=None, person_confidence=0.5) == [
        ("faces never seen clearly in this shot: 1; do other shots show the same people", 100, 0.5)
    ]
    assert doubts((7,), view=None, person_confidence=0.5) == []


@pytest.mark.parametrize(("n_faces", "n_questions"), [(4, 4), (5, 1)])
def test_the_doubted_people_of_a_crowd_are_one_question(n_faces, n_questions):
    crowd = [
        SpeakerAssignment(FaceEvidence(number, 100, np.full(N, 2.0), VIEW), number, 0.6, np.full(N, 0.9), None)
        for number in range(n_faces)
    ]
    statistics = TrackingStatistics()
    statistics.add_speech(SOUND, crowd, ())
    assert len(questions([("tracking", item) for item in statistics.review_items], N)) == n_questions


def test_a_face_without_landmarks_is_doubted_as_much_as_its_detection():
    turned = replace(face(1, 100, 200), blendshapes=np.full((100, 52), np.nan))
    statistics = TrackingStatistics()
    statistics.add_shot(TrackedShot(Shot(Span(100, 200), "cut"), [turned], []))
    (doubt,) = statistics.review_items
    assert (doubt.kind, doubt.confidence, doubt.frames) == ("landmarks", pytest.approx(0.9), 100)


def test_speech_of_no_visible_face_is_doubted_from_its_first_frame():
    silent = np.where(np.arange(N) < 10, 0.95, 0.05)
    (found,) = doubts(confidence=silent)
    assert found == ("somebody speaks for 1.2 s, but no visible face speaks", 110, pytest.approx(0.85))


def face(track_id: int, start: int, stop: int) -> TrackRows:
    n = stop - start
    return TrackRows(
        track_id=track_id,
        source="face_landmarker",
        label="face",
        speaker=None,
        shot=1,
        start=start,
        boxes=np.tile([10.0, 10, 60, 60], (n, 1)),
        confidence=np.full(n, 0.9),
        is_speaking=np.zeros(n, bool),
        speaking_confidence=np.zeros(n),
        blendshapes=np.zeros((n, 52)),
    )


@pytest.mark.parametrize(
    ("faces", "expected"),
    [
        ([(100, 200)], []),
        ([(100, 140), (140, 200)], []),
        ([(100, 140), (141, 200)], [("face 1 disappears before the shot ends", 139, 0.5)]),
        ([(120, 200)], [("face 1 appears after the shot begins", 100, 0.5)]),
        ([(110, 190)], []),
    ],
    ids=["whole shot", "split", "another one later", "late", "nearly the whole shot"],
)
def test_a_face_that_begins_or_ends_within_its_shot_is_doubted(faces, expected):
    statistics = TrackingStatistics()
    statistics.add_shot(
        TrackedShot(Shot(Span(100, 200), "cut"), [face(n, *span) for n, span in enumerate(faces, 1)], [])
    )
    found = [
        (re.split(", from|:", doubt.message)[0], doubt.frame, doubt.confidence) for doubt in statistics.review_items
    ]
    assert found == expected


@pytest.mark.parametrize(("person", "asked"), [(1, [(120, 0.2)]), (0, [])], ids=["another's", "the same person's"])
def test_a_cut_may_be_missed_where_a_face_becomes_another_persons(person, asked):
    confidence, speaker = np.full(N // 2, 0.9), SpeakerMatch("SPEAKER_00", 0.9)
    halves = [
        SpeakerAssignment(FaceEvidence(number, start, np.full(N // 2, 2.0), VIEW), who, 0.9, confidence, speaker)
        for number, start, who in ((1, 100, 0), (2, 120, person))
    ]
    statistics = TrackingStatistics()
    statistics.add_speech(SOUND, halves, ())
    found = [(item.frame, item.confidence) for item in statistics.review_items if item.kind == "missed cut"]
    assert found == asked


def test_a_shot_with_speech_and_without_a_face_is_doubted():
    statistics = TrackingStatistics()
    statistics.add_speech(SOUND, [], ())
    assert [(item.kind, item.frame, item.frames) for item in statistics.review_items] == [("lost face", 100, N)]
    silent = TrackingStatistics()
    silent.add_speech(replace(SOUND, speech=np.zeros(N, bool)), [], ())
    assert silent.review_items == []
