"""Work in a thread that runs ahead of who asks for it, or behind: so that no core waits for a single picture."""

from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Any, TypeVar

Item = TypeVar("Item")


def ahead(items: Generator[Item, None, None], n_items: int = 1) -> Iterator[Item]:
    """The items; while their reader is busy with one, the next ``n_items`` are made in a thread of its own.

    Close it (`contextlib.closing`): then that thread has ended, and ``items`` are closed as well.
    """
    end = object()
    with closing(items), ThreadPoolExecutor(1, "ahead") as thread:
        coming = deque(thread.submit(next, items, end) for _ in range(n_items))
        try:
            while (item := coming.popleft().result()) is not end:
                coming.append(thread.submit(next, items, end))
                yield item
        finally:
            thread.shutdown(cancel_futures=True)


@contextmanager
def behind() -> Iterator[Callable[..., None]]:
    """A function that has work done in a thread of its own, one piece after the other, while its caller goes on.

    It waits until the piece before is done, and raises what that raised: so that never more than one piece waits, with
    all that it holds. Leaving the block waits for the last.
    """
    with ThreadPoolExecutor(1, "behind") as thread:
        last: deque[Future[Any]] = deque()

        def do(work: Callable[..., Any], *given: Any) -> None:
            if last:
                last.popleft().result()
            last.append(thread.submit(work, *given))

        yield do
        if last:
            last.popleft().result()
