"""Which items to check a decision answers, and what that says about them."""

from datetime import UTC, datetime

import pytest

from vidlib.corrections.actions import CheckedItem, Correction, parse
from vidlib.corrections.anchors import SpeakerAnchor, TrackAnchor
from vidlib.corrections.review import KINDS, answers, checked_items, how_often_wrong, is_checked

FACE = TrackAnchor(start=100, stop=200, boxes=((100, 0, 0, 9, 9),))
SPEAKER = SpeakerAnchor(spans=((300, 340),))
BOTH = {"speaker": "A", "other": "B", "speaker_at": SPEAKER, "other_at": SPEAKER}


@pytest.mark.parametrize(
    ("action", "fields", "kind", "frame", "track", "answered"),
    [
        ("remove-cut", {"frame": 50}, "boundary", 50, None, True),
        ("move-cut", {"frame": 50, "to": 60}, "boundary", 62, None, True),
        ("add-cut", {"frame": 50}, "missed boundary", 61, None, True),
        ("add-cut", {"frame": 50}, "missed boundary", 70, None, False),
        ("add-cut", {"frame": 50}, "missed cut", 50, 3, True),
        ("add-cut", {"frame": 50}, "speaker", 50, None, False),
        ("set-speaker", {"start": 10, "stop": 40, "speaker": "A"}, "speaker", 11, None, True),
        ("join-speakers", BOTH, "brief speaker", 305, None, True),
        ("join-speakers", BOTH, "brief speaker", 405, None, False),
        ("not-a-face", {"track": 3, "track_at": FACE}, "face", 100, 3, True),
        ("not-a-face", {"track": 3, "track_at": FACE}, "face", 100, 4, False),
        ("merge", {"track": 3, "other": 8, "track_at": FACE, "other_at": FACE}, "person", 900, 8, True),
        (
            "speaking",
            {"track": 3, "start": 110, "stop": 120, "speaks": True, "track_at": FACE},
            "unseen speech",
            112,
            None,
            True,
        ),
        ("confirm", {"frame": 70}, "lost face", 70, 4, True),
        ("confirm", {"frame": 70}, "lost face", 71, 4, False),
        ("name", {"speaker": "A", "name": "Anna", "speaker_at": SPEAKER}, "speaker", 305, None, False),
    ],
)
def test_a_decision_answers_the_items_that_it_is_about(action, fields, kind, frame, track, answered):
    assert kind in KINDS
    assert answers(parse(action, fields), kind, frame, track) is answered


def correction(action: str, *items: CheckedItem) -> Correction:
    decision = parse(action, {"frame": 50})
    return Correction(id="a" * 12, decision=decision, by="anna", at=datetime(2026, 11, 30, tzinfo=UTC), items=items)


UNSURE = CheckedItem(kind="boundary", frame=50, confidence=0.6)


def test_corrections_say_how_often_an_item_was_wrong():
    known = [
        correction("remove-cut", UNSURE),
        correction("confirm", CheckedItem(kind="boundary", frame=80, confidence=0.4)),
        correction("add-cut"),
    ]
    assert how_often_wrong(known) == [
        {"kind": "boundary", "checked": 2, "wrong": 1, "share": 0.5, "expected": 0.5},
        {"kind": "not asked", "checked": None, "wrong": 1, "share": None, "expected": None},
    ]


def test_an_item_stays_checked_when_another_analysis_asks_again():
    checked = checked_items([correction("remove-cut", UNSURE), correction("remove-cut", UNSURE)])
    assert checked == [UNSURE]
    assert is_checked(checked, "boundary", 52)
    assert not is_checked(checked, "boundary", 70)
    assert not is_checked(checked, "missed boundary", 50)
    assert not is_checked(checked, "boundary", None)
