"""Equal workers that share a load of pictures between threads."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from queue import SimpleQueue
from typing import Generic, Self, TypeVar

Worker = TypeVar("Worker")
Item = TypeVar("Item")
Result = TypeVar("Result")


class Pool(Generic[Worker]):
    """``size`` workers, each used by one thread at a time; ``make`` creates one, as a context manager.

    Meant for native code that releases the GIL and whose workers remember nothing from one item to the next: results
    are then the same for any number of workers. Leaving the block closes all of them.
    """

    def __init__(self, make: Callable[[], AbstractContextManager[Worker]], size: int):
        with ExitStack() as undo:
            self._idle: SimpleQueue[Worker] = SimpleQueue()
            for _ in range(size):
                self._idle.put(undo.enter_context(make()))
            self._threads = undo.enter_context(ThreadPoolExecutor(size))
            self._close = undo.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._close.close()

    def map(self, work: Callable[[Worker, Item], Result], items: Iterable[Item]) -> list[Result]:
        """``work(worker, item)`` for each item, in order; raises what the first of them raised."""

        def borrow(item: Item) -> Result:
            worker = self._idle.get()
            try:
                return work(worker, item)
            finally:
                self._idle.put(worker)

        return list(self._threads.map(borrow, items))
