"""Turns of whole frames, and faces that speak for certain or not at all."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidlib.timeline import Turn
from vidlib.tracking.correcting import TalkingFace, corrections


def turn(speaker: str, start: int, stop: int) -> Turn:
    return Turn(start / 25, stop / 25, speaker)


def face(voice: str, start: int, stop: int, silent: range = range(0)) -> TalkingFace:
    """Face 1, there from frame ``start`` to ``stop``, speaking for certain except in the ``silent`` frames."""
    sure = np.array([0.1 if frame in silent else 0.95 for frame in range(start, stop)])
    return TalkingFace(1, voice, start, sure)


HEARD = [turn("A", 0, 40), turn("B", 40, 50), turn("A", 50, 80)]


def named(turns: list[Turn], *faces: TalkingFace) -> list[str]:
    by_turn = {one.turn: one.corrected for one in corrections(turns, faces)}
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
