"""Where tasks are executed: one after the other in this process, or side by side on Dask. The only file with Dask.

A lane does one task at a time; heavy work runs in a kernel, a process of its own, so that a step that takes too much
memory or crashes ends itself and not the lane. Dask only places tasks: what is to be done, and by whom, is decided in
the history.
"""

import logging
import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import psutil

from vidlib import devices
from vidlib.errors import UsageError
from vidlib.runner.bench import Bench
from vidlib.runner.tasks import perform
from vidlib.settings import Settings

if TYPE_CHECKING:
    import distributed

LANE_BYTES = 2 * 1024**3
"""Memory that a lane needs: a kernel with all libraries and models takes 1.5 GB."""

CONNECT_S = 20
NOWHERE = "127.0.0.1:0"
"""Dask always opens a web server: at first one that other machines do not reach."""

PLUGIN = "vidlib"
"""What the bench is called among a worker's plugins."""


@dataclass(frozen=True)
class Room:
    """How much can be done at once: tasks, CPU cores (in all, and for one task), GPUs."""

    lanes: int
    cores: int
    cores_of_one: int
    gpus: int


class Lanes(Protocol):
    """Executes tasks. What is submitted is to fit into the `room`."""

    def room(self) -> Room: ...

    def submit(self, task_id: int, n_cores: int, gpu: bool) -> None:
        """Begin to do a task, or keep it until a lane is free."""

    def ended(self, timeout_s: float) -> list[int]:
        """The tasks that were given back since the last call; waits for the first of them up to ``timeout_s``."""


class Serial:
    """One task at a time, in a thread of this process, on all cores."""

    def __init__(self, bench: Bench):
        self._bench = bench
        self._thread = ThreadPoolExecutor(1, "lane")
        self._ended = Ended()

    def room(self) -> Room:
        return Room(1, devices.cores(), devices.cores(), len(devices.gpus()))

    def submit(self, task_id: int, n_cores: int, gpu: bool) -> None:
        """See `Lanes.submit`."""
        self._ended.watch(task_id, self._thread.submit(perform, self._bench, task_id, n_cores, gpu))

    def ended(self, timeout_s: float) -> list[int]:
        """See `Lanes.ended`."""
        return self._ended.since(timeout_s)

    def close(self) -> None:
        self._thread.shutdown()


class OnDask:
    """Tasks side by side on the workers of a Dask cluster, each with the cores and the GPU that it was given."""

    def __init__(self, client: "distributed.Client"):
        self._client = client
        self._futures: dict[int, Any] = {}
        self._ended = Ended()

    def room(self) -> Room:
        """What the workers that are there now have."""
        workers = self._client.scheduler_info(n_workers=-1)["workers"].values()
        cores = [int(worker["resources"].get("cpu", 0)) for worker in workers]
        return Room(
            lanes=sum(worker["nthreads"] for worker, n in zip(workers, cores, strict=True) if n),
            cores=sum(cores),
            cores_of_one=max(cores, default=0),
            gpus=sum(int(worker["resources"].get("gpu", 0)) for worker in workers),
        )

    def submit(self, task_id: int, n_cores: int, gpu: bool) -> None:
        """See `Lanes.submit`."""
        resources = {"cpu": n_cores} | ({"gpu": 1} if gpu else {})
        future = self._client.submit(
            perform_on_worker, task_id, n_cores, gpu, resources=resources, pure=False, retries=0
        )
        self._futures[task_id] = future  # one that nobody holds is cancelled
        self._ended.watch(task_id, future)

    def ended(self, timeout_s: float) -> list[int]:
        """See `Lanes.ended`."""
        found = self._ended.since(timeout_s)
        for task_id in found:
            self._futures.pop(task_id, None)
        return found


