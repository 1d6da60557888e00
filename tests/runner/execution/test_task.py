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
from vidlib.runner.execution import task as tasks
from vidlib.runner.execution.task import perform
from vidlib.runner.execution.worker import Bench
from vidlib.runner.store import identity, queue
from vidlib.runner.store.models import Lease, Run, Task
from vidlib.settings import Settings
from vidlib.steps import STEPS


@pytest.fixture
def bench(counting_notebook: Path, workspace: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """A bench at which the counting step can be done; a working kernel is there already."""
    monkeypatch.setitem(STEPS, counting.NAME, counting.STEP)
    notebooks = workspace.model_copy(update={"notebooks_dir": counting_notebook.parent})
    with Bench(notebooks, lanes=1) as opened:
        yield opened


@pytest.fixture
def add(bench: Bench, tmp_path: Path) -> Callable[..., Task]:
    """``add(n=..., mode=...)``: a task of a new run that counts."""
    source = tmp_path / "clip.mp4"
    source.write_bytes(b"some bytes")

    def added(**params) -> Task:
        run = bench.history.start_run([source], {}, {"layers": [], "steps": [], "force": False})
        names = {"project": "clip", "subject": "clip.mp4", "sha256": "ab" * 32, "stem": "clip"}
        places = {"origin": str(source), "source": str(source)}
        task = Task(run_id=run.id, step=counting.NAME, params=params, **names, **places)
        return bench.history.add_tasks([task])[0]

    return added


def now(bench: Bench, task: Task) -> Task:
    (found,) = bench.history.tasks_called([task.id])
    return found


def events(bench: Bench, task: Task) -> list[tuple[str, str]]:
    return [(event.level, event.message) for event in bench.history.events(task.run_id)]


def test_a_task_is_done_and_the_next_one_for_the_same_finds_it_done(bench, add):
    first, second = add(n=4), add(n=4)
    for task in (first, second):
        perform(bench, task.id)
    first, second = now(bench, first), now(bench, second)
    assert [(task.status, task.cached, task.attempt, task.progress) for task in (first, second)] == [
        ("done", False, 1, 1.0),
        ("done", True, 1, 1.0),
    ]
    assert first.folder == second.folder
    assert (Path(first.folder) / "numbers.json").is_file()
    assert events(bench, second) == [("info", "clip.mp4: counting was done already")]


@pytest.mark.parametrize("captions", ["speech.vtt", None])
def test_what_is_said_lies_beside_the_video_where_somebody_understood_it(bench, add, tmp_path, captions):
    folder = tmp_path / "audio-0123456789ab"
    folder.mkdir()
    for name in ("speech.rttm", "speech.json", "speech.parquet", *filter(None, [captions])):
        (folder / name).write_text(f"this is {name}")
    left = {"turns": "speech.rttm", "speech": "speech.json", "table": "speech.parquet", "captions": captions}
    finish(folder, **left, n_speakers=1, speech_s=1.0)
    bench.history.update_task(add().id, step="audio", status="done", folder=str(folder))
    job = tasks.Job(bench, bench.history.tasks_called([1])[0])
    tasks.show(job, STEPS["audio"].outputs(folder))
    docs = bench.settings.projects / "clip" / "docs"
    assert (docs / "clip.rttm").read_text() == "this is speech.rttm"
    assert (docs / "clip.vtt").exists() == bool(captions)
    video = tasks.finished(job, job.task)
    assert video.captions == (folder / captions if captions else None)
    assert "captions" not in video.missing


def test_bad_input_is_refused_at_once(bench, add):
    task = add(mode="refuse")
    perform(bench, task.id)
    task = now(bench, task)
    assert (task.status, task.kind, task.error) == ("refused", "MediaError", "'clip.mp4' is no readable video")
    assert (Path(task.folder) / counting.NOTEBOOK).is_file()


def test_a_lost_kernel_is_tried_again_twice_and_then_given_up(bench, add):
    task, waits = add(mode="die"), []
    for _ in range(3):
        before = time.time()
        perform(bench, task.id)
        task = now(bench, task)
        waits.append((task.status, task.kind, task.not_before > before))
    assert waits == [("waiting", "WorkerLost", True), ("waiting", "WorkerLost", True), ("failed", "WorkerLost", True)]
    assert [level for level, _ in events(bench, task)] == ["warning", "warning", "error"]
    assert "tried again in 5 s" in events(bench, task)[0][1]


def in_background(bench: Bench, task: Task) -> threading.Thread:
    """A thread that does a waiting task, once that has begun its work."""
    thread = threading.Thread(target=perform, args=(bench, task.id))
    thread.start()
    wait_until(lambda: list(bench.settings.work.glob("*/.tmp-*/started")))
    return thread


def test_a_step_is_cancelled_alone_with_all_its_processes(bench, add):
    others, task = set(psutil.Process().children()), add(mode="wait")
    thread = in_background(bench, task)
    wait_until(lambda: now(bench, task).work_total)
    assert (now(bench, task).progress, now(bench, task).work_done) == (0.25, 1)
    (kernel,) = set(psutil.Process().children()) - others
    bench.history.request_cancel(task.run_id, step=counting.NAME)
    thread.join()
    assert now(bench, task).status == "cancelled"
    wait_until(lambda: not kernel.is_running() or kernel.status() == psutil.STATUS_ZOMBIE)
    assert [path for path in bench.settings.work.glob("*/*") if not path.name.endswith(".lock")] == []


def test_a_step_that_takes_too_much_memory_is_ended_and_tried_again_carefully(bench, add):
    bench.settings = bench.settings.model_copy(update={"step_memory_bytes": 1})
    task = add(mode="wait")
    perform(bench, task.id)
    task = now(bench, task)
    assert (task.status, task.kind) == ("waiting", "OutOfMemory")
    assert "GB of memory" in task.error
    perform(bench, task.id)
    assert now(bench, task).status == "failed"


def test_what_another_run_makes_is_waited_for_and_then_found(bench, add):
    first, second = add(mode="wait"), add(mode="wait")
    thread = in_background(bench, first)
    perform(bench, second.id)
    waiting = now(bench, second)
    assert (waiting.status, waiting.reason, waiting.attempt) == ("waiting", "another run does counting now", 0)
    bench.history.request_cancel(first.run_id)
    thread.join()


def test_a_task_that_was_taken_over_meanwhile_is_dropped(bench, add):
    """As after a worker that hung for too long: its task and its lease belong to somebody else."""
    task = add(mode="wait")
    thread = in_background(bench, task)
    bench.history.update_task(task.id, worker="far/away/7/1", beat_at=time.time())
    thread.join()
    task = now(bench, task)
    assert (task.status, task.worker) == ("running", "far/away/7/1")
    assert list(bench.settings.work.glob("*/counting-*[0-9a-f]")) == []


def test_a_lease_that_was_lost_is_noticed(bench, add):
    task = add(mode="wait")
    thread = in_background(bench, task)
    with bench.history.writing() as session:
        (lease,) = session.query(Lease)
        lease.owner, lease.fence = "far/away/7/1", lease.fence + 1
    thread.join()
    assert (now(bench, task).status, now(bench, task).kind) == ("waiting", "LeaseLost")


def test_what_dead_processes_left_of_other_params_is_removed_and_living_ones_are_left_alone(bench, add):
    task = add()
    home = bench.settings.work / ("ab" * 8)
    dead, living = home / ".tmp-convert-0123456789ab-1", home / ".tmp-convert-ba9876543210-2"
    for folder in (dead, living):
        folder.mkdir(parents=True)
    queue.take_lease(bench.history, f"{home.name}/convert-ba9876543210")
    perform(bench, task.id)
    assert (dead.exists(), living.exists()) == (False, True)


def test_a_bug_fails_its_task_and_says_where(bench, add, monkeypatch):
    def broken(*_: object) -> None:
        raise RuntimeError("no idea")

    monkeypatch.setattr(tasks, "_plan", broken)
    task = add()
    perform(bench, task.id)
    assert now(bench, task).status == "failed"
    assert "RuntimeError: no idea (test_task.py, line" in now(bench, task).error


def test_a_task_that_somebody_does_is_left_alone(bench, add):
    task = add()
    bench.history.update_task(task.id, status="running", worker=identity.me(), beat_at=time.time())
    perform(bench, task.id)
    assert now(bench, task).attempt == 0


def test_a_run_that_was_cancelled_begins_nothing(bench, add):
    task = add(mode="wait")
    with bench.history.writing() as session:
        session.get(Run, task.run_id).cancel_requested = True
    perform(bench, task.id)
    assert now(bench, task).status == "cancelled"


def test_a_lease_that_is_given_back_during_a_sign_of_life_is_not_lost(bench, add, monkeypatch):
    task = add()
    queue.claim(bench.history, task.id)
    watch = tasks.TaskWatch(bench, task)
    watch.held = held = queue.take_lease(bench.history, "0123456789abcdef/counting-0123456789ab")
    beat = queue.beat

    def meanwhile(*given: object, **progress: float) -> str:
        if watch.held:  # as the task's own thread does, when it is done
            watch.held = None
            queue.release(bench.history, held)
        return beat(*given, **progress)

    monkeypatch.setattr(queue, "beat", meanwhile)
    watch.tick()
    watch.check()
    assert now(bench, task).beat_at is not None
