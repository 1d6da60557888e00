"""MediaPipe tasks: made without their chatter, and used from several threads."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from vidlib.engines.runtime.pool import Pool
from vidlib.errors import EngineUnavailable


def task_pool(make: Callable[[], Any], size: int) -> Pool:
    """``size`` tasks that ``make`` creates, in image mode (they remember nothing from one picture to the next).

    Raises EngineUnavailable where MediaPipe or a library that it needs is missing.
    """
    try:
        with _quiet_stderr():
            return Pool(make, size)
    except (ImportError, OSError) as error:
        raise EngineUnavailable(
            f"MediaPipe cannot run here: {error}. "
            "Install what it needs with: pip install mediapipe; apt-get install libegl1 libgles2"
        ) from error


def detect(task: Any, picture: np.ndarray) -> Any:
    """The task's result for one picture, (height, width, 3) uint8 RGB."""
    from mediapipe import Image, ImageFormat

    return task.detect(Image(image_format=ImageFormat.SRGB, data=np.ascontiguousarray(picture)))


@contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Keep MediaPipe's start-up messages out: its C++ side writes them to descriptor 2 and offers no switch."""
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
