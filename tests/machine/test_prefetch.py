"""Work in a second thread keeps its order, and never exceeds the agreed amount."""

import threading
from collections.abc import Iterator
from itertools import count

import pytest

from tests.waiting import wait_until
from vidlib.machine.prefetch import prefetch, run_in_background


def numbers(made: list[object]) -> Iterator[int]:
    """0, 1, 2, ...; ``made`` receives every number, and "closed" at the end."""
    try:
        for number in count():
            made.append(number)
            yield number
    finally:
        made.append("closed")


@pytest.mark.parametrize("n_items", [1, 3])
def test_no_more_items_are_prefetched_than_requested(n_items):
    made: list[object] = []
    items = prefetch(numbers(made), n_items)
    assert [next(items), next(items)] == [0, 1]
    wait_until(lambda: made == list(range(2 + n_items)))
    items.close()
    assert made == [*range(2 + n_items), "closed"]


def test_an_error_while_prefetching_is_raised_in_place_of_the_item():
    items = prefetch((1 // number for number in (1, 0)), 3)
    assert next(items) == 1
    with pytest.raises(ZeroDivisionError):
        next(items)


def test_the_caller_goes_on_while_one_call_runs_in_background_but_not_two():
    done: list[int] = []
    may_end = threading.Event()

    def first() -> None:
        may_end.wait()
        done.append(1)

    with run_in_background() as submit:
        submit(first)
        assert done == []
        may_end.set()
        submit(done.append, 2)
        assert done[0] == 1
    assert done == [1, 2]


def test_an_error_in_background_is_raised_by_the_next_call_or_at_the_end():
    with run_in_background() as submit:
        submit([].pop)
        with pytest.raises(IndexError):
            submit(print)
    with pytest.raises(IndexError), run_in_background() as submit:
        submit([].pop)


def test_a_caller_that_fails_waits_for_the_call_in_background():
    done: list[int] = []
    with pytest.raises(ZeroDivisionError), run_in_background() as submit:
        submit(done.append, 1)
        1 / 0  # noqa: B018 it is to fail
    assert done == [1]
