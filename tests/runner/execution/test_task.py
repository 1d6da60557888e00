"""Doing one task: what stands in the history afterwards, whatever happened to it."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.finished import finish
from tests.runner import counting
from tests.waiting import wait_until
from vidlib.runner import logs
from vidlib.runner.execution import task as tasks
from vidlib.runner.execution.task import execute_task
from vidlib.runner.execution.worker import Worker
from vidlib.runner.kernels.pool import KernelPool
from vidlib.runner.store import identity, queue
from vidlib.runner.store.models import Lease, Run, Task
from vidlib.settings import Settings
from vidlib.steps import STEPS

pytestmark = pytest.mark.slow


@pytest.fixture
def worker(
    counting_notebook: Path, workspace: Settings, kernels: KernelPool, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Worker]:
    """A worker that can count, with the kernel that all tests share."""
    monkeypatch.setitem(STEPS, counting.NAME, counting.STEP)
    notebooks = workspace.model_copy(update={"notebooks_dir": counting_notebook.parent})
    with Worker(notebooks, lanes=1) as opened:
        opened.kernels = kernels
        yield opened


@pytest.fixture
def add(worker: Worker, tmp_path: Path) -> Callable[..., Task]:
    """``add(n=..., mode=...)``: a task of a new run that counts."""
    source = tmp_path / "clip.mp4"
    source.write_bytes(b"some bytes")

    def added(**params) -> Task:
        run = worker.history.start_run([source], {}, {"layers": [], "steps": [], "force": False})
        names = {"project": "clip", "label": "clip.mp4", "sha256": "ab" * 32, "stem": "clip"}
        places = {"origin": str(source), "source": str(source)}
        task = Task(run_id=run.id, step=counting.NAME, params=params, **names, **places)
        return worker.history.add_tasks([task])[0]

    return added


def now(worker: Worker, task: Task) -> Task:
    (found,) = worker.history.tasks_by_id([task.id])
    return found


def events(worker: Worker, task: Task) -> list[tuple[str, str]]:
    return [(event.level, event.message) for event in worker.history.events(task.run_id)]


def test_a_task_is_done_and_the_next_one_for_the_same_finds_it_done(worker, add):
    first, second = add(n=4), add(n=4)
    for task in (first, second):
        execute_task(worker, task.id)
    first, second = now(worker, first), now(worker, second)
    assert [(task.status, task.cached, task.attempt, task.progress) for task in (first, second)] == [
        ("done", False, 1, 1.0),
        ("done", True, 1, 1.0),
    ]
    assert first.folder == second.folder
    assert (Path(first.folder) / "numbers.json").is_file()
    assert events(worker, second) == [("info", "clip.mp4: counting was done already")]


@pytest.mark.parametrize("captions", ["speech.vtt", None])
def test_captions_are_delivered_where_an_engine_transcribed(worker, add, tmp_path, captions):
    folder = tmp_path / "audio-0123456789ab"
    folder.mkdir()
    for name in ("speech.rttm", "speech.json", "speech.parquet", *filter(None, [captions])):
        (folder / name).write_text(f"this is {name}")
    left = {"turns": "speech.rttm", "speech": "speech.json", "table": "speech.parquet", "captions": captions}
    finish(folder, **left, n_speakers=1, speech_s=1.0)
    worker.history.update_task(add().id, step="audio", status="done", folder=str(folder))
    context = tasks.TaskContext(worker, worker.history.tasks_by_id([1])[0])
    video = tasks.finished(context, context.task)
    assert video.captions == (folder / captions if captions else None)
    assert "captions" not in video.missing


def test_bad_input_is_refused_at_once(worker, add):
    task = add(mode="refuse")
    execute_task(worker, task.id)
    task = now(worker, task)
    assert (task.status, task.error_type, task.error) == ("refused", "MediaError", "'clip.mp4' is no readable video")
    assert (Path(task.folder) / counting.NOTEBOOK).is_file()


def test_a_task_that_loses_its_kernel_is_retried_twice(worker, add):
    task, waits = add(mode="die"), []
    for _ in range(3):
        before = time.time()
        execute_task(worker, task.id)
        task = now(worker, task)
        waits.append((task.status, task.error_type, task.not_before > before))
    assert waits == [("waiting", "WorkerLost", True), ("waiting", "WorkerLost", True), ("failed", "WorkerLost", True)]
    assert [level for level, _ in events(worker, task)] == ["warning", "warning", "error"]
    assert "next attempt in 5 s" in events(worker, task)[0][1]


def in_background(worker: Worker, task: Task) -> threading.Thread:
    """A thread that does a waiting task, once that has begun its work."""
    thread = threading.Thread(target=execute_task, args=(worker, task.id))
    thread.start()
    wait_until(lambda: list(worker.settings.work.glob("*/.tmp-*/started")))
    return thread


def test_what_a_step_prints_is_in_the_log_of_its_run(worker, add):
    task = add(mode="print")
    execute_task(worker, task.id)
    lines = logs.all_lines(worker.history, worker.settings.runs, task.run_id, "clip.mp4", counting.NAME)
    host = identity.host_of(identity.this_process())
    said = [(line.level, line.text) for line in lines]
    assert said[0] == ("info", f"attempt 1 on {host}: it has not run for this input yet")
    assert said[-1][1].startswith("counting done in")
    assert sorted(said[1:-1]) == [
        ("stderr", "café"),
        ("stdout", "\x1b[32mgreen\x1b[0m"),
        ("stdout", "100%"),
        ("stdout", "no line end"),
    ]


def test_a_step_is_cancelled_alone_with_all_its_processes(worker, add):
    task = add(mode="wait")
    thread = in_background(worker, task)
    wait_until(lambda: now(worker, task).work_total)
    assert (now(worker, task).progress, now(worker, task).work_done) == (0.25, 1)
    (pid,) = worker.settings.work.glob("*/.tmp-*/started")
    kernel = psutil.Process(int(pid.read_text()))
    worker.history.request_cancel(task.run_id, step=counting.NAME)
    thread.join()
    ended = now(worker, task)
    assert (ended.status, ended.reason, ended.error) == ("cancelled", "stopped as asked", None)
    assert events(worker, task) == [("info", "clip.mp4: counting was cancelled")]
    wait_until(lambda: not kernel.is_running() or kernel.status() == psutil.STATUS_ZOMBIE)
    assert [path for path in worker.settings.work.glob("*/*") if not path.name.endswith(".lock")] == []


def test_a_step_that_takes_too_much_memory_is_ended_and_tried_again_carefully(worker, add):
    worker.settings = worker.settings.model_copy(update={"step_memory_bytes": 1})
    task = add(mode="wait")
    execute_task(worker, task.id)
    task = now(worker, task)
    assert (task.status, task.error_type) == ("waiting", "OutOfMemory")
    assert "GB of memory" in task.error
    execute_task(worker, task.id)
    assert now(worker, task).status == "failed"


def test_a_task_waits_for_the_run_that_makes_the_same_result(worker, add):
    first, second = add(mode="wait"), add(mode="wait")
    thread = in_background(worker, first)
    execute_task(worker, second.id)
    waiting = now(worker, second)
    assert (waiting.status, waiting.reason, waiting.attempt) == ("waiting", "another run does counting now", 0)
    worker.history.request_cancel(first.run_id)
    thread.join()


def test_a_task_that_another_worker_took_over_is_dropped(worker, add):
    """As after a worker that hung for too long: its task and its lease belong to somebody else."""
    task = add(mode="wait")
    thread = in_background(worker, task)
    worker.history.update_task(task.id, worker="far/away/7/1", heartbeat_at=time.time())
    thread.join()
    task = now(worker, task)
    assert (task.status, task.worker) == ("running", "far/away/7/1")
    assert list(worker.settings.work.glob("*/counting-*[0-9a-f]")) == []


def test_a_lost_lease_ends_the_task(worker, add):
    task = add(mode="wait")
    thread = in_background(worker, task)
    with worker.history.writing() as session:
        (lease,) = session.query(Lease)
        lease.owner, lease.fence = "far/away/7/1", lease.fence + 1
    thread.join()
    assert (now(worker, task).status, now(worker, task).error_type) == ("waiting", "LeaseLost")


def test_working_folders_of_dead_processes_are_removed_and_leased_ones_kept(worker, add):
    task = add()
    home = worker.settings.work / ("ab" * 8)
    dead, living = home / ".tmp-convert-0123456789ab-1", home / ".tmp-convert-ba9876543210-2"
    for folder in (dead, living):
        folder.mkdir(parents=True)
    queue.acquire_lease(worker.history, f"{home.name}/convert-ba9876543210")
    execute_task(worker, task.id)
    assert (dead.exists(), living.exists()) == (False, True)


def test_a_bug_fails_its_task_and_says_where(worker, add, monkeypatch):
    def broken(*_: object) -> None:
        raise RuntimeError("no idea")

    monkeypatch.setattr(tasks, "_plan", broken)
    task = add()
    execute_task(worker, task.id)
    assert now(worker, task).status == "failed"
    assert "RuntimeError: no idea (test_task.py, line" in now(worker, task).error


def test_a_task_of_another_worker_is_not_executed(worker, add):
    task = add()
    worker.history.update_task(task.id, status="running", worker=identity.this_process(), heartbeat_at=time.time())
    execute_task(worker, task.id)
    assert now(worker, task).attempt == 0


def test_a_cancelled_run_begins_no_task(worker, add):
    task = add(mode="wait")
    with worker.history.writing() as session:
        session.get(Run, task.run_id).cancel_requested = True
    execute_task(worker, task.id)
    assert now(worker, task).status == "cancelled"


def test_a_lease_released_during_a_heartbeat_is_not_lost(worker, add, monkeypatch):
    task = add()
    queue.claim(worker.history, task.id)
    monitor = tasks.TaskMonitor(worker, task)
    monitor.lease = lease = queue.acquire_lease(worker.history, "0123456789abcdef/counting-0123456789ab")
    heartbeat = queue.heartbeat

    def meanwhile(*given: object, **progress: float) -> str:
        if monitor.lease:  # as the task's own thread does, when it is done
            monitor.lease = None
            queue.release_lease(worker.history, lease)
        return heartbeat(*given, **progress)

    monkeypatch.setattr(queue, "heartbeat", meanwhile)
    monitor.tick()
    monitor.check()
    assert now(worker, task).heartbeat_at is not None
