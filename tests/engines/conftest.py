"""What every engine promises: the same result from a used model as from a fresh one, and on any number of cores."""

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
        """Whether one model, used twice for each of ``inputs`` in turn, gives the results of a fresh model for each."""
        fresh = []
        for input_ in inputs:
            model_cache.drop_models()
            with opened() as model:
                fresh.append(use(model, input_))
        models, again = [], []
        model_cache.drop_models()
        for input_ in (*inputs, *inputs):
            with opened() as model:
                models.append(model)
                again.append(use(model, input_))
        assert all(model is models[0] or model == models[0] for model in models), "the model was opened again"
        return again == [*fresh, *fresh]


@pytest.fixture
def warm(monkeypatch: pytest.MonkeyPatch) -> Iterator[Warm]:
    monkeypatch.setattr(model_cache, "_cache", None)
    model_cache.keep_models()
    yield Warm()
    model_cache.drop_models()


@pytest.fixture
def on_cores(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, Callable[[], Any]], Any]:
    """Run a function in a thread on some cores; `devices.cores` returns their number even if the machine has fewer."""

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
