"""Which failures are tried again, when, and how: what would fail the same way again is not."""

DELAYS_S = {
    "WorkerLost": (5.0, 30.0),  # a kernel or a machine that died: twice
    "OutOfMemory": (5.0,),  # once, carefully
    "LeaseLost": (5.0, 5.0, 5.0),  # whoever took over finishes it; or it is taken back
}
"""``{kind of error: seconds before each further attempt}``; every other kind is final: bad input, a wrong parameter, an
error in the step's own code, a full disk."""

CAREFULLY = frozenset({"OutOfMemory"})
"""Kinds after which a step is done alone, on one core (which is fewer pictures at a time) and without a GPU."""


def delay_s(kind: str | None, attempt: int) -> float | None:
    """Seconds to wait after the ``attempt``-th failure (from 1) of this kind; None if it is final.

    >>> delay_s("WorkerLost", 1), delay_s("WorkerLost", 3), delay_s("MediaError", 1)
    (5.0, None, None)
    """
    delays = DELAYS_S.get(kind, ())
    return delays[attempt - 1] if attempt <= len(delays) else None
