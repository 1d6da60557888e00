"""Work that runs ahead of who asks for it, or behind: in order, and never more of it than was agreed."""

import threading
from collections.abc import Iterator
from itertools import count

import pytest

from tests.waiting import wait_until
from vidlib.machine.prefetch import prefetch, run_in_background


def numbers(made: list[object]) -> Iterator[int]:
    """0, 1, 2, ... as long as it is asked; what it gave, and at its end "closed"."""
    try:
        for number in count():
            made.append(number)
            yield number
    finally:
        made.append("closed")


@pytest.mark.parametrize("n_items", [1, 3])
def test_items_are_made_ahead_but_not_more_than_asked_for(n_items):
    made: list[object] = []
    items = prefetch(numbers(made), n_items)
    assert [next(items), next(items)] == [0, 1]
    wait_until(lambda: made == list(range(2 + n_items)))
    items.close()
    assert made == [*range(2 + n_items), "closed"]


def test_what_is_raised_while_an_item_is_made_ahead_is_raised_in_its_place():
    items = prefetch((1 // number for number in (1, 0)), 3)
    assert next(items) == 1
    with pytest.raises(ZeroDivisionError):
        next(items)


def test_the_caller_goes_on_while_one_piece_is_done_behind_but_not_two():
    done: list[int] = []
    may_end = threading.Event()

    def first() -> None:
        may_end.wait()
        done.append(1)

    with run_in_background() as do:
        do(first)
        assert done == []
        may_end.set()
        do(done.append, 2)
        assert done[0] == 1
    assert done == [1, 2]


def test_what_is_raised_behind_is_raised_by_the_next_piece_or_at_the_end():
    with run_in_background() as do:
        do([].pop)
        with pytest.raises(IndexError):
            do(print)
    with pytest.raises(IndexError), run_in_background() as do:
        do([].pop)


def test_whoever_fails_waits_for_what_is_done_behind():
    done: list[int] = []
    with pytest.raises(ZeroDivisionError), run_in_background() as do:
        do(done.append, 1)
        1 / 0  # noqa: B018 it is to fail
    assert done == [1]
