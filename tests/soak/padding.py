"""System calls that only count, so that strace fails or kills exactly the intended one.

strace counts the calls of each thread from its beginning, and fails the one with the number FAILING. Whoever makes
FAILING - k calls first fails in the k-th that matters, and no other thread ever comes so far.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

FAILING = 1000
CLOSED = 999_999
"""A number that no open file has."""

VARIABLE = "SOAK_PADDING"
COUNTING, MILESTONE = "counting", "/nowhere/soak"
"""In place of a call: nothing fails, and a trace shows from where on calls count."""

CALLS: dict[str, Callable[[], object]] = {
    "fsync": lambda: os.fsync(CLOSED),
    "fdatasync": lambda: os.fdatasync(CLOSED),
    "write": lambda: os.write(CLOSED, b""),
    "pwrite64": lambda: os.pwrite(CLOSED, b"", 0),
    "ftruncate": lambda: os.ftruncate(CLOSED, 0),
    "sendfile": lambda: os.sendfile(CLOSED, CLOSED, 0, 1),
    "rename": lambda: os.rename("", ""),
    "link": lambda: os.link("", ""),
    "mkdir": lambda: os.mkdir(""),  # noqa: PTH102 a Path of no name is the current folder
    "unlink": lambda: os.unlink(""),
}
"""Each in a form that the system refuses at once."""


def pad(call: str, number: int) -> None:
    """Make ``call`` so often that the ``number``-th from now on, from 1, is the one that fails."""
    for _ in range(FAILING - number):
        with suppress(OSError):
            CALLS[call]()


def pad_if(place: str) -> None:
    """What the environment says is to be done in ``place``, driver or kernel."""
    wanted, call, number = os.environ.get(VARIABLE, "nowhere fsync 0").split()
    if call == COUNTING:
        with suppress(OSError):
            Path(MILESTONE).mkdir()
    elif wanted == place:
        pad(call, int(number))
