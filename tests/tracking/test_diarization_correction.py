"""Turns of whole frames, and faces that speak for certain or not at all."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidlib.timeline import Turn
from vidlib.tracking.diarization_correction import Talker, TalkingFace, corrections, told_apart


def turn(speaker: str, start: int, stop: int) -> Turn:
    return Turn(start / 25, stop / 25, speaker)


def face(voice: str, start: int, stop: int, silent: range = range(0)) -> Talker:
    """Somebody who is there from frame ``start`` to ``stop``, and speaks for certain but for the ``silent`` frames."""
    sure = np.array([0.1 if frame in silent else 0.95 for frame in range(start, stop)])
    return Talker(voice, [TalkingFace(1, start, sure)])


HEARD = [turn("A", 0, 40), turn("B", 40, 50), turn("A", 50, 80)]


def named(turns: list[Turn], *talkers: Talker) -> list[str]:
    by_turn = {one.turn: one.corrected for one in corrections(turns, told_apart(turns, talkers))}
    return [by_turn.get(one, one).speaker for one in turns]


def test_what_a_face_says_in_between_is_said_with_its_voice():
    assert named(HEARD, face("A", 0, 80)) == ["A", "A", "A"]


@pytest.mark.parametrize(
    ("why", "turns", "speaker"),
    [
        ("it is silent then", HEARD, face("A", 0, 80, silent=range(40, 50))),
        ("it has left", HEARD, face("A", 0, 45)),
        ("both are heard", [*HEARD, turn("A", 45, 48)], face("A", 0, 80)),
        ("its own voice is hardly heard longer", [turn("A", 0, 40), turn("B", 40, 65)], face("A", 0, 80)),
    ],
)
def test_a_turn_is_left_alone_where(why, turns, speaker):
    assert named(turns, speaker) == [one.speaker for one in turns], why


def test_what_somebody_says_in_another_shot_is_said_with_the_same_voice():
    turns = [turn("A", 0, 40), turn("A", 40, 80), turn("B", 80, 120), turn("B", 200, 220)]
    once, again = face("A", 0, 80), face("A", 80, 120)
    assert named(turns, Talker("A", [*once.faces, *again.faces])) == ["A", "A", "A", "B"]


def test_a_turn_is_whose_who_is_seen_to_say_it_where_the_voice_is_that_of_somebody_else():
    turns = [turn("A", 0, 20), turn("B", 20, 60), turn("B", 60, 78)]
    mixed = Talker("A", [*face("A", 0, 20).faces, *face("A", 60, 78).faces])
    assert named(turns, mixed, face("B", 20, 60)) == ["A", "B", "A"]


def test_two_faces_with_one_voice_get_a_voice_each():
    turns = [turn("SPEAKER_00", 0, 40), turn("SPEAKER_01", 40, 60), turn("SPEAKER_00", 60, 80)]
    found = named(turns, face("SPEAKER_00", 0, 40), face("SPEAKER_00", 60, 80))
    assert found == ["SPEAKER_00", "SPEAKER_01", "SPEAKER_02"]


def test_a_face_that_is_not_sure_of_a_whole_turn_has_the_voice_that_was_heard():
    turns = [turn("A", 0, 40), turn("A", 60, 90)]
    doubtful = face("A", 60, 90, silent=range(60, 75))
    assert [one.voice for one in told_apart(turns, [face("A", 0, 40), doubtful])] == ["A", "A"]
    assert named(turns, face("A", 0, 40), doubtful) == ["A", "A"]


@given(
    stops=st.lists(st.integers(1, 200), min_size=1, max_size=12, unique=True).map(sorted),
    speakers=st.lists(st.sampled_from("ABC"), min_size=12, max_size=12),
    start=st.integers(0, 100),
)
def test_times_stay_and_a_turn_is_put_right_at_most_once(stops, speakers, start):
    turns = [turn(who, a, b) for who, a, b in zip(speakers, [0, *stops], stops, strict=False)]
    right = list(corrections(turns, [face("A", start, start + 100)]))
    assert len({one.turn for one in right}) == len(right)
    for one in right:
        assert (one.corrected.start_s, one.corrected.stop_s) == (one.turn.start_s, one.turn.stop_s)
        assert one.turn.speaker != one.corrected.speaker == "A"
