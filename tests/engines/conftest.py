"""What every engine is asked: the same answer from a used model as from a fresh one, and on any number of cores."""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

import pytest

from vidlib.engines.runtime import model_cache
from vidlib.machine import devices


class Warm:
    """This process keeps models open, as a warm kernel does."""

    def same_each_time(
        self, opened: Callable[[], AbstractContextManager[Any]], use: Callable[[Any, Any], Any], inputs: Sequence[Any]
    ) -> bool:
        """Whether one model, asked for each of ``inputs`` twice and in turn, says what a fresh one says of each."""
        fresh = []
        for given in inputs:
            model_cache.drop_models()
            with opened() as model:
                fresh.append(use(model, given))
        models, again = [], []
        model_cache.drop_models()
        for given in (*inputs, *inputs):
            with opened() as model:
                models.append(model)
                again.append(use(model, given))
        assert all(model is models[0] or model == models[0] for model in models), "it was opened anew"
        return again == [*fresh, *fresh]


@pytest.fixture
def warm(monkeypatch: pytest.MonkeyPatch) -> Iterator[Warm]:
    monkeypatch.setattr(model_cache, "_cache", None)
    model_cache.keep_models()
    yield Warm()
    model_cache.drop_models()


@pytest.fixture
def on_cores(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, Callable[[], Any]], Any]:
    """Do some work in a thread that may use this many cores; of those that this machine lacks, `devices` is told."""

    def do(n_cores: int, work: Callable[[], Any]) -> Any:
        result = []

        def confined() -> None:
            os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:n_cores])
            result.append(work())

        with monkeypatch.context() as patch:
            patch.setattr(devices, "cores", lambda: n_cores)
            thread = threading.Thread(target=confined)
            thread.start()
            thread.join()
        return result[0]

    return do
