"""A cache of opened models, for a process that runs many notebooks.

An ordinary process opens a model for a block and closes it at the end of the block. After `keep_models`, which a warm
kernel calls when it starts, the model stays open for the next block that asks for the same one.
"""

import functools
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, TypeVar

Model = TypeVar("Model")

MAX_CACHED = 12
"""Number of models that stay open: the six that one video needs, for two numbers of cores. The least recently used one
is closed first."""

_cache: OrderedDict[Hashable, tuple[Any, ExitStack]] | None = None  # None: models are closed after use
_lock = threading.Lock()


def keep_models() -> None:
    """Keep models open after use from now on; a second call changes nothing."""
    global _cache
    with _lock:
        if _cache is None:
            _cache = OrderedDict()


def drop_models() -> None:
    """Close every model that is open and not in use."""
    with _lock:
        stacks = [stack for _, stack in (_cache or {}).values()]
        if _cache:
            _cache.clear()
    for stack in stacks:
        stack.close()


@contextmanager
def cached_model(key: Hashable, open_model: Callable[[], AbstractContextManager[Model]]) -> Iterator[Model]:
    """The model that ``open_model`` opens, or one that an earlier block with an equal ``key`` left open.

    ``key`` names everything that the model depends on. Only this block uses the model meanwhile. If the block raises,
    the model is closed and never used again, since a GPU that failed does not recover.
    """
    model, stack = _take(key) or _open(open_model)
    with stack:
        yield model
        _put_back(key, model, stack)


def _take(key: Hashable) -> tuple[Any, ExitStack] | None:
    with _lock:
        return _cache.pop(key, None) if _cache else None


def _open(open_model: Callable[[], AbstractContextManager[Model]]) -> tuple[Model, ExitStack]:
    stack = ExitStack()
    return stack.enter_context(open_model()), stack


def _put_back(key: Hashable, model: Any, stack: ExitStack) -> None:
    """Keep a model open for the next block, and close those beyond `MAX_CACHED`."""
    with _lock:
        if _cache is None:
            return
        _close_at_exit()
        # another thread may have used an equal model at the same time, and put it back first
        surplus = [_cache.pop(key)] if key in _cache else []
        _cache[key] = model, stack.pop_all()
        while len(_cache) > MAX_CACHED:
            surplus.append(_cache.popitem(last=False)[1])
    for _, surplus_stack in surplus:
        surplus_stack.close()


@functools.cache
def _close_at_exit() -> None:
    """Close the cached models when Python ends, before its threads end, which closing needs; `atexit` is too late.

    The first model must be open already: functions that are registered last are called first.
    """
    threading._register_atexit(drop_models)  # type: ignore[attr-defined]
