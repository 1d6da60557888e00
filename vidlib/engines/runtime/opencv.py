"""OpenCV without threads of its own."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_thread() -> Iterator[None]:
    """Make OpenCV compute in the calling thread while the block runs: there is a thread for each core already."""
    import cv2

    n_threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(n_threads)
