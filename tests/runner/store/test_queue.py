"""The queue: every task and every result belongs to one process at a time, and to a living one."""

import multiprocessing
import os
import time
from collections.abc import Iterator
from itertools import chain
from multiprocessing.synchronize import Barrier

import pytest

from tests.runner import processes
from tests.waiting import LIMIT_S
from vidlib.errors import LeaseLost
from vidlib.runner.store import identity, queue
from vidlib.runner.store.models import Lease, Task
from vidlib.runner.store.runs import History

KEY = "0123456789abcdef/convert-0123456789ab"
N_PROCESSES = 4


@pytest.fixture
def history(url: str) -> Iterator[History]:
    with History(url) as opened:
        yield opened


@pytest.fixture
def task(history: History) -> Task:
    run = history.start_run([], {})
    (added,) = history.add_tasks([Task(run_id=run.id, project="p", label="clip.mp4", sha256="ab" * 32, step="convert")])
    return added


def somebody(heartbeat_s_ago: float = 0.0) -> dict[str, object]:
    """A worker on another machine, and when it sent its last heartbeat."""
    return {"worker": "far/away/7/1", "heartbeat_at": time.time() - heartbeat_s_ago}


def test_a_task_is_taken_once(history, task):
    taken = queue.claim(history, task.id)
    assert (taken.status, taken.worker, taken.attempt) == ("running", identity.this_process(), 1)
    assert queue.claim(history, task.id) is None


def test_a_task_is_taken_over_from_a_worker_that_is_silent_and_from_no_other(history, task):
    history.update_task(task.id, status="running", **somebody(heartbeat_s_ago=1))
    assert queue.claim(history, task.id) is None
    history.update_task(task.id, **somebody(heartbeat_s_ago=identity.LEASE_S + 1))
    assert queue.claim(history, task.id).worker == identity.this_process()


def test_a_worker_that_lost_its_task_learns_it_and_writes_nothing(history, task):
    queue.claim(history, task.id)
    assert queue.heartbeat(history, task.id, progress=0.5) == "continue"
    history.update_task(task.id, **somebody())
    assert queue.heartbeat(history, task.id, progress=0.9) == "lost"
    assert not queue.finish(history, task.id, status="done")
    (now,) = history.tasks_by_id([task.id])
    assert (now.status, now.progress) == ("running", 0.5)


def test_the_heartbeat_of_a_task_learns_that_it_was_cancelled_alone_or_with_its_run(history, task):
    queue.claim(history, task.id)
    history.request_cancel(task.run_id, step="convert")
    assert queue.heartbeat(history, task.id) == "cancel"
    history.update_task(task.id, cancel_requested=False)
    assert queue.heartbeat(history, task.id) == "continue"
    history.request_cancel(task.run_id)
    assert queue.heartbeat(history, task.id) == "cancel"


def test_a_task_that_was_cancelled_while_it_waited_is_never_taken(history, task):
    history.request_cancel(task.run_id, step="convert")
    assert queue.claim(history, task.id) is None
    (now,) = history.tasks_by_id([task.id])
    assert (now.status, now.attempt, now.finished_at is not None) == ("cancelled", 0, True)


def test_a_result_is_made_by_one_at_a_time(history):
    held = queue.acquire_lease(history, KEY)
    assert queue.acquire_lease(history, KEY) is None
    assert queue.is_leased(history, KEY)
    queue.release_lease(history, held)
    assert not queue.is_leased(history, KEY)
    assert queue.acquire_lease(history, KEY).fence == held.fence + 1


def test_a_late_worker_publishes_nothing(history):
    late = queue.acquire_lease(history, KEY)
    with history.writing() as session:
        session.get(Lease, KEY).heartbeat_at -= identity.LEASE_S + 1
    current = queue.acquire_lease(history, KEY)
    published = []
    with pytest.raises(LeaseLost, match="another process took over"), queue.publishing(history, late):
        published.append("late")
    with queue.publishing(history, current):
        published.append("current")
    queue.release_lease(history, late)
    assert published == ["current"]
    assert queue.is_leased(history, KEY)


def test_a_task_is_taken_back_from_a_worker_unless_it_sent_a_heartbeat_since(history, task):
    history.update_task(task.id, status="running", **somebody(heartbeat_s_ago=identity.LEASE_S + 1))
    (seen,) = history.tasks_by_id([task.id])
    assert queue.is_lost(seen)
    history.update_task(task.id, **somebody())
    assert not queue.requeue(history, seen, status="waiting")
    (seen,) = history.tasks_by_id([task.id])
    assert queue.requeue(history, seen, status="waiting")


def take_all(url: str, ids: list[int], together: Barrier, taken: multiprocessing.Queue) -> None:
    with History(url) as history:
        together.wait()
        taken.put([task_id for task_id in ids if queue.claim(history, task_id)])
        taken.put([number for number in range(10) if queue.acquire_lease(history, f"{KEY}-{number}")])
        taken.close()
        taken.join_thread()
        together.wait()  # a process that has ended has nothing any more
    os._exit(0)


@pytest.mark.slow
def test_processes_that_compete_get_each_task_and_lease_once(history, task):
    run = {"run_id": task.run_id, "project": "p", "label": "clip.mp4", "sha256": "ab" * 32}
    ids = [added.id for added in history.add_tasks([Task(step="audio", **run) for _ in range(20)])]
    context = processes.server()
    together, taken = context.Barrier(N_PROCESSES, timeout=LIMIT_S), context.Queue()
    workers = [context.Process(target=take_all, args=(history.url, ids, together, taken)) for _ in range(N_PROCESSES)]
    for worker in workers:
        worker.start()
    answers = [taken.get(timeout=LIMIT_S) for _ in range(2 * N_PROCESSES)]
    for worker in workers:
        worker.join()
    assert sorted(chain.from_iterable(answers)) == sorted([*range(10), *ids])
