"""Waiting for something that another process or thread does."""

import threading
import time
from collections.abc import Callable
from typing import Any

LIMIT_S = 240
"""Seconds after which a test gives up waiting. A machine that has ten times more to do than it can needs minutes."""


def wait_until(condition: Callable[[], Any], limit_s: float = LIMIT_S) -> Any:
    """What ``condition`` gives once it is true; raises TimeoutError if that takes longer than ``limit_s`` seconds."""
    end = time.monotonic() + limit_s
    while not (found := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"still not true after {limit_s} s")
        threading.Event().wait(0.05)
    return found
