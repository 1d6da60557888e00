"""Runs tasks on the workers of a Dask cluster. No other module imports Dask, which is an extra: ``vidlib[dask]``.

Dask only carries a task to the worker that is chosen here, and reports when it came back.
"""

import ipaddress
import logging
import threading
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vidlib.errors import UsageError, WorkerLost
from vidlib.machine import devices
from vidlib.runner.execution.executors import Completions, default_lanes
from vidlib.runner.execution.task import execute_task
from vidlib.runner.execution.worker import Worker
from vidlib.runner.scheduling.allocation import Capacity
from vidlib.runner.store.identity import LEASE_S
from vidlib.settings import Settings, settings

if TYPE_CHECKING:
    import distributed

log = logging.getLogger("vidlib.run")

CONNECT_S = 10
"""Seconds to wait for an answer of the scheduler, also when it restarts during a run."""

QUIET = {
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    "distributed.worker.profile.enabled": False,
    "distributed.admin.system-monitor.interval": "1h",
    "distributed.admin.tick.interval": "1s",
}
"""Dask options without web pages, which everybody on this machine could read, and without Dask's own monitoring.

The profiler keeps a call tree of each of the last 1,000 s. The monitor samples the machine twice a second, and the tick
checks 50 times a second whether Dask itself is late.
"""

PLUGIN = "vidlib"
"""The name of the Dask worker plugin that holds our `Worker`."""

STATUS_POLL_S = 0.2


@dataclass(frozen=True)
class Submission:
    """A task that was submitted to the Dask worker at an ``address``, with its cores and perhaps a GPU."""

    address: str
    cores: int
    gpu: bool
    future: "distributed.Future"


class DaskExecutor:
    """Tasks side by side on the workers of a Dask cluster.

    Every task is bound to one worker. Dask's own choice can make a task wait for more cores than any worker has free,
    or for a frozen worker. The tasks of a worker that is gone or silent come back.
    """

    def __init__(self, client: "distributed.Client", scheduler: str):
        self._client, self._scheduler = client, scheduler
        self._submissions: dict[int, Submission] = {}
        self._returned: set[int] = set()
        self._completions = Completions()
        self._without_workers = False

    def capacity(self) -> Capacity:
        """The capacity of all workers that answer now. Raises WorkerLost if the scheduler is gone for good."""
        if self._client.status == "closed":
            raise WorkerLost(
                f"the Dask scheduler {self._scheduler} is gone; finished steps are kept: start the scheduler and its "
                "workers, then `vidlib resume RUN`"
            )
        capacities = self._capacities().values()
        if not capacities and not self._without_workers:
            log.warning("no worker answers; waiting for one: vidlib worker --scheduler %s", self._scheduler)
        self._without_workers = not capacities
        return Capacity(
            lanes=sum(capacity.lanes for capacity in capacities),
            cores=sum(capacity.cores for capacity in capacities),
            max_cores_per_task=max((capacity.cores for capacity in capacities), default=0),
            gpus=sum(capacity.gpus for capacity in capacities),
        )

    def submit(self, task_id: int, n_cores: int, gpu: bool) -> None:
        """See `Executor.submit`."""
        free = {address: self._free(address, capacity) for address, capacity in self._capacities().items()}
        fitting = [address for address, room in free.items() if min(room.lanes, room.cores) > 0 and room.gpus >= gpu]
        if not fitting:  # a worker disappeared since the allocation
            self._returned.add(task_id)
            return
        previous = self._submissions.get(task_id)  # its worker may be frozen, if the task did not come back
        address = max(fitting, key=lambda at: (previous is None or at != previous.address, free[at].cores))
        cores = min(n_cores, free[address].cores)
        # if two runs share a cluster, Dask's resources make one of them wait
        resources = {"cpu": cores} | ({"gpu": 1} if gpu else {})
        options = {"workers": [address], "resources": resources, "pure": False, "retries": 0}
        self._release(task_id)
        self._returned.discard(task_id)
        future = self._client.submit(execute_on_dask_worker, task_id, cores, gpu, **options)
        self._submissions[task_id] = Submission(address, cores, gpu, future)
        self._completions.add(task_id, future)

    def returned(self, timeout_s: float) -> list[int]:
        """See `Executor.returned`."""
        done = self._completions.take(timeout_s)
        back = {task_id for task_id, future in done if self._is_current(task_id, future)}
        alive = self._capacities()
        back |= {task_id for task_id, submission in self._submissions.items() if submission.address not in alive}
        for task_id in back:
            self._release(task_id)
        self._returned |= back
        return list(self._returned)

    def _capacities(self) -> dict[str, Capacity]:
        """The capacity of each worker with a recent heartbeat; empty while the scheduler does not answer."""
        if self._client.status != "running":
            return {}
        try:
            info = self._client.sync(self._client.scheduler.identity, n_workers=-1, callback_timeout=CONNECT_S)
        except OSError:
            return {}
        return {
            address: _capacity_of(described)
            for address, described in info["workers"].items()
            if described["status"] == "running"
            and time.time() - described["last_seen"] < LEASE_S
            and "cpu" in described["resources"]
        }

    def _free(self, address: str, capacity: Capacity) -> Capacity:
        """The part of a worker's ``capacity`` that none of our tasks uses."""
        submissions = [submission for submission in self._submissions.values() if submission.address == address]
        cores = capacity.cores - sum(submission.cores for submission in submissions)
        gpus = capacity.gpus - sum(submission.gpu for submission in submissions)
        return Capacity(capacity.lanes - len(submissions), cores, cores, gpus)

    def _is_current(self, task_id: int, future: Any) -> bool:
        return task_id in self._submissions and self._submissions[task_id].future is future

    def _release(self, task_id: int) -> None:
        """Forget the submission of a task, and make Dask forget it if it has not begun."""
        if submission := self._submissions.pop(task_id, None):
            submission.future.release()


