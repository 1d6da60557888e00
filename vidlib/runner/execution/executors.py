"""Where tasks are executed: one after the other in this process, or side by side on Dask. The only file with Dask.

A lane does one task at a time; heavy work runs in a kernel, a process of its own, so that a step that takes too much
memory or crashes ends itself and not the lane. Dask only carries a task to the worker that is chosen here and says
when it came back: whether it was done, and by whom, stands in the history.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import psutil

from vidlib.errors import UsageError, WorkerLost
from vidlib.machine import devices
from vidlib.runner.execution.task import perform
from vidlib.runner.execution.worker import Bench
from vidlib.runner.scheduling.allocation import Room
from vidlib.runner.store.identity import LEASE_S
from vidlib.settings import Settings

if TYPE_CHECKING:
    import distributed

log = logging.getLogger("vidlib.run")

LANE_BYTES = 2 * 1024**3
"""Memory that a lane needs: a kernel with all libraries and models takes 1.5 GB."""

CONNECT_S = 10
"""Seconds to wait for an answer of the scheduler, also when it is started anew while a run goes on."""

QUIET = {
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    "distributed.worker.profile.enabled": False,
    "distributed.admin.system-monitor.interval": "1h",
    "distributed.admin.tick.interval": "1s",
}
"""No pages for everybody on this machine, no profiler, which keeps a tree of calls of each of the last 1,000 s, and
nobody who looks twice a second how the machine is, and 50 times whether Dask itself is late.
"""

PLUGIN = "vidlib"
"""What the bench is called among a worker's plugins."""


class Lanes(Protocol):
    """Executes tasks. What is submitted is to fit into the `room`."""

    def room(self) -> Room: ...

    def submit(self, task_id: int, n_cores: int, gpu: bool) -> None:
        """Begin to do a task, with ``n_cores`` or as many as are left; one that fits nowhere is given back."""

    def ended(self, timeout_s: float) -> list[int]:
        """All tasks that came back and were not submitted again; waits for one more of them up to ``timeout_s``.

        The history may still say that somebody does it: a worker that Dask has lost ends it in its own time.
        """


class Serial:
    """One task at a time, in a thread of this process, on all cores."""

    def __init__(self, bench: Bench):
        self._bench = bench
        self._thread = ThreadPoolExecutor(1, "lane")
        self._back: set[int] = set()
        self._ended = Ended()

    def room(self) -> Room:
        return Room(1, devices.cores(), devices.cores(), len(devices.gpus()))

    def submit(self, task_id: int, n_cores: int, gpu: bool) -> None:
        """See `Lanes.submit`."""
        self._back.discard(task_id)
        self._ended.watch(task_id, self._thread.submit(perform, self._bench, task_id, n_cores, gpu))

    def ended(self, timeout_s: float) -> list[int]:
        """See `Lanes.ended`."""
        self._back |= {task_id for task_id, _ in self._ended.since(timeout_s)}
        return list(self._back)

    def close(self) -> None:
        self._thread.shutdown()


@dataclass(frozen=True)
class Placed:
    """A task that was given to a worker, with some of its cores and perhaps a GPU."""

    worker: str
    cores: int
    gpu: bool
    future: "distributed.Future"


class OnDask:
    """Tasks side by side on the workers of a Dask cluster, each with the cores and the GPU that it was given.

    Every task is bound to a worker: left to itself, Dask has one wait for more cores than any worker has free, or
    for a worker that is frozen. What a worker has that is gone or silent is given back.
    """

    def __init__(self, client: "distributed.Client", address: str = "of this process"):
        self._client, self._address = client, address
        self._placed: dict[int, Placed] = {}
        self._back: set[int] = set()
        self._ended = Ended()
        self._alone = False

    def room(self) -> Room:
        """What the workers have that answer now. Raises WorkerLost once the scheduler is given up."""
        if self._client.status == "closed":
            raise WorkerLost(
                f"the Dask scheduler {self._address} is gone; what was done is kept: start it and its workers, then "
                "`vidlib resume RUN`"
            )
        rooms = self._rooms().values()
        if not rooms and not self._alone:
            log.warning("no worker answers; waiting for one: vidlib worker --scheduler %s", self._address)
        self._alone = not rooms
        return Room(
            lanes=sum(room.lanes for room in rooms),
            cores=sum(room.cores for room in rooms),
            cores_of_one=max((room.cores for room in rooms), default=0),
            gpus=sum(room.gpus for room in rooms),
        )

    def submit(self, task_id: int, n_cores: int, gpu: bool) -> None:
        """See `Lanes.submit`."""
        free = {worker: self._free(worker, room) for worker, room in self._rooms().items()}
        fitting = [worker for worker, room in free.items() if min(room.lanes, room.cores) > 0 and room.gpus >= gpu]
        if not fitting:  # a worker has gone since this was planned
            self._back.add(task_id)
            return
        before = self._placed.get(task_id)  # it may be frozen, if the task was not given back
        worker = max(fitting, key=lambda worker: (not before or worker != before.worker, free[worker].cores))
        cores = min(n_cores, free[worker].cores)
        # where two runs share a cluster, the resources make the one wait for the other
        resources = {"cpu": cores} | ({"gpu": 1} if gpu else {})
        how = {"workers": [worker], "resources": resources, "pure": False, "retries": 0}
        self._let_go(task_id)
        self._back.discard(task_id)
        future = self._client.submit(perform_on_worker, task_id, cores, gpu, **how)
        self._placed[task_id] = Placed(worker, cores, gpu, future)
        self._ended.watch(task_id, future)

    def ended(self, timeout_s: float) -> list[int]:
        """See `Lanes.ended`."""
        came = {task_id for task_id, future in self._ended.since(timeout_s) if self._is_at(task_id, future)}
        rooms = self._rooms()
        came |= {task_id for task_id, placed in self._placed.items() if placed.worker not in rooms}
        for task_id in came:
            self._let_go(task_id)
        self._back |= came
        return list(self._back)

    def _rooms(self) -> dict[str, Room]:
        """What each worker has that gave a sign of life lately; nothing while the scheduler does not answer."""
        if self._client.status != "running":
            return {}
        try:
            info = self._client.sync(self._client.scheduler.identity, n_workers=-1, callback_timeout=CONNECT_S)
        except OSError:
            return {}
        alive = {
            address: worker
            for address, worker in info["workers"].items()
            if worker["status"] == "running" and time.time() - worker["last_seen"] < LEASE_S
        }
        return {address: _room_of(worker) for address, worker in alive.items() if "cpu" in worker["resources"]}

    def _free(self, worker: str, room: Room) -> Room:
        """What is left of the ``room`` of a worker."""
        placed = [placed for placed in self._placed.values() if placed.worker == worker]
        cores = room.cores - sum(one.cores for one in placed)
        return Room(room.lanes - len(placed), cores, cores, room.gpus - sum(one.gpu for one in placed))

    def _is_at(self, task_id: int, future: Any) -> bool:
        return task_id in self._placed and self._placed[task_id].future is future

    def _let_go(self, task_id: int) -> None:
        """Forget where a task is, and have Dask forget it if it still waits there."""
        if placed := self._placed.pop(task_id, None):
            placed.future.release()


