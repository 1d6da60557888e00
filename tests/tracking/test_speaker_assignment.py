"""Whole videos of a few shots of 50 frames, in each of which one voice is heard."""

import numpy as np

from vidlib.tracking.speaker_assignment import Face, Scene, Spoken, conversation
from vidlib.tracking.speaking import Sound

N = 50


def print_of(person: str | None) -> np.ndarray | None:
    return None if person is None else np.eye(128)["ABCD".index(person)]


def shot(number: int, voice: str, **odds: float) -> Scene:
    """A shot in which ``voice`` is heard, and people are seen, with the log-odds that their mouths alone say."""
    start = number * N
    sound = Sound(start, np.full(N, bool(voice)), [[voice] if voice else []] * N, np.zeros(0, np.float32))
    faces = [Face(number * 10 + n, start, np.full(N, odd), print_of(who)) for n, (who, odd) in enumerate(odds.items())]
    return Scene(sound, faces)


def speaks(found: list[list[Spoken]]) -> list[list[bool]]:
    return [[bool(one.is_speaking.mean() > 0.5) for one in shot] for shot in found]


TALK = [shot(0, "a", A=2), shot(1, "b", B=2), shot(2, "a", A=2), shot(3, "b", B=2)]


def test_whoever_moves_the_mouth_speaks_where_other_shots_do_not_contradict():
    found = conversation([*TALK, shot(4, "c", C=1)])
    assert speaks(found) == [[True]] * 5
    assert [shot[0].person for shot in found] == [0, 1, 0, 1, 2]
    assert [shot[0].voice.label for shot in found] == ["a", "b", "a", "b", "c"]


def test_who_is_dubbed_with_the_voice_of_another_does_not_speak():
    assert speaks(conversation([*TALK, shot(4, "b", A=2)]))[4] == [False]


def test_a_stranger_is_not_taken_for_somebody_whose_voice_is_known():
    assert speaks(conversation([*TALK, shot(4, "b", C=0.5)]))[4] == [False]


def test_who_hardly_moves_the_mouth_speaks_where_the_voice_is_known_to_be_his():
    assert speaks(conversation([*TALK, shot(4, "a", A=-1)]))[4] == [True]
    assert speaks(conversation([shot(0, "a", A=-1)])) == [[False]]


def test_of_two_who_talk_the_one_speaks_whose_voice_is_heard():
    assert speaks(conversation([*TALK, shot(4, "a", B=2.5, A=2)]))[4] == [False, True]


def test_one_shot_alone_is_no_evidence_for_itself():
    (alone,), (both,) = conversation([shot(0, "a", A=1)]), conversation([shot(0, "a", A=1), shot(1, "", A=1)])[:1]
    assert alone[0].sure.tolist() == both[0].sure.tolist()


def test_the_voice_of_a_person_is_that_of_all_shots_also_where_somebody_else_is_heard():
    found = conversation([*TALK, shot(4, "b", A=-4, B=2)])
    assert [one.voice.label for one in found[4]] == ["a", "b"]


def test_faces_without_a_print_speak_by_their_mouths():
    nobody = Scene(TALK[0].sound, [Face(1, 0, np.full(N, 2.0), None)])
    assert speaks(conversation([nobody])) == [[True]]


def test_a_video_without_faces_or_shots_has_nobody_who_speaks():
    assert conversation([]) == []
    assert conversation([shot(0, "a"), shot(1, "")]) == [[], []]
