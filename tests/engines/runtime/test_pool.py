"""Items in a pool of threads: in order, few at a time, none left behind."""

import threading
from contextlib import contextmanager, nullcontext

import pytest

from vidlib.engines.runtime.pool import Pool

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
def test_the_error_of_an_item_is_raised(way):
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


def test_a_closed_stream_leaves_no_item_unfinished():
    begun, ended = [], []

    def work(_: None, item: int) -> None:
        begun.append(item)
        ended.append(item)

    with Pool(nullcontext, 3) as pool:
        stream = pool.stream(work, range(100))
        next(stream)
        stream.close()
        assert sorted(begun) == sorted(ended)


def test_all_workers_are_closed_where_one_cannot_be_created():
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


def test_each_thread_is_initialized_before_its_first_item():
    initialized = set()
    with Pool(nullcontext, 2, initializer=lambda: initialized.add(threading.get_ident())) as pool:
        assert all(pool.map(lambda _, item: threading.get_ident() in initialized, range(20)))
