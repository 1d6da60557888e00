"""Periodic work beside the main work."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def periodic(action: Callable[[], object], every_s: float) -> Iterator[None]:
    """Call ``action`` in a thread every ``every_s`` seconds while the block runs; the thread ends with the block."""
    over = threading.Event()

    def repeat() -> None:
        while not over.wait(every_s):
            action()

    thread = threading.Thread(target=repeat, name="periodic")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
