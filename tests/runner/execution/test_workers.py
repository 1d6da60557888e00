"""Several processes that work for one run: a Dask scheduler, two workers, a workspace, a history on PostgreSQL."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from sqlalchemy import URL, update

from tests import postgresql, sample_media
from tests.runner.cluster import Cluster, cluster
from tests.runner.processes import Command
from tests.waiting import LIMIT_S, wait_until
from vidlib.files import sha256
from vidlib.runner.store import identity
from vidlib.runner.store.models import Lease, Run, Task
from vidlib.runner.store.runs import History

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def place(server: URL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with postgresql.schema(server) as url, cluster(tmp_path_factory.mktemp("cluster"), url) as started:
        yield started


@pytest.fixture(scope="module")
def history(place: Cluster) -> Iterator[History]:
    with History(place.url) as opened:
        yield opened


@pytest.fixture(scope="module")
def clips(place: Cluster) -> list[Path]:
    return [sample_media.clip(place.folder / f"clip {number}.mp4", cuts=(20 + number, 41)) for number in range(2)]


@pytest.fixture
def begin(place: Cluster, history: History) -> Iterator[Callable[..., tuple[Command, Run]]]:
    """``begin(*args)``: a process that does `vidlib run` on the cluster, and its run in the history."""
    begun: list[Command] = []

    def started(*args: str | Path) -> tuple[Command, Run]:
        known = {run.id for run in history.runs()}
        begun.append(place.vidlib(f"run-{len(known)}", "run", *args, "--json"))
        return begun[-1], wait_until(lambda: [run for run in history.runs() if run.id not in known])[0]

    yield started
    place.gate.unlink(missing_ok=True)
    for process in begun:
        process.kill()
        process.wait()


def running(history: History, run: Run) -> list[Task]:
    """The tasks of a run whose notebooks run."""
    return [task for task in history.tasks(run.id) if task.status == "running" and task.reason]


def working(history: History, run: Run, but_not: str | None = None) -> Task:
    """A task of a run whose notebook runs, once there is one; ``but_not`` at this worker."""
    return wait_until(lambda: [task for task in running(history, run) if task.worker != but_not])[0]


def process_of(place: Cluster, task: Task) -> Command:
    return next(worker for worker in place.workers if worker.pid == identity.pid_of(task.worker))


def files_of(folder: str) -> dict[str, str]:
    """The SHA-256 of all that a step left, but for what tells of the time that it took."""
    return {path.name: sha256(path) for path in Path(folder).iterdir() if path.suffix not in (".ipynb", ".json")}


def test_two_workers_share_a_run_that_waited_for_them_and_do_every_step_once(place, history, begin, clips):
    place.gate.touch()
    started, run = begin(*clips, "--steps", "convert")
    wait_until(lambda: "waiting for one: vidlib worker --scheduler" in place.said(started, "err"))
    place.start_workers(2)
    wait_until(lambda: len(running(history, run)) == 2)
    place.gate.unlink()
    assert place.result(started)["status"] == "done", place.said(started, "err")
    tasks = history.tasks(run.id)
    assert {(task.status, task.cached, task.attempt) for task in tasks} == {("done", False, 1)}
    assert {identity.pid_of(task.worker) for task in tasks} == {worker.pid for worker in place.workers}
    assert len(list(place.settings.work.glob("*/convert-*"))) == len(clips)


def test_another_worker_repeats_the_task_of_a_killed_worker_with_the_same_result(place, history, begin, clips):
    place.start_workers(2)
    folder = next(task.folder for task in history.tasks(history.runs()[-1].id) if task.step == "convert")
    undisturbed = files_of(folder)
    place.gate.touch()
    started, run = begin(clips[0], "--steps", "convert", "--force")
    task = working(history, run)
    victim = process_of(place, task)
    family = psutil.Process(victim.pid).children(recursive=True)
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    assert working(history, run, but_not=task.worker).attempt == 2
    place.gate.unlink()
    assert place.result(started)["status"] == "done", place.said(started, "err")
    assert files_of(folder) == undisturbed
    assert any("is gone" in event.message for event in history.events(run.id))
    wait_until(lambda: not any(child.is_running() for child in family))


def test_a_worker_that_was_frozen_and_replaced_publishes_nothing_and_works_on(place, history, begin, clips):
    place.start_workers(2)
    place.gate.touch()
    started, run = begin(clips[0], "--steps", "convert", "--force")
    task = working(history, run)
    frozen = process_of(place, task)
    frozen.send_signal(signal.SIGSTOP)
    with history.writing() as session:  # as if it had been silent for long
        for table, owner in ((Task, Task.worker), (Lease, Lease.owner)):
            session.execute(
                update(table).where(owner == task.worker).values(heartbeat_at=table.heartbeat_at - 2 * identity.LEASE_S)
            )
    assert working(history, run, but_not=task.worker).attempt == 2
    place.gate.unlink()
    assert place.result(started)["status"] == "done", place.said(started, "err")
    (now,) = history.tasks_by_id([task.id])
    published = Path(now.folder).stat()

    frozen.send_signal(signal.SIGCONT)
    place.gate.touch()
    _, both = begin(*clips, "--steps", "convert", "--force")  # which needs both workers
    wait_until(lambda: len(running(history, both)) == 2)
    assert (Path(now.folder).stat().st_ino, Path(now.folder).stat().st_mtime_ns) == (
        published.st_ino,
        published.st_mtime_ns,
    )
    assert history.tasks_by_id([task.id])[0].worker == now.worker != task.worker


def test_a_stopped_worker_ends_its_processes_and_another_takes_over(place, history, begin, clips):
    place.start_workers(2)
    place.gate.touch()
    started, run = begin(clips[0], "--steps", "convert", "--force")
    task = working(history, run)
    told = process_of(place, task)
    family = psutil.Process(told.pid).children(recursive=True)
    told.send_signal(signal.SIGTERM)
    assert told.wait(LIMIT_S) == 0
    assert not any(child.is_running() for child in family)
    assert place.said(told, "err") == ""
    working(history, run, but_not=task.worker)
    place.gate.unlink()
    assert place.result(started)["status"] == "done"


def test_a_stopped_run_ends_its_tasks_and_keeps_the_workers(place, history, begin, clips):
    place.start_workers(1)
    place.gate.touch()
    started, run = begin(clips[0], "--steps", "convert", "--force")
    task = working(history, run)
    started.send_signal(signal.SIGTERM)
    assert started.wait(LIMIT_S) == 130
    assert {task.status for task in history.tasks(run.id)} == {"cancelled"}
    assert not list(place.settings.work.rglob(".tmp-*"))
    assert process_of(place, task).poll() is None


def test_a_run_and_a_worker_end_when_their_scheduler_is_gone(place, history, begin, clips):
    place.start_workers(1)
    place.gate.touch()
    started, run = begin(clips[0], "--steps", "convert", "--force")
    task = working(history, run)
    place.scheduler.kill()
    place.scheduler.wait()
    worker = process_of(place, task)
    assert worker.wait(LIMIT_S) == 1
    assert (
        place.said(worker, "err")
        == f"vidlib: the Dask scheduler {place.address} is gone, or has given this worker up; start both again\n"
    )
    assert started.wait(LIMIT_S) == 1
    assert place.said(started, "err").splitlines()[-1].startswith(f"vidlib: the Dask scheduler {place.address} is gone")
    assert history.run(run.id).status == "failed"
