"""MediaPipe tasks: created without their start-up messages, and used from several threads."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import numpy as np

from vidlib.engines.runtime.pool import Pool
from vidlib.errors import EngineUnavailable


def task_pool(create_task: Callable[[], AbstractContextManager[Any]], size: int) -> Pool[Any]:
    """``size`` tasks that ``create_task`` creates, in image mode: they remember nothing between pictures.

    Raises EngineUnavailable where MediaPipe or a library that it needs is missing.
    """
    try:
        with _quiet_stderr():
            return Pool(create_task, size)
    except (ImportError, OSError) as error:
        raise EngineUnavailable(
            f"MediaPipe cannot run here: {error}. "
            "Install its packages with: pip install mediapipe; apt-get install libegl1 libgles2"
        ) from error


def detect(task: Any, picture: np.ndarray) -> Any:
    """The task's result for one picture, (height, width, 3) uint8 RGB."""
    from mediapipe import Image, ImageFormat

    return task.detect(Image(image_format=ImageFormat.SRGB, data=np.ascontiguousarray(picture)))


@contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Discard MediaPipe's start-up messages: its C++ code writes them to descriptor 2 and has no switch for them."""
    sys.stderr.flush()
    stderr = os.dup(2)
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 2)
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(null)
