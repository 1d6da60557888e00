from datetime import UTC, datetime

import pytest

from vidlib.cast.operations import Add, Cast, Confirm, Entry, Merge, Name, NotSame, Split, Undo, check, fold
from vidlib.errors import UsageError


def log(*operations) -> list[Entry]:
    now = datetime(2026, 11, 30, tzinfo=UTC)
    return [Entry(number, now, "Ada", one.action, one) for number, one in enumerate(operations, 1)]


TWO = (Add(appearance=1), Add(appearance=2), Name(person=1, name="Anna"), Name(person=2, name="Ben"))


def test_a_person_has_the_appearances_that_were_confirmed():
    cast = fold(log(*TWO, Confirm(appearance=3, person=1)))
    assert cast.people() == {1: [1, 3], 2: [2]}
    assert cast.name(1) == "Anna"


def test_merged_people_are_one_and_an_undo_makes_them_two_again():
    merge = Merge(person=1, other=2)
    assert fold(log(*TWO, merge)).people() == {1: [1, 2]}
    assert fold(log(*TWO, merge)).name(1) == "Anna"
    assert fold(log(*TWO, merge, Undo(undoes=5))).people() == {1: [1], 2: [2]}
    assert fold(log(*TWO, merge, Undo(undoes=5), Undo(undoes=6))).people() == {1: [1, 2]}


def test_a_merged_person_without_a_name_takes_that_of_the_other():
    cast = fold(log(Add(appearance=1), Add(appearance=2), Name(person=2, name="Ben"), Merge(person=1, other=2)))
    assert cast.name(1) == "Ben"


def test_a_split_makes_a_person_of_an_appearance():
    cast = fold(log(*TWO, Confirm(appearance=3, person=1), Split(appearance=3)))
    assert cast.people() == {1: [1], 2: [2], 6: [3]}
    assert cast.name(6) is None


def test_not_the_same_takes_an_appearance_away_for_ever():
    cast = fold(log(*TWO, Confirm(appearance=3, person=1), NotSame(first="A3", second="P1")))
    assert cast.people() == {1: [1], 2: [2]}
    assert cast.rejected(1) == [3]
    with pytest.raises(UsageError, match=r"A3 and P1 are not the same.*vidlib cast undo"):
        check(cast, Confirm(appearance=3, person=1), {1, 2, 3})
    check(cast, Confirm(appearance=3, person=2), {1, 2, 3})


def test_not_the_same_holds_for_all_that_a_person_becomes():
    cast = fold(log(*TWO, NotSame(first="P1", second="P2"), Add(appearance=3), Merge(person=2, other=6)))
    with pytest.raises(UsageError, match="P2 and P1 are not the same"):
        check(cast, Merge(person=2, other=1), {1, 2, 3})
    with pytest.raises(UsageError, match="A3 and P1 are not the same"):
        check(cast, Confirm(appearance=3, person=1), {1, 2, 3})


@pytest.mark.parametrize(
    ("operation", "message"),
    [
        (Confirm(appearance=9, person=1), "A9 is no appearance"),
        (Name(person=9, name="Zoe"), "P9 is no person"),
        (Merge(person=1, other=1), "P1 is one person"),
        (Split(appearance=3), "A3 is nobody of the cast"),
        (NotSame(first="A3", second="A3"), "A3 is named twice"),
    ],
)
def test_a_decision_about_nobody_is_refused(operation, message):
    with pytest.raises(UsageError, match=message):
        check(fold(log(*TWO)), operation, {1, 2, 3})


def test_a_new_person_is_checked_without_one():
    check(Cast(), Add(appearance=1), {1})
