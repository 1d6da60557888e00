"""Turns of whole frames, and faces that certainly speak or do not speak at all."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidlib.timeline import Turn
from vidlib.tracking.diarization_correction import SpeakingFace, SpeakingPerson, find_corrections, split_shared_labels


def turn(speaker: str, start: int, stop: int) -> Turn:
    return Turn(start / 25, stop / 25, speaker)


def person(label: str, start: int, stop: int, silent: range = range(0)) -> SpeakingPerson:
    """A person who is visible from frame ``start`` to ``stop`` and certainly speaks except in the ``silent`` frames."""
    confidence = np.array([0.1 if frame in silent else 0.95 for frame in range(start, stop)])
    return SpeakingPerson(label, [SpeakingFace(1, start, confidence)])


HEARD = [turn("A", 0, 40), turn("B", 40, 50), turn("A", 50, 80)]


def corrected_labels(turns: list[Turn], *people: SpeakingPerson) -> list[str]:
    corrections = find_corrections(turns, split_shared_labels(turns, people))
    corrected = {correction.turn: correction.corrected for correction in corrections}
    return [corrected.get(turn, turn).speaker for turn in turns]


def test_a_turn_amid_the_speech_of_a_face_gets_the_label_of_the_face():
    assert corrected_labels(HEARD, person("A", 0, 80)) == ["A", "A", "A"]


@pytest.mark.parametrize(
    ("why", "turns", "speaker"),
    [
        ("it is silent then", HEARD, person("A", 0, 80, silent=range(40, 50))),
        ("it has left", HEARD, person("A", 0, 45)),
        ("both are heard", [*HEARD, turn("A", 45, 48)], person("A", 0, 80)),
        ("its own label is hardly heard longer", [turn("A", 0, 40), turn("B", 40, 65)], person("A", 0, 80)),
    ],
)
def test_a_turn_is_left_alone_where(why, turns, speaker):
    assert corrected_labels(turns, speaker) == [turn.speaker for turn in turns], why


def test_a_person_has_the_same_label_in_another_shot():
    turns = [turn("A", 0, 40), turn("A", 40, 80), turn("B", 80, 120), turn("B", 200, 220)]
    first_shot, second_shot = person("A", 0, 80), person("A", 80, 120)
    both = SpeakingPerson("A", [*first_shot.faces, *second_shot.faces])
    assert corrected_labels(turns, both) == ["A", "A", "A", "B"]


def test_a_turn_goes_to_the_visible_speaker_even_if_its_label_is_another_persons():
    turns = [turn("A", 0, 20), turn("B", 20, 60), turn("B", 60, 78)]
    confused = SpeakingPerson("A", [*person("A", 0, 20).faces, *person("A", 60, 78).faces])
    assert corrected_labels(turns, confused, person("B", 20, 60)) == ["A", "B", "A"]


def test_two_faces_with_one_label_get_a_label_each():
    turns = [turn("SPEAKER_00", 0, 40), turn("SPEAKER_01", 40, 60), turn("SPEAKER_00", 60, 80)]
    labels = corrected_labels(turns, person("SPEAKER_00", 0, 40), person("SPEAKER_00", 60, 80))
    assert labels == ["SPEAKER_00", "SPEAKER_01", "SPEAKER_02"]


def test_a_face_that_certainly_speaks_in_no_whole_turn_keeps_the_shared_label():
    turns = [turn("A", 0, 40), turn("A", 60, 90)]
    uncertain = person("A", 60, 90, silent=range(60, 75))
    assert [one.label for one in split_shared_labels(turns, [person("A", 0, 40), uncertain])] == ["A", "A"]
    assert corrected_labels(turns, person("A", 0, 40), uncertain) == ["A", "A"]


@given(
    stops=st.lists(st.integers(1, 200), min_size=1, max_size=12, unique=True).map(sorted),
    speakers=st.lists(st.sampled_from("ABC"), min_size=12, max_size=12),
    start=st.integers(0, 100),
)
def test_times_stay_and_a_turn_is_corrected_at_most_once(stops, speakers, start):
    turns = [turn(speaker, a, b) for speaker, a, b in zip(speakers, [0, *stops], stops, strict=False)]
    corrections = list(find_corrections(turns, [person("A", start, start + 100)]))
    assert len({correction.turn for correction in corrections}) == len(corrections)
    for one in corrections:
        assert (one.corrected.start_s, one.corrected.stop_s) == (one.turn.start_s, one.turn.stop_s)
        assert one.turn.speaker != one.corrected.speaker == "A"
