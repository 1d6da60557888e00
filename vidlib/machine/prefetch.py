"""Work in a second thread, so that no core waits for a single frame."""

from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Any, TypeVar

Item = TypeVar("Item")


def prefetch(items: Generator[Item, None, None], n_items: int = 1) -> Generator[Item, None, None]:
    """Yield the same items; a second thread produces the next ``n_items`` while the caller works on one.

    Close the result (`contextlib.closing`): this ends the thread and closes ``items``. Errors of ``items`` are raised
    in their place.
    """
    end = object()
    with closing(items), ThreadPoolExecutor(1, "prefetch") as thread:
        queue: deque[Future[Any]] = deque(thread.submit(next, items, end) for _ in range(n_items))
        try:
            while (item := queue.popleft().result()) is not end:
                queue.append(thread.submit(next, items, end))
                yield item
        finally:
            thread.shutdown(cancel_futures=True)


@contextmanager
def run_in_background() -> Generator[Callable[..., None], None, None]:
    """Give a function ``submit(work, *args)`` that executes calls in a second thread, one after the other.

    ``submit`` first waits for the call before and raises its error, so that at most one call is pending with the data
    that it holds. Leaving the block waits for the last call.
    """
    with ThreadPoolExecutor(1, "background") as thread:
        pending: deque[Future[Any]] = deque()

        def submit(work: Callable[..., Any], *args: Any) -> None:
            if pending:
                pending.popleft().result()
            pending.append(thread.submit(work, *args))

        yield submit
        if pending:
            pending.popleft().result()
