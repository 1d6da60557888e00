"""Models that stay in memory from one user to the next, in a process that runs many notebooks.

In an ordinary process a model is opened where it is needed and closed at the end of the block. Once `keep_models` was
called, as a warm kernel does when it starts, it stays open for the next block that asks for the same.
"""

import functools
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, TypeVar

Model = TypeVar("Model")

MOST_KEPT = 12
"""Models kept open: the six that one video needs, for two numbers of cores. The one unused for longest goes first."""

_kept: OrderedDict[Hashable, tuple[Any, ExitStack]] | None = None  # None: models are closed after use
_lock = threading.Lock()


def keep_models() -> None:
    """From now on this process keeps models open after use; calling it again changes nothing."""
    global _kept
    with _lock:
        if _kept is None:
            _kept = OrderedDict()


def drop_models() -> None:
    """Close every model that is kept and not in use."""
    with _lock:
        closing = [close for _, close in (_kept or {}).values()]
        if _kept:
            _kept.clear()
    for close in closing:
        close.close()


@contextmanager
def cached_model(key: Hashable, make: Callable[[], AbstractContextManager[Model]]) -> Iterator[Model]:
    """The model that ``make`` opens, for this block alone; or one that a block with an equal ``key`` left open.

    ``key`` names all that the model depends on. A model whose block raised is closed, never used again: a GPU that
    failed stays broken.
    """
    model, close = _take(key) or _opened(make)
    with close:
        yield model
        _put_back(key, model, close)


def _take(key: Hashable) -> tuple[Any, ExitStack] | None:
    with _lock:
        return _kept.pop(key, None) if _kept else None


def _opened(make: Callable[[], AbstractContextManager[Model]]) -> tuple[Model, ExitStack]:
    close = ExitStack()
    return close.enter_context(make()), close


def _put_back(key: Hashable, model: Any, close: ExitStack) -> None:
    """Keep a model for its next user, and close those that are too many."""
    with _lock:
        if _kept is None:
            return
        _close_at_exit()
        # somebody who used an equal one at the same time may have been faster
        too_many = [_kept.pop(key)] if key in _kept else []
        _kept[key] = model, close.pop_all()
        while len(_kept) > MOST_KEPT:
            too_many.append(_kept.popitem(last=False)[1])
    for _, close_other in too_many:
        close_other.close()


@functools.cache
def _close_at_exit() -> None:
    """Close what is kept when Python ends: while the threads that closing needs still run, which `atexit` is too late
    for. Called once the first model is there: what is registered last is called first.
    """
    threading._register_atexit(drop_models)
