"""Executors run tasks: in threads of this process, or on the workers of a Dask cluster.

An executor has lanes. A lane is a worker slot: it executes one task at a time. The heavy work of a task runs in a
kernel, which is a process of its own, so a step that crashes or takes too much memory does not end its lane. The
history says how a task ended; an executor only says that a task came back.
"""

import queue
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import psutil

from vidlib.machine import devices
from vidlib.runner.execution.task import execute_task
from vidlib.runner.execution.worker import Worker
from vidlib.runner.scheduling.allocation import Capacity
from vidlib.settings import Settings

if TYPE_CHECKING:
    import distributed

LANE_BYTES = 2 * 1024**3
"""Memory that a lane needs: a kernel with all libraries and models takes 1.5 GB."""


class Executor(Protocol):
    """Executes the tasks that are submitted. The caller submits no more than fits into the `capacity`."""

    def capacity(self) -> Capacity: ...

    def submit(self, task_id: int, n_cores: int, gpu: bool) -> None:
        """Begin a task on up to ``n_cores`` cores. A task that fits nowhere comes back at once."""

    def returned(self, timeout_s: float) -> list[int]:
        """The ids of all tasks that came back and were not submitted again.

        Waits up to ``timeout_s`` seconds for one more. The history may still call such a task running: a worker that
        Dask has lost needs time to end it.
        """


class LocalExecutor:
    """Lanes of this machine: each is a thread of this process, which waits for a kernel."""

    def __init__(self, worker: Worker):
        self._worker = worker
        self._threads = ThreadPoolExecutor(worker.lanes, "lane")
        self._returned: set[int] = set()
        self._completions = Completions()

    def capacity(self) -> Capacity:
        """The lanes, cores and GPUs of this machine, whatever runs."""
        return Capacity(self._worker.lanes, devices.cores(), devices.cores(), len(devices.gpus()))

    def submit(self, task_id: int, n_cores: int, gpu: bool) -> None:
        """See `Executor.submit`."""
        self._returned.discard(task_id)
        self._completions.add(task_id, self._threads.submit(execute_task, self._worker, task_id, n_cores, gpu))

    def returned(self, timeout_s: float) -> list[int]:
        """See `Executor.returned`."""
        self._returned |= {task_id for task_id, _ in self._completions.take(timeout_s)}
        return list(self._returned)

    def close(self) -> None:
        """Stop what still runs and wait until it has ended."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._worker.stop()
        self._threads.shutdown()


class Completions:
    """A queue of the tasks whose futures are done; the history says how they ended."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[tuple[int, Any]] = queue.SimpleQueue()

    def add(self, task_id: int, future: "Future[None] | distributed.Future") -> None:
        """Put a task into the queue when its ``future`` is done."""
        future.add_done_callback(lambda done: self._queue.put((task_id, done)))

    def take(self, timeout_s: float) -> list[tuple[int, Any]]:
        """Empty the queue and return its tasks with their futures; waits up to ``timeout_s`` seconds for the first."""
        taken: list[tuple[int, Any]] = []
        try:
            taken.append(self._queue.get(timeout=timeout_s) if timeout_s > 0 else self._queue.get_nowait())
            while True:
                taken.append(self._queue.get_nowait())
        except queue.Empty:
            return taken


def default_lanes() -> int:
    """The number of lanes that suits this machine: one for each core, as far as the memory goes."""
    return max(1, min(devices.cores(), psutil.virtual_memory().total // LANE_BYTES))


@contextmanager
def open_executor(settings: Settings, jobs: int | None = None, scheduler: str | None = None) -> Iterator[Executor]:
    """Open the executor of a run: the Dask cluster at ``scheduler``, or ``jobs`` lanes (None: `default_lanes`) here."""
    if scheduler:
        from vidlib.runner.execution import dask_executor

        with dask_executor.connect(scheduler) as client:
            yield dask_executor.DaskExecutor(client, scheduler)
        return
    with Worker(settings, jobs or default_lanes()) as worker:
        executor = LocalExecutor(worker)
        try:
            yield executor
        finally:
            executor.close()
