"""A pool of equal workers that process items in threads: one core per item, several items at once.

This is how every engine here uses more than one core. A network that spreads one item over several cores sums up in an
order that depends on their number. A network that stays on one core gives the same bytes on any number of cores.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, ExitStack
from queue import SimpleQueue
from typing import Any, Generic, Self, TypeVar

Worker = TypeVar("Worker")
Item = TypeVar("Item")
Result = TypeVar("Result")


class Pool(Generic[Worker]):
    """``size`` workers, each used by one thread at a time; ``create_worker`` creates one, as a context manager.

    Workers should be native code that releases the GIL, and should not remember anything from one item to the next:
    then results are the same for any number of workers. Each thread calls ``initializer`` before its first item.
    Leaving the block closes all workers.
    """

    def __init__(
        self,
        create_worker: Callable[[], AbstractContextManager[Worker]],
        size: int,
        initializer: Callable[[], None] | None = None,
    ):
        self.size = size
        with ExitStack() as stack:
            self._idle: SimpleQueue[Worker] = SimpleQueue()
            for _ in range(size):
                self._idle.put(stack.enter_context(create_worker()))
            self._threads = stack.enter_context(ThreadPoolExecutor(size, initializer=initializer))
            self._stack = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def submit(self, work: Callable[[Worker, Item], Result], item: Item) -> Future[Result]:
        """Queue ``work(worker, item)``. The queue has no limit, so that the caller should not submit too many items."""
        return self._threads.submit(self._use_worker, work, item)

    def map(self, work: Callable[[Worker, Item], Result], items: Iterable[Item]) -> list[Result]:
        """``work(worker, item)`` for each item, in order; raises the first error."""
        return list(self._threads.map(lambda item: self._use_worker(work, item), items))

    def stream(self, work: Callable[[Worker, Item], Result], items: Iterable[Item]) -> Generator[Result, None, None]:
        """Like `map`, but yields one result after the other, and reads no more items ahead than there are workers."""
        pending: deque[Future[Result]] = deque()
        try:
            for item in items:
                pending.append(self.submit(work, item))
                if len(pending) > self.size:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            # the next caller finds all workers idle
            wait([future for future in pending if not future.cancel()])

    def _use_worker(self, work: Callable[[Worker, Item], Result], item: Item) -> Result:
        worker = self._idle.get()
        try:
            return work(worker, item)
        finally:
            self._idle.put(worker)


class Pooled:
    """An engine that works through a `Pool`: a context manager, which closes the pool."""

    _pool: Pool[Any]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._pool.__exit__(*exception)
