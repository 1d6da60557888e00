"""Something that is done again and again beside the main work."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def repeating(action: Callable[[], None], every_s: float) -> Iterator[None]:
    """Call ``action`` in a thread every ``every_s`` seconds while the block runs; the thread is gone when it ends."""
    over = threading.Event()

    def work() -> None:
        while not over.wait(every_s):
            action()

    thread = threading.Thread(target=work, name=action.__name__)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
