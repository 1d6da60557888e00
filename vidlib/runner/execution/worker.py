"""What a process needs to do tasks: the settings, the history, warm kernels, and cores and GPUs to hand out."""

import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Self

import psutil

from vidlib.errors import Postponed
from vidlib.machine import devices
from vidlib.runner.kernels.notebook import Watch
from vidlib.runner.kernels.pool import KernelPool
from vidlib.runner.store.runs import History
from vidlib.settings import Settings, environment_of_kernels, variables

MEMORY_SHARE = 0.8
"""Part of the machine's memory that all steps together may take."""


class Bench:
    """A place to work at: ``lanes`` tasks at a time. A context manager: leaving it ends all that was started here."""

    def __init__(self, settings: Settings, lanes: int):
        self.settings, self.lanes = settings, lanes
        self._cores, self._cards = sorted(os.sched_getaffinity(0)), [card.index for card in devices.gpus()]
        self._watches: set[Watch] = set()
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        with ExitStack() as undo:
            self.history = undo.enter_context(History(self.settings.database))
            env = environment_of_kernels(self.settings) | variables(self.settings)
            env.pop("VIDLIB_DATABASE_URL", None)  # it may hold a password, and no step asks the history
            self.kernels = undo.enter_context(KernelPool(self.lanes, env))
            self._close = undo.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._close.close()

    @contextmanager
    def watched(self, watch: Watch) -> Iterator[None]:
        """While the block runs, `stop` stops what ``watch`` stands by."""
        with self._lock:
            self._watches.add(watch)
        try:
            yield
        finally:
            with self._lock:
                self._watches.discard(watch)

    def stop(self) -> None:
        """End every step that is done here, for somebody else to do: that is no failure of theirs."""
        with self._lock:
            watches = list(self._watches)
        for watch in watches:
            watch.stop(Postponed("its worker was stopped"))

    @contextmanager
    def handing_out(self, n_cores: int, gpu: bool) -> Iterator[tuple[list[int], int | None]]:
        """``n_cores`` of the cores, and the number of a GPU if one is wanted and free; they come back after the block.

        Whoever plans sees to it that there is enough; where two plan for one machine, they share what there is.
        """
        with self._lock:
            cores = self._cores[:n_cores] or sorted(os.sched_getaffinity(0))[:n_cores]
            self._cores = self._cores[n_cores:]
            card = self._cards.pop(0) if gpu and self._cards else None
        try:
            yield cores, card
        finally:
            with self._lock:
                self._cores = sorted({*self._cores, *cores})
                if card is not None:
                    self._cards.append(card)

    def memory_limit(self, alone: bool) -> int:
        """Bytes that one step may take: a lane's share, or all there is if it runs alone."""
        if self.settings.step_memory_bytes:
            return self.settings.step_memory_bytes
        return int(psutil.virtual_memory().total * MEMORY_SHARE / (1 if alone else self.lanes))
