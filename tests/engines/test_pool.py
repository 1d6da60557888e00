"""Items shared between threads: in order, few at a time, none left behind."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from itertools import count

import pytest

from tests.waiting import wait_until
from vidlib.engines.pool import Pool, ahead

every_way = pytest.mark.parametrize("way", [Pool.map, Pool.stream])


@every_way
@pytest.mark.parametrize("size", [1, 2, 5])
def test_results_come_in_the_order_of_the_items(way, size):
    with Pool(nullcontext, size) as pool:
        assert list(way(pool, lambda _, item: item * 2, range(20))) == list(range(0, 40, 2))


@every_way
def test_a_worker_serves_one_item_at_a_time(way):
    def use(worker: threading.Lock, item: int) -> bool:
        if not worker.acquire(blocking=False):
            return False
        worker.release()
        return True

    with Pool(lambda: nullcontext(threading.Lock()), 2) as pool:
        assert all(way(pool, use, range(200)))


@every_way
def test_what_an_item_raises_is_raised(way):
    with Pool(nullcontext, 2) as pool:
        with pytest.raises(ZeroDivisionError):
            list(way(pool, lambda _, item: 1 // item, [1, 0, 1]))
        assert list(way(pool, lambda _, item: 1 // item, [1])) == [1]


def test_a_stream_reads_few_items_ahead():
    read = []
    with Pool(nullcontext, 2) as pool:
        stream = pool.stream(lambda _, item: item, (item for item in range(100) if not read.append(item)))
        assert next(stream) == 0
        assert len(read) == 3
        stream.close()


def test_a_stream_that_is_closed_leaves_no_item_at_work():
    begun, ended = [], []

    def work(_: None, item: int) -> None:
        begun.append(item)
        ended.append(item)

    with Pool(nullcontext, 3) as pool:
        stream = pool.stream(work, range(100))
        next(stream)
        stream.close()
        assert sorted(begun) == sorted(ended)


def test_all_workers_are_closed_where_one_cannot_be_made():
    opened, closed = [], []

    @contextmanager
    def make():
        if len(opened) == 2:
            raise OSError("no memory")
        opened.append(1)
        try:
            yield
        finally:
            closed.append(1)

    with pytest.raises(OSError, match="no memory"):
        Pool(make, 3)
    assert len(opened) == len(closed) == 2


def test_each_thread_is_prepared_once_before_its_first_item():
    prepared = set()
    with Pool(nullcontext, 2, prepare=lambda: prepared.add(threading.get_ident())) as pool:
        assert all(pool.map(lambda _, item: threading.get_ident() in prepared, range(20)))


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
    items = ahead(numbers(made), n_items)
    assert [next(items), next(items)] == [0, 1]
    wait_until(lambda: made == list(range(2 + n_items)))
    items.close()
    assert made == [*range(2 + n_items), "closed"]


def test_what_is_raised_while_an_item_is_made_ahead_is_raised_in_its_place():
    items = ahead((1 // number for number in (1, 0)), 3)
    assert next(items) == 1
    with pytest.raises(ZeroDivisionError):
        next(items)
