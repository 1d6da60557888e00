"""The list of what a person should check: the order, alike items, and the limit."""

import pytest

from vidlib.corrections.review import KINDS
from vidlib.results import review
from vidlib.results.review import ReviewItem, about_shot, most_harmful, questions


def item(message: str, confidence: float = 0.5, **values: object) -> ReviewItem:
    return ReviewItem(message=message, **{"confidence": confidence, "frame": 10, "frames": 25, **values})


def listed(*items: ReviewItem) -> list[str]:
    return [question.items[0].message for question in questions([("tracking", one) for one in items], 1000)]


def test_what_is_more_likely_wrong_and_lasts_longer_comes_first():
    assert listed(item("sure", 0.9), item("unsure", 0.3)) == ["unsure", "sure"]
    assert listed(item("short"), item("long", frames=100)) == ["long", "short"]
    assert listed(item("late", frame=90), item("early"), item("anywhere", frame=None)) == ["anywhere", "early", "late"]


def test_an_item_about_the_whole_video_concerns_all_its_frames():
    assert listed(item("long", frames=100), item("all", frame=None, frames=0)) == ["all", "long"]


def test_items_that_ask_the_same_of_the_same_thing_are_one():
    asked = [item("a", kind="person", about="person 1"), item("b", 0.2, kind="person", about="person 1", frame=70)]
    others = [item("c", kind="person", about="person 2"), item("d", kind="boundary", about="person 1"), item("e")]
    first, *rest = questions([("tracking", one) for one in [*asked, *others, item("f")]], 1000)
    assert (first.items[0].message, [other.frame for other in first.items]) == ("b", [70, 10])
    assert sorted(question.items[0].message for question in rest) == ["c", "d", "e", "f"]


def test_a_cut_that_two_steps_ask_about_is_one_item():
    kinds = {"scenes": "missed boundary", "tracking": "missed cut"}
    asked = [(step, item(step, kind=kind, about=about_shot(7))) for step, kind in kinds.items()]
    (question,) = questions(asked, 1000)
    assert [step for step, _ in question.asked] == ["scenes", "tracking"]


def test_a_step_keeps_the_items_of_most_harm(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(review, "MAX_ITEMS", 2)
    kept = most_harmful([item("sure", 0.9), item("unsure", 0.1), item("maybe")], 1000)
    assert [one.message for one in kept[:-1]] == ["unsure", "maybe"]
    assert kept[-1].message.startswith("1 more results")
    assert listed(*kept)[-1] == kept[-1].message


def test_weights_are_of_kinds_that_there_are():
    assert review.WEIGHTS.keys() <= KINDS.keys()
