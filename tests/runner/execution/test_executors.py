"""Executors: who gets which task with how much, and what happens where a worker or the scheduler goes away."""

import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import distributed
import pytest

from tests.waiting import LIMIT_S, wait_until
from vidlib.errors import UsageError, WorkerLost
from vidlib.runner.execution import dask_executor, executors
from vidlib.runner.execution.dask_executor import DaskExecutor
from vidlib.runner.scheduling.allocation import Capacity

LARGE, SMALL = {"cpu": 4, "gpu": 1}, {"cpu": 2}


@dataclass
class Performed:
    """Stands for `execute_on_dask_worker`: keeps who was given what, and does it until the gate is open."""

    gate: threading.Event = field(default_factory=threading.Event)
    given: dict[int, tuple[str, int, bool]] = field(default_factory=dict)

    def __call__(self, task_id: int, n_cores: int, gpu: bool) -> None:
        self.given[task_id] = distributed.get_worker().name, n_cores, gpu
        self.gate.wait()


performed = Performed()


def pretend(task_id: int, n_cores: int, gpu: bool) -> None:
    performed(task_id, n_cores, gpu)


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[distributed.SpecCluster]:
    """A cluster within this process: ``large`` has 4 cores, 2 lanes and a GPU, ``small`` 2 cores and 1 lane."""
    global performed
    performed = Performed()
    monkeypatch.setattr(dask_executor, "execute_on_dask_worker", pretend)
    with made({"large": (2, LARGE), "small": (1, SMALL)}) as started:
        yield started
        performed.gate.set()


def made(workers: dict[str, tuple[int, dict[str, int]]]) -> distributed.SpecCluster:
    here = {"protocol": "inproc://"}
    kind = dask_executor.without_http(distributed.Worker)
    spec = {
        name: {"cls": kind, "options": {**here, "nthreads": n, "resources": resources, "memory_limit": 0}}
        for name, (n, resources) in workers.items()
    }
    scheduler = {"cls": dask_executor.without_http(distributed.Scheduler), "options": {**here, "dashboard": False}}
    return distributed.SpecCluster(workers=spec, scheduler=scheduler, silence_logs=logging.CRITICAL)


@pytest.fixture
def on_dask(cluster: distributed.SpecCluster) -> Iterator[DaskExecutor]:
    with distributed.Client(cluster, timeout=LIMIT_S) as client:
        yield DaskExecutor(client, "inproc://here")


def given(task_id: int) -> tuple[str, int, bool]:
    """Who was given a task, with how many cores, and whether with a GPU; once it has begun."""
    return wait_until(lambda: performed.given.get(task_id))


def test_the_capacity_is_that_of_all_workers_together(on_dask):
    assert on_dask.capacity() == Capacity(lanes=3, cores=6, max_cores_per_task=4, gpus=1)


def test_a_task_gets_no_more_cores_than_one_worker_has_left(on_dask):
    for task_id in (1, 2):
        on_dask.submit(task_id, 3, gpu=False)
    assert [given(1), given(2)] == [("large", 3, False), ("small", 2, False)]
    on_dask.submit(3, 3, gpu=False)
    assert given(3) == ("large", 1, False)


def test_a_task_that_wants_a_gpu_goes_where_one_is_free_and_is_given_back_where_none_is(on_dask):
    on_dask.submit(1, 1, gpu=True)
    assert given(1) == ("large", 1, True)
    on_dask.submit(2, 1, gpu=True)
    assert on_dask.returned(0) == [2]
    performed.gate.set()
    wait_until(lambda: set(on_dask.returned(0.1)) == {1, 2})
    on_dask.submit(2, 1, gpu=True)
    assert given(2) == ("large", 1, True)


def test_a_task_that_fits_nowhere_comes_back(on_dask):
    for task_id in range(4):
        on_dask.submit(task_id, 1, gpu=False)
    assert on_dask.returned(0) == [3]


def test_a_task_whose_worker_goes_away_is_given_back_and_done_by_another(on_dask, cluster):
    on_dask.submit(1, 2, gpu=False)
    assert given(1)[0] == "large"
    cluster.sync(cluster.scheduler.remove_worker, cluster.workers["large"].address, stimulus_id="test")
    wait_until(lambda: 1 in on_dask.returned(0.1))
    on_dask.submit(1, 2, gpu=False)
    wait_until(lambda: performed.given[1] == ("small", 2, False))


def test_a_worker_that_is_silent_counts_for_nothing_and_is_waited_for(on_dask, monkeypatch, caplog):
    monkeypatch.setattr(dask_executor, "LEASE_S", -1)
    assert on_dask.capacity() == Capacity(0, 0, 0, 0)
    assert on_dask.capacity() == Capacity(0, 0, 0, 0)
    assert [record.message.partition(";")[0] for record in caplog.records] == ["no worker answers"]
    on_dask.submit(1, 1, gpu=False)
    assert on_dask.returned(0) == [1]


def test_a_worker_that_joins_later_is_counted(on_dask, cluster):
    cluster.worker_spec["late"] = {**cluster.worker_spec["small"]}
    cluster.sync(cluster._correct_state)
    wait_until(lambda: on_dask.capacity().lanes == 4)
    assert on_dask.capacity() == Capacity(lanes=4, cores=8, max_cores_per_task=4, gpus=1)


def test_a_lost_scheduler_is_an_error_that_names_the_next_command(cluster):
    client = distributed.Client(cluster)
    there = DaskExecutor(client, "tcp://far:8786")
    client.close()
    assert there.returned(0) == []
    with pytest.raises(WorkerLost, match=r"scheduler tcp://far:8786 is gone; .*vidlib resume"):
        there.capacity()


@pytest.mark.parametrize(
    ("address", "error", "says"),
    [
        ("tcp://127.0.0.1:1", WorkerLost, "no Dask scheduler answers there"),
        ("far://127.0.0.1:1", UsageError, "expected an address such as"),
    ],
)
def test_a_scheduler_that_does_not_answer_is_named(workspace, monkeypatch, address, error, says):
    monkeypatch.setattr(dask_executor, "CONNECT_S", 0.2)
    with (
        pytest.raises(error, match=f"--scheduler {address}: .*{says}"),
        executors.open_executor(workspace, None, address),
    ):
        pass


def test_a_cluster_without_dask_names_the_extra(workspace, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UsageError, match=r"Dask is missing; pip install 'vidlib\[dask\]'"):
        dask_executor.connect("tcp://10.0.0.1:8786")


QUIET = """
import sys, threading
bound = []
sys.addaudithook(lambda event, args: bound.append(args[1]) if event == "socket.bind" else None)
import psutil
from vidlib.runner.execution import executors
from vidlib.settings import settings
with executors.open_executor(settings(), jobs=2) as opened:
    print(opened.capacity().lanes, psutil.Process().net_connections())
print(bound, "distributed" in sys.modules)
print([thread.name for thread in threading.enumerate()], psutil.Process().children())
"""


@pytest.mark.slow
def test_lanes_of_this_machine_listen_to_no_port_and_leave_nothing(workspace):
    done = subprocess.run([sys.executable, "-W", "error::UserWarning", "-c", QUIET], capture_output=True, text=True)
    assert (done.stdout.splitlines(), done.stderr) == (["2 []", "[] False", "['MainThread'] []"], "")
