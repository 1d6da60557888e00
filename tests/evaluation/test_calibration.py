"""What people and confidences are judged by: perfect results, or wrong in one way."""

from dataclasses import replace

import pytest

from tests.evaluated import PEOPLE, SHOTS, TRUTH, TURNS, found
from vidlib.evaluation import calibration
from vidlib.evaluation.calibration import Claim, claims
from vidlib.evaluation.scores import evaluate
from vidlib.results.exports.people_json import Person
from vidlib.timeline import Shot, Span


def of_people(*whose: set[int]) -> list[float | None]:
    """Precision, recall and number of people, where each of them has these tracks."""
    people = [Person(n, dict.fromkeys(sorted(tracks), 0.9), 1, 0, None, None) for n, tracks in enumerate(whose, 1)]
    judged = evaluate(TRUTH, found(people=people))
    return [judged.value("people", measure) for measure in ("precision", "recall", "number of people")]


def right(kind: str, **changed: object) -> dict[float, list[bool]]:
    """Whether each claim of a kind is right, by its confidence."""
    judged: dict[float, list[bool]] = {}
    for claim in claims(TRUTH, found(**changed), TRUTH.turns()):
        if claim.kind == kind:
            judged.setdefault(claim.confidence, []).append(claim.right)
    return judged


def test_whoever_is_known_again_counts_by_pairs_of_tracks():
    assert of_people({1, 2, 4}, {3}) == [1, 1, 2]
    assert of_people({1, 2, 3, 4}) == [0.5, 1, 1]
    assert of_people({1, 2}, {3}, {4}) == [1, pytest.approx(1 / 3), 3]
    assert of_people({1}, {2}, {3}, {4}) == [None, 0, 4]


def test_boundaries_are_right_where_there_is_one():
    shots = [SHOTS[0], Shot(Span(60, 100), "cut", 0.9), Shot(Span(100, 200), "cut", 0.4)]
    assert right("boundary", shots=shots) == {0.9: [True], 0.4: [False]}


def test_turns_are_right_with_the_voice_of_whoever_speaks_longest_in_them():
    mixed_up = [
        replace(TURNS[0], confidence=0.9),
        *TURNS[1:],
        replace(TURNS[1], start_s=0.5, stop_s=0.8, confidence=0.3),
    ]
    assert right("turn", turns=mixed_up)[0.9] == [True]
    assert right("turn", turns=mixed_up)[0.3] == [False]


def test_people_and_their_voices_are_right_as_most_of_their_tracks_say():
    assert right("person") == {0.99: [True], 0.98: [True], 0.6: [True]}
    assert right("voice") == {0.95: [True], 0.8: [True]}
    swapped = [replace(PEOPLE[0], tracks={1: 0.99, 2: 0.9, 3: 0.2}, voice="SPEAKER_01")]
    assert right("person", people=swapped) == {0.99: [True], 0.9: [True], 0.2: [False]}
    assert right("voice", people=swapped) == {0.95: [False]}


def test_each_frame_that_is_said_to_speak_and_each_track_is_judged():
    assert set(right("speaking")) == {0.9}
    assert all(right("speaking")[0.9])
    assert [judged for claims_of in right("track").values() for judged in claims_of] == [True] * 4


def test_the_table_says_how_often_what_is_claimed_with_a_confidence_is_right():
    table = calibration.calibration_table(
        [Claim("turn", 0.95, True), Claim("turn", 0.93, False), Claim("turn", 0.2, False)]
    )
    assert table.reset_index()[["kind", "n", "confidence", "right"]].to_numpy().tolist() == [
        ["turn", 1, pytest.approx(0.2), 0.0],
        ["turn", 2, pytest.approx(0.94), 0.5],
    ]


def test_without_results_there_is_no_claim():
    nothing = found(shots=None, tracks=None, turns=None, people=None)
    assert list(claims(TRUTH, nothing, TRUTH.turns())) == []