def _room_of(worker: dict[str, Any]) -> Room:
    """What a worker has, by what its scheduler says of it."""
    resources = worker["resources"]
    cores = int(resources["cpu"])
    return Room(worker["nthreads"], cores, cores, int(resources.get("gpu", 0)))


class Ended:
    """Collects which tasks came back; how they ended stands in the history."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[tuple[int, Any]] = queue.SimpleQueue()

    def watch(self, task_id: int, future: Future | Any) -> None:
        """Note it when ``future`` is done."""
        future.add_done_callback(lambda done: self._queue.put((task_id, done)))

    def since(self, timeout_s: float) -> list[tuple[int, Any]]:
        """Those that came back since the last call with their futures, see `Lanes.ended`."""
        found: list[tuple[int, Any]] = []
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
            yield OnDask(client, scheduler)
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

    here = {"protocol": "inproc://"}
    scheduler = {"cls": _without_pages(distributed.Scheduler), "options": {**here, "dashboard": False}}
    worker = {"cls": _without_pages(distributed.Worker), "options": {**here, **_offer(bench)}}
    with (
        dask.config.set({"distributed.admin.tick.limit": "1h", **QUIET}),
        distributed.SpecCluster(workers={0: worker}, scheduler=scheduler, silence_logs=logging.CRITICAL) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def _without_pages(server: type) -> type:
    """A kind of Dask server that opens no web server: that shows everybody on this machine what goes on."""
    return type(server.__name__, (server,), {"start_http_server": lambda *_, **__: None})


def _connected(address: str) -> AbstractContextManager["distributed.Client"]:
    import distributed

    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # what it calls an error is raised by `room`
    try:
        return distributed.Client(address, timeout=CONNECT_S)
    except ValueError as error:
        raise UsageError(f"--scheduler {address}: {error}; expected an address such as tcp://host:8786") from error
    except (OSError, RuntimeError) as error:  # nobody there, or one who speaks TLS
        raise WorkerLost(
            f"--scheduler {address}: no Dask scheduler answers there ({error}); expected an address such as "
            "tcp://host:8786. Start one with: dask scheduler"
        ) from error


def resources_of(bench: Bench) -> dict[str, float]:
    """What a worker on ``bench`` offers, by the names that tasks ask for."""
    return {"cpu": devices.cores(), "gpu": len(devices.gpus())}


def _offer(bench: Bench) -> dict[str, Any]:
    """What a Dask worker is made with."""
    lanes = {"nthreads": bench.lanes, "resources": resources_of(bench), "plugins": [_bringing(bench)]}
    return {**lanes, "memory_limit": 0}


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
    """Be a worker of the cluster at ``scheduler``, with ``jobs`` lanes, until ``stop`` is set: that ends its tasks too.

    Raises WorkerLost where no scheduler answers, and when it is gone or has given this worker up.
    """
    import asyncio

    _connected(scheduler).close()
    with Bench(settings, jobs or best_number()) as bench:
        bench.kernels.start_ahead(0 if devices.gpus() else None)
        asyncio.run(_work(bench, scheduler, stop, say))


async def _work(bench: Bench, scheduler: str, stop: threading.Event, say: Callable[[str], None]) -> None:
    import asyncio

    import dask
    import distributed

    # the address of this machine that the scheduler sees: by default a worker listens at all that the machine has
    host = distributed.comm.get_address_host(scheduler)
    options = {"host": distributed.utils.get_ip(host), "silence_logs": logging.CRITICAL, **_offer(bench)}
    with dask.config.set(QUIET):
        async with _without_pages(distributed.Worker)(scheduler, **options) as worker:
            say(f"{worker.address} works for {scheduler}, {bench.lanes} lanes, {resources_of(bench)}")
            while not stop.is_set() and worker.status is distributed.core.Status.running:
                await asyncio.sleep(0.2)
            closing = asyncio.ensure_future(worker.close())
            await asyncio.sleep(0)  # now it takes no further task
            await asyncio.to_thread(bench.stop)  # which ends those that it does
            await closing
    if not stop.is_set():
        raise WorkerLost(f"the Dask scheduler {scheduler} is gone, or has given this worker up; start both again")