def _capacity_of(described: dict[str, Any]) -> Capacity:
    """The capacity of a worker, from the scheduler's description."""
    cores = int(described["resources"]["cpu"])
    return Capacity(described["nthreads"], cores, cores, int(described["resources"].get("gpu", 0)))


def connect(scheduler: str) -> "distributed.Client":
    """Connect to the Dask scheduler at an address such as tcp://host:8786.

    Raises UsageError for a wrong address and where Dask is not installed, and WorkerLost where nobody answers.
    """
    try:
        import distributed
    except ImportError as error:
        raise UsageError(f"--scheduler {scheduler}: Dask is missing; pip install 'vidlib[dask]'") from error

    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # `capacity` raises the errors that it logs
    try:
        warn_if_open(scheduler)
        return distributed.Client(scheduler, timeout=CONNECT_S, security=tls())
    except ValueError as error:
        raise UsageError(f"--scheduler {scheduler}: {error}; expected an address such as tcp://host:8786") from error
    except (OSError, RuntimeError) as error:  # nobody answers, or a server that speaks TLS
        raise WorkerLost(
            f"--scheduler {scheduler}: no Dask scheduler answers there ({error}); expected an address such as "
            "tcp://host:8786. Start one with: dask scheduler"
        ) from error


def tls() -> "distributed.Security | None":
    """The certificates of the settings for a cluster with TLS; None leaves those of Dask's own configuration."""
    import distributed

    chosen = settings()
    if chosen.dask_tls_ca is None:
        return None
    cert, key = (path and str(path) for path in (chosen.dask_tls_cert, chosen.dask_tls_key))
    return distributed.Security(
        tls_ca_file=str(chosen.dask_tls_ca),
        tls_client_cert=cert,
        tls_client_key=key,
        tls_worker_cert=cert,
        tls_worker_key=key,
        require_encryption=True,
    )


def warn_if_open(scheduler: str) -> None:
    """Warn of a scheduler without TLS on another machine: anybody at its port can run programs on all workers."""
    scheme, separator, rest = scheduler.partition("://")
    host = rest.rpartition(":")[0].strip("[]")
    try:
        is_local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_local = host == "localhost"
    if separator and scheme not in ("tls", "inproc") and not is_local:
        warnings.warn(
            f"--scheduler {scheduler} has no TLS: anybody who reaches its port can run programs on every worker; use a "
            "tls:// address and VIDLIB_DASK_TLS_CA, or a network that only the cluster can reach",
            stacklevel=2,
        )


def without_http(server: type) -> type:
    """A subclass of a Dask server without its web server, whose pages everybody on this machine could read."""
    return type(server.__name__, (server,), {"start_http_server": lambda *_, **__: None})


def _worker_options(worker: Worker) -> dict[str, Any]:
    """The options of a Dask worker that executes its tasks with our ``worker``."""
    options = {"nthreads": worker.lanes, "resources": _resources(), "plugins": [_plugin(worker)]}
    return {**options, "memory_limit": 0}


def _resources() -> dict[str, float]:
    """The Dask resources of this machine."""
    return {"cpu": devices.cores(), "gpu": len(devices.gpus())}


def _plugin(worker: Worker) -> "distributed.WorkerPlugin":
    """The plugin through which a Dask worker finds our ``worker``; the caller closes that."""
    from distributed import WorkerPlugin

    class VidlibPlugin(WorkerPlugin):
        name = PLUGIN

        def __init__(self) -> None:
            self.worker = worker

    return VidlibPlugin()


def execute_on_dask_worker(task_id: int, n_cores: int, gpu: bool) -> None:
    """Run `execute_task` inside a Dask worker."""
    import distributed

    execute_task(distributed.get_worker().plugins[PLUGIN].worker, task_id, n_cores, gpu)


def run_worker(
    settings: Settings, scheduler: str, jobs: int | None, stop: threading.Event, say: Callable[[str], None]
) -> None:
    """Work for the cluster at ``scheduler`` with ``jobs`` lanes until ``stop`` is set, which also stops its tasks.

    ``say`` receives the line that reports the start. Raises WorkerLost if no scheduler answers, and if the scheduler
    disappears or gives this worker up.
    """
    import asyncio

    connect(scheduler).close()
    with Worker(settings, jobs or default_lanes()) as worker:
        worker.kernels.start_ahead(0 if devices.gpus() else None)
        asyncio.run(_serve(worker, scheduler, stop, say))


async def _serve(worker: Worker, scheduler: str, stop: threading.Event, say: Callable[[str], None]) -> None:
    import asyncio

    import dask
    import distributed

    # listen at the address that the scheduler sees; a Dask worker listens at all addresses by default
    host = distributed.utils.get_ip(distributed.comm.get_address_host(scheduler))
    options = {"host": host, "silence_logs": logging.CRITICAL, **_worker_options(worker)}
    with dask.config.set(QUIET):
        async with without_http(distributed.Worker)(scheduler, security=tls(), **options) as dask_worker:
            say(f"{dask_worker.address} works for {scheduler}, {worker.lanes} lanes, {_resources()}")
            while not stop.is_set() and dask_worker.status is distributed.core.Status.running:
                await asyncio.sleep(STATUS_POLL_S)
            closing = asyncio.ensure_future(dask_worker.close())
            await asyncio.sleep(0)  # from here on it accepts no task
            await asyncio.to_thread(worker.stop)
            await closing
    if not stop.is_set():
        raise WorkerLost(f"the Dask scheduler {scheduler} is gone, or has given this worker up; start both again")
