"""A process that dies as it calls a function.

It is killed with SIGKILL at the beginning of the N-th call: an instant that no clock can hit.
"""

import functools
import importlib
import itertools
import os
import signal


def die_at(place: str, number: int) -> None:
    """Have this process killed by the ``number``-th call, from 1, of ``module:name`` or ``module:Class.name``."""
    module, _, name = place.partition(":")
    *owners, function = name.split(".")
    owner = functools.reduce(getattr, owners, importlib.import_module(module))
    original, calls = getattr(owner, function), itertools.count(1)

    @functools.wraps(original)
    def dying(*args, **kwargs):
        if next(calls) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*args, **kwargs)

    setattr(owner, function, dying)
