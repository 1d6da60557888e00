"""Decides which failures are tried again, when, and how. A failure that would happen the same way again is final."""

DELAYS_S = {
    "WorkerLost": (5.0, 30.0),  # a kernel or a machine died: two more attempts
    "OutOfMemory": (5.0,),  # one more attempt, alone
    "LeaseLost": (5.0, 5.0, 5.0),  # another process finishes the task, or this one gets it back
}
"""``{error type: seconds before each further attempt}``.

All other errors are final: bad input, a wrong parameter, a bug of the step, a full disk.
"""

ALONE_AFTER = frozenset({"OutOfMemory"})
"""Error types after which a step runs alone, without a GPU and on one core, which means smaller batches."""


def delay_s(error_type: str | None, attempt: int) -> float | None:
    """Seconds to wait after failure number ``attempt`` (from 1) of this type; None if the failure is final.

    >>> delay_s("WorkerLost", 1), delay_s("WorkerLost", 3), delay_s("MediaError", 1)
    (5.0, None, None)
    """
    delays = DELAYS_S.get(error_type or "", ())
    return delays[attempt - 1] if attempt <= len(delays) else None
