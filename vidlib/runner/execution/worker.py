"""The worker of a process: all that tasks need here, and the cores and GPUs that it divides among them."""

import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Self

import psutil

from vidlib.child_environment import environment_of_kernels
from vidlib.errors import Postponed
from vidlib.machine import devices
from vidlib.runner.kernels.notebook import Placement, StepMonitor
from vidlib.runner.kernels.pool import KernelPool
from vidlib.runner.store.runs import History
from vidlib.settings import Settings, variables

MEMORY_SHARE = 0.8
"""The part of the machine's memory that all steps together may take."""


class Worker:
    """Settings, history and warm kernels for up to ``lanes`` tasks at a time.

    A context manager. Leaving it stops the tasks and ends the kernels.
    """

    history: History
    kernels: KernelPool

    def __init__(self, settings: Settings, lanes: int):
        self.settings, self.lanes = settings, lanes
        self._free_cores = sorted(os.sched_getaffinity(0))
        self._free_gpus = [gpu.index for gpu in devices.gpus()]
        self._monitors: set[StepMonitor] = set()
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self.history = stack.enter_context(History(self.settings.database))
            env = environment_of_kernels(self.settings) | variables(self.settings)
            env.pop("VIDLIB_DATABASE_URL", None)  # it may contain a password, and steps do not read the history
            self.kernels = stack.enter_context(KernelPool(self.lanes, env))
            self._opened = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._opened.close()

    @contextmanager
    def stoppable(self, monitor: StepMonitor) -> Iterator[None]:
        """Let `stop` also stop the step of ``monitor`` while the block runs."""
        with self._lock:
            self._monitors.add(monitor)
        try:
            yield
        finally:
            with self._lock:
                self._monitors.discard(monitor)

    def stop(self) -> None:
        """Stop every step of this worker. Their tasks have not failed: another worker executes them."""
        with self._lock:
            monitors = list(self._monitors)
        for monitor in monitors:
            monitor.stop(Postponed("its worker was stopped"))

    @contextmanager
    def reserve(self, n_cores: int, gpu: bool) -> Iterator[Placement]:
        """Reserve ``n_cores`` cores, and a GPU if ``gpu`` is true and one is free, while the block runs.

        The scheduler never hands out more than is free. If two runs schedule for one machine, they share cores.
        """
        with self._lock:
            cores = self._free_cores[:n_cores] or sorted(os.sched_getaffinity(0))[:n_cores]
            self._free_cores = self._free_cores[n_cores:]
            index = self._free_gpus.pop(0) if gpu and self._free_gpus else None
        try:
            yield Placement(self.kernels, cores, index)
        finally:
            with self._lock:
                self._free_cores = sorted({*self._free_cores, *cores})
                if index is not None:
                    self._free_gpus.append(index)

    def memory_limit(self, alone: bool) -> int:
        """The memory in bytes that one step may take: the share of a lane, or all shares for a step that runs alone."""
        if self.settings.step_memory_bytes:
            return self.settings.step_memory_bytes
        return int(psutil.virtual_memory().total * MEMORY_SHARE / (1 if alone else self.lanes))
