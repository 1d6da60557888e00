"""Whole videos of a few shots of 50 frames, in each of which one speaker is heard."""

import numpy as np

from vidlib.tracking.face_views import FaceView
from vidlib.tracking.speaker_assignment import FaceEvidence, ShotEvidence, SpeakerAssignment, assign_speakers
from vidlib.tracking.speaking import Sound

N = 50


def view_of(person: str) -> FaceView:
    return FaceView(np.eye(128)["ABCD".index(person)], 1.0)


def shot(number: int, speaker: str, **log_odds: float) -> ShotEvidence:
    """A shot in which ``speaker`` is heard and people are visible, with the log-odds of their mouths alone."""
    start = number * N
    sound = Sound(start, np.full(N, bool(speaker)), [[speaker] if speaker else []] * N, np.zeros(0, np.float32))
    faces = [
        FaceEvidence(number * 10 + index, start, np.full(N, odds), view_of(person))
        for index, (person, odds) in enumerate(log_odds.items())
    ]
    return ShotEvidence(sound, faces)


def speaks(assignments: list[list[SpeakerAssignment]]) -> list[list[bool]]:
    return [[bool(one.is_speaking.mean() > 0.5) for one in shot] for shot in assignments]


TALK = [shot(0, "a", A=2), shot(1, "b", B=2), shot(2, "a", A=2), shot(3, "b", B=2)]


def test_a_moving_mouth_speaks_if_other_shots_do_not_contradict():
    assignments = assign_speakers([*TALK, shot(4, "c", C=1)])
    assert speaks(assignments) == [[True]] * 5
    assert [shot[0].person for shot in assignments] == [0, 1, 0, 1, 2]
    assert [shot[0].speaker.label for shot in assignments] == ["a", "b", "a", "b", "c"]


def test_a_face_that_is_dubbed_by_another_speaker_does_not_speak():
    assert speaks(assign_speakers([*TALK, shot(4, "b", A=2)]))[4] == [False]


def test_a_stranger_does_not_get_the_label_of_a_known_person():
    assert speaks(assign_speakers([*TALK, shot(4, "b", C=0.5)]))[4] == [False]


def test_a_hardly_moving_mouth_speaks_if_the_label_is_known_to_be_its_own():
    assert speaks(assign_speakers([*TALK, shot(4, "a", A=-1)]))[4] == [True]
    assert speaks(assign_speakers([shot(0, "a", A=-1)])) == [[False]]


def test_of_two_moving_mouths_the_one_whose_label_is_heard_speaks():
    assert speaks(assign_speakers([*TALK, shot(4, "a", B=2.5, A=2)]))[4] == [False, True]


def test_silence_under_a_label_in_another_shot_is_no_evidence():
    """A label often holds two speakers."""
    (alone,) = assign_speakers([shot(0, "a", A=1)])
    beside_silence = assign_speakers([shot(0, "a", A=1), shot(1, "a", A=-4)])[0]
    assert alone[0].confidence.tolist() == beside_silence[0].confidence.tolist()


def test_one_shot_alone_is_no_evidence_for_itself():
    (alone,) = assign_speakers([shot(0, "a", A=1)])
    beside_another = assign_speakers([shot(0, "a", A=1), shot(1, "", A=1)])[0]
    assert alone[0].confidence.tolist() == beside_another[0].confidence.tolist()


def test_a_person_has_one_label_in_all_shots_also_where_somebody_else_is_heard():
    assignments = assign_speakers([*TALK, shot(4, "b", A=-4, B=2)])
    assert [one.speaker.label for one in assignments[4]] == ["a", "b"]


def test_faces_without_an_embedding_speak_by_their_mouths():
    unknown = ShotEvidence(TALK[0].sound, [FaceEvidence(1, 0, np.full(N, 2.0), None)])
    assert speaks(assign_speakers([unknown])) == [[True]]


def test_a_video_without_faces_or_shots_has_no_assignments():
    assert assign_speakers([]) == []
    assert assign_speakers([shot(0, "a"), shot(1, "")]) == [[], []]
