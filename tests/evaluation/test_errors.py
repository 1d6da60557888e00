"""Which errors results have, and which of them the list to check names."""

from dataclasses import replace

import pytest

from tests.evaluated import PEOPLE, SHOTS, TRUTH, TURNS, found
from vidlib.evaluation.errors import ResultError, find_errors, rank
from vidlib.results.review import Question, ReviewItem
from vidlib.timeline import Shot, Span


def errors(**changed: object) -> list[tuple[str, int, set[int]]]:
    """Kind, first frame and tracks of each error in perfect results that were ``changed``."""
    return [(e.kind, e.span.start, set(e.tracks)) for e in find_errors(TRUTH, found(**changed), TRUTH.turns())]


def test_perfect_results_have_no_error():
    assert errors() == []


def test_boundaries_are_missed_or_false():
    assert [kind for kind, *_ in errors(shots=[SHOTS[0]])] == ["missed boundary"] * (len(SHOTS) - 1)
    more = [*SHOTS[:-1], Shot(SHOTS[-1].span, SHOTS[-1].boundary), Shot(Span(190, 200), "cut")]
    assert errors(shots=more) == [("false boundary", 190, set())]


def test_a_person_is_wrong_in_a_track_or_split_in_two():
    swapped = replace(PEOPLE[0], tracks={1: 0.99, 2: 0.9, 3: 0.2})
    assert ("wrong person", {3}) in [(kind, tracks) for kind, _, tracks in errors(people=[swapped])]
    apart = [replace(PEOPLE[0], person=9, tracks={track: 0.9}) for track in PEOPLE[0].tracks]
    assert {kind for kind, *_ in errors(people=apart)} == {"split person"}


def test_a_turn_of_somebody_else_is_wrong():
    swapped = [replace(TURNS[0], speaker=TURNS[1].speaker), *TURNS[1:]]
    assert {kind for kind, *_ in errors(turns=swapped)} >= {"wrong turn"}


@pytest.mark.parametrize(
    ("kind", "tracks", "item", "expected"),
    [
        ("missed boundary", (), {"kind": "missed boundary", "frame": 55}, 1),
        ("missed boundary", (), {"kind": "missed boundary", "frame": 90}, None),
        ("missed boundary", (), {"kind": "lost face", "frame": 55}, None),
        ("lost face", (), {"kind": "lost face", "frame": 10, "frames": 60}, 1),
        ("wrong person", (7,), {"kind": "person", "frame": 900, "track": 7}, 1),
        ("wrong person", (7,), {"kind": "person", "frame": 50, "track": 8}, None),
    ],
)
def test_an_item_names_an_error_of_its_kind_at_its_face_or_time(kind, tracks, item, expected):
    listed = [Question((("tracking", ReviewItem(message="?", **item)),), 1.0)]
    assert rank(ResultError(kind, Span(50, 52), frozenset(tracks)), listed) == expected