class Ended:
    """Collects which tasks came back; how they ended stands in the history."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[int] = queue.SimpleQueue()

    def watch(self, task_id: int, future: Future | Any) -> None:
        """Note it when ``future`` is done."""
        future.add_done_callback(lambda _: self._queue.put(task_id))

    def since(self, timeout_s: float) -> list[int]:
        """Those that came back since the last call, see `Lanes.ended`."""
        found: list[int] = []
        try:
            found.append(self._queue.get(timeout=timeout_s) if timeout_s > 0 else self._queue.get_nowait())
            while True:
                found.append(self._queue.get_nowait())
        except queue.Empty:
            return found


def best_number() -> int:
    """How many lanes suit this machine: one a core, as long as the memory lasts."""
    return max(1, min(devices.cores(), psutil.virtual_memory().total // LANE_BYTES))


@contextmanager
def open_lanes(settings: Settings, jobs: int | None = None, scheduler: str | None = None) -> Iterator[Lanes]:
    """Lanes to work with: of the cluster at ``scheduler``, else ``jobs`` of this machine (None: `best_number`)."""
    if scheduler:
        with _connected(scheduler) as client:
            yield OnDask(client)
        return
    n = jobs or best_number()
    with Bench(settings, n) as bench:
        if n > 1:
            with _cluster(bench) as client:
                yield OnDask(client)
            return
        serial = Serial(bench)
        try:
            yield serial
        finally:
            serial.close()


@contextmanager
def _cluster(bench: Bench) -> Iterator["distributed.Client"]:
    """A cluster within this process: it listens to no port, and is gone with this process."""
    import dask
    import distributed

    with (
        dask.config.set({"distributed.worker.memory.terminate": False, "distributed.admin.tick.limit": "1h"}),
        distributed.LocalCluster(
            n_workers=1,
            processes=False,
            threads_per_worker=bench.lanes,
            resources=resources_of(bench),
            plugins=[_bringing(bench)],
            dashboard_address=NOWHERE,
            worker_dashboard_address=NOWHERE,
            memory_limit=0,
            silence_logs=logging.CRITICAL,
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        for server in (cluster.scheduler, *cluster.workers.values()):
            server.http_server.stop()  # its pages are there for everybody on this machine, and nobody needs them
        yield client


def _connected(address: str) -> AbstractContextManager["distributed.Client"]:
    import distributed

    try:
        return distributed.Client(address, timeout=CONNECT_S)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"--scheduler {address}: no Dask scheduler answers there ({error}); expected an address such as "
            "tcp://host:8786. Start one with: dask scheduler"
        ) from error


def resources_of(bench: Bench) -> dict[str, float]:
    """What a worker on ``bench`` offers, by the names that tasks ask for."""
    return {"cpu": devices.cores(), "gpu": len(devices.gpus())}


def _bringing(bench: Bench) -> "distributed.WorkerPlugin":
    """What gives a Dask worker the bench that its tasks are done at; whoever opened that closes it."""
    from distributed import WorkerPlugin

    class BenchPlugin(WorkerPlugin):
        name = PLUGIN

        def __init__(self) -> None:
            self.bench = bench

    return BenchPlugin()


def perform_on_worker(task_id: int, n_cores: int, gpu: bool) -> None:
    """`perform` at the bench of the Dask worker that this runs on."""
    import distributed

    perform(distributed.get_worker().plugins[PLUGIN].bench, task_id, n_cores, gpu)


def work(
    settings: Settings, scheduler: str, jobs: int | None, stop: threading.Event, say: Callable[[str], None]
) -> None:
    """Be a worker of the cluster at ``scheduler``, with ``jobs`` lanes, until ``stop`` is set or the scheduler is gone.

    Raises UsageError where no scheduler answers.
    """
    import asyncio

    _connected(scheduler).close()
    with Bench(settings, jobs or best_number()) as bench:
        bench.kernels.start_ahead(0 if devices.gpus() else None)
        asyncio.run(_work(bench, scheduler, stop, say))


async def _work(bench: Bench, scheduler: str, stop: threading.Event, say: Callable[[str], None]) -> None:
    import asyncio

    import distributed

    worker = distributed.Worker(
        scheduler,
        nthreads=bench.lanes,
        resources=resources_of(bench),
        plugins=[_bringing(bench)],
        memory_limit=0,
        dashboard_address=NOWHERE,
        silence_logs=logging.ERROR,
    )
    async with worker:
        say(f"{worker.address} works for {scheduler}, {bench.lanes} lanes, {resources_of(bench)}")
        while not stop.is_set() and worker.status is distributed.core.Status.running:
            await asyncio.sleep(0.2)
