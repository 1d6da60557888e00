"""Equal workers that share a load of items between threads: one core an item, several items at once.

This is how every engine here uses more than one core. A network that spreads one item over several cores adds up its
sums in an order that depends on their number; one that keeps to a core gives the same bytes on any number of them.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, ExitStack
from queue import SimpleQueue
from typing import Any, Generic, Self, TypeVar

Worker = TypeVar("Worker")
Item = TypeVar("Item")
Result = TypeVar("Result")


class Pool(Generic[Worker]):
    """``size`` workers, each used by one thread at a time; ``make`` creates one, as a context manager.

    Meant for native code that releases the GIL and whose workers remember nothing from one item to the next: results
    are then the same for any number of workers. ``prepare`` is called in each thread before its first item. Leaving
    the block closes all of them.
    """

    def __init__(
        self,
        make: Callable[[], AbstractContextManager[Worker]],
        size: int,
        prepare: Callable[[], None] | None = None,
    ):
        self.size = size
        with ExitStack() as undo:
            self._idle: SimpleQueue[Worker] = SimpleQueue()
            for _ in range(size):
                self._idle.put(undo.enter_context(make()))
            self._threads = undo.enter_context(ThreadPoolExecutor(size, initializer=prepare))
            self._close = undo.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._close.close()

    def submit(self, work: Callable[[Worker, Item], Result], item: Item) -> Future[Result]:
        """Begin ``work(worker, item)``; it waits for its turn without end, so that nobody should submit too many."""
        return self._threads.submit(self._borrow, work, item)

    def map(self, work: Callable[[Worker, Item], Result], items: Iterable[Item]) -> list[Result]:
        """``work(worker, item)`` for each item, in order; raises what the first of them raised."""
        return list(self._threads.map(lambda item: self._borrow(work, item), items))

    def stream(self, work: Callable[[Worker, Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """As `map`, one result after the other: of the items, no more are read ahead than there are workers."""
        ahead: deque[Future[Result]] = deque()
        try:
            for item in items:
                ahead.append(self.submit(work, item))
                if len(ahead) > self.size:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            # whoever takes the workers next finds them idle
            wait([future for future in ahead if not future.cancel()])

    def _borrow(self, work: Callable[[Worker, Item], Result], item: Item) -> Result:
        worker = self._idle.get()
        try:
            return work(worker, item)
        finally:
            self._idle.put(worker)


class Pooled:
    """An engine that works through the pool which it made: a context manager, leaving it frees the models."""

    _pool: Pool[Any]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._pool.__exit__(*exception)
