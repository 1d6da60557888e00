"""Stopping a run: what was asked to stop ends as cancelled and is reported so, in whichever order things happen.

An executor that the test orders takes the place of kernels. Heartbeats of the run are off unless a test sends one.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.runner.ordered import OrderedExecutor, start
from vidlib.errors import LeaseLost, UsageError
from vidlib.runner.pipeline import RunOptions, resume
from vidlib.runner.run_result import RunResult
from vidlib.runner.store import queue
from vidlib.runner.store.models import Run, Task
from vidlib.runner.store.runs import STOPPED_BY_SIGNAL
from vidlib.settings import Settings

KEEP_NOTIFICATION = "import sys, pathlib; pathlib.Path({file!r}).write_text(sys.stdin.read())"


@pytest.fixture
def notified(workspace: Settings, tmp_path: Path) -> Path:
    """The file that holds the last notification."""
    return tmp_path / "notification.json"


@pytest.fixture
def notifying(workspace: Settings, notified: Path) -> Settings:
    """Settings under which every end of a run is written to `notified`."""
    script = notified.with_suffix(".py")
    script.write_text(KEEP_NOTIFICATION.format(file=str(notified)))
    return workspace.model_copy(update={"notify_command": f"{sys.executable} {script}", "notify_on": "failure"})


def recorded(executor: OrderedExecutor) -> Run:
    (record,) = executor.history.runs()
    return record


def check_cancelled(executor: OrderedExecutor, result: RunResult, notified: Path, error: str | None = None) -> None:
    assert (result.status, result.exit_code) == ("cancelled", 130)
    assert (recorded(executor).status, recorded(executor).error) == ("cancelled", error)
    assert json.loads(notified.read_text())["status"] == "cancelled"
    assert "waiting" not in {task.status for task in executor.history.tasks(result.run)}


@pytest.mark.slow
def test_a_run_is_cancelled_even_if_its_tasks_notice_first(executor, notifying, notified, tmp_path):
    executor.work = executor.cancel_run
    check_cancelled(executor, start(notifying, tmp_path), notified)


def test_a_run_is_cancelled_even_if_its_last_task_ends_at_that_moment(executor, notifying, notified, tmp_path):
    def cancel_as_it_ends(task: Task) -> None:
        executor.succeed(task)
        if task.step == "report":
            executor.history.request_cancel(task.run_id)

    executor.work = cancel_as_it_ends
    check_cancelled(executor, start(notifying, tmp_path), notified)
    assert {task.status for task in executor.history.tasks(recorded(executor).id)} == {"done"}


def test_a_run_is_cancelled_while_its_executor_closes(executor, notifying, notified, tmp_path):
    executor.at_close = lambda: executor.history.request_cancel(recorded(executor).id)
    check_cancelled(executor, start(notifying, tmp_path), notified)


def test_a_signal_after_the_last_task_and_before_the_end_stops_the_run(executor, notifying, notified, tmp_path):
    options = RunOptions()
    executor.at_close = options.stop.set
    check_cancelled(executor, start(notifying, tmp_path, options=options), notified, error=STOPPED_BY_SIGNAL)


def test_a_signal_during_a_task_stops_the_run_and_its_waiting_tasks(executor, notifying, notified, tmp_path):
    options = RunOptions()

    def stop(task: Task) -> None:
        executor.succeed(task)
        options.stop.set()

    executor.work = stop
    result = start(notifying, tmp_path, options=options)
    check_cancelled(executor, result, notified, error=STOPPED_BY_SIGNAL)
    assert [task.status for task in executor.history.tasks(result.run)] == ["done", "cancelled"]
    (video,) = result.as_json()["videos"]
    assert {name: step["status"] for name, step in video["steps"].items()} == {"convert": "done", "report": "cancelled"}


def test_a_signal_after_a_person_cancelled_leaves_the_run_cancelled_by_that_person(executor, notifying, tmp_path):
    options = RunOptions()

    def both(task: Task) -> None:
        executor.cancel_run(task)
        options.stop.set()

    executor.work = both
    assert start(notifying, tmp_path, options=options).status == "cancelled"
    assert recorded(executor).error is None


def test_cancelling_a_run_does_not_stop_its_starter(executor, workspace, tmp_path):
    """`vidlib watch` starts one run after the other and hands all of them its own event."""
    options = RunOptions()
    executor.work = executor.cancel_run
    assert start(workspace, tmp_path, options=options).status == "cancelled"
    assert not options.stop.is_set()


def test_a_task_that_is_cancelled_before_it_begins_never_begins(executor, workspace, tmp_path):
    begun = []

    def cancel_first(task: Task) -> None:
        executor.history.request_cancel(task.run_id)
        begun.append(queue.claim(executor.history, task.id))

    executor.work = cancel_first
    assert start(workspace, tmp_path).status == "cancelled"
    assert begun == [None]


def cancel_first_video(executor: OrderedExecutor) -> Callable[[Task], None]:
    def work(task: Task) -> None:
        if (task.label, task.step) == ("clip 0.mp4", "convert"):
            queue.claim(executor.history, task.id)
            executor.history.request_cancel(task.run_id, task.label)
            queue.finish(executor.history, task.id, status="cancelled")
        else:
            executor.succeed(task)

    return work


def test_cancelling_one_video_leaves_the_run_and_its_other_videos_alone(executor, notifying, notified, tmp_path):
    executor.work = cancel_first_video(executor)
    result = start(notifying, tmp_path, n_videos=2)
    assert [video.status for video in result.videos] == ["cancelled", "done"]
    assert (result.status, recorded(executor).status) == ("partial", "partial")
    assert not recorded(executor).cancel_requested


def test_cancelling_one_step_skips_what_needs_it_and_says_so(executor, workspace, tmp_path):
    def cancel_scenes(task: Task) -> None:
        if (task.label, task.step) == ("clip 0.mp4", "convert"):
            executor.history.request_cancel(task.run_id, task.label, "scenes")
        executor.succeed(task)

    executor.work = cancel_scenes
    result = start(workspace, tmp_path, n_videos=2, steps={"tracking"})
    assert (result.status, [video.status for video in result.videos]) == ("partial", ["cancelled", "done"])
    assert [video.error for video in result.videos] == [None, None]
    tasks = {task.step: task for task in executor.history.tasks(result.run) if task.label == "clip 0.mp4"}
    assert (tasks["scenes"].status, tasks["scenes"].reason) == ("cancelled", "stopped as asked")
    assert (tasks["tracking"].status, tasks["tracking"].reason) == (
        "skipped",
        "its input is missing, because scenes was cancelled",
    )
    assert (tasks["audio"].status, tasks["report"].status) == ("done", "done")
    assert "error" not in {event.level for event in executor.history.events(result.run)}


def test_a_run_whose_only_video_is_cancelled_is_cancelled(executor, notifying, notified, tmp_path):
    executor.work = cancel_first_video(executor)
    check_cancelled(executor, start(notifying, tmp_path), notified)


def test_a_task_that_waits_for_its_next_attempt_is_cancelled(executor, notifying, notified, tmp_path):
    def fail_and_cancel(task: Task) -> None:
        queue.claim(executor.history, task.id)
        executor.history.request_cancel(task.run_id)
        queue.finish(executor.history, task.id, status="waiting", not_before=10**12)

    executor.work = fail_and_cancel
    check_cancelled(executor, start(notifying, tmp_path), notified)


def test_a_run_that_another_process_took_over_is_left_to_it(executor, notifying, notified, tmp_path):
    def take_over(task: Task) -> None:
        executor.succeed(task)
        with executor.history.writing() as session:
            session.get(Run, task.run_id).owner = "far/away/7/1"

    executor.work = take_over
    with pytest.raises(LeaseLost, match="belongs to another process now"):
        start(notifying, tmp_path)
    assert (recorded(executor).status, recorded(executor).error) == ("running", None)
    assert not notified.exists()


def test_a_signal_does_not_stop_a_run_that_another_process_took_over(executor, notifying, notified, tmp_path):
    options = RunOptions()

    def take_over_and_stop(task: Task) -> None:
        executor.succeed(task)
        with executor.history.writing() as session:
            session.get(Run, task.run_id).owner = "far/away/7/1"
        options.stop.set()

    executor.work = take_over_and_stop
    with pytest.raises(LeaseLost, match="belongs to another process now"):
        start(notifying, tmp_path, options=options)
    assert not recorded(executor).cancel_requested
    assert not notified.exists()


def test_a_run_that_was_taken_over_while_a_file_was_read_gets_no_tasks_from_here(executor, workspace, monkeypatch):
    def taken_over(path: Path, workspace: Path) -> str:
        with executor.history.writing() as session:
            session.get(Run, recorded(executor).id).owner = "far/away/7/1"
        return "ab" * 32

    monkeypatch.setattr("vidlib.runner.projects.content_sha256", taken_over)
    workspace.inbox.mkdir(parents=True)
    with pytest.raises(LeaseLost):
        start(workspace, workspace.inbox)
    assert executor.history.tasks(recorded(executor).id) == []


def test_a_run_that_breaks_off_has_failed_even_if_it_was_cancelled(executor, notifying, notified, tmp_path):
    def break_off(task: Task) -> None:
        executor.history.request_cancel(task.run_id)
        raise OSError(28, "No space left on device")

    executor.work = break_off
    with pytest.raises(OSError, match="No space left"):
        start(notifying, tmp_path)
    assert recorded(executor).status == "failed"
    assert "No space left" in json.loads(notified.read_text())["error"]


def test_a_cancelled_run_is_resumed_and_can_be_cancelled_again(executor, notifying, notified, tmp_path):
    executor.work = executor.cancel_run
    first = start(notifying, tmp_path)
    check_cancelled(executor, first, notified)
    check_cancelled(executor, resume(first.run, notifying), notified)
    executor.work = executor.succeed
    assert resume(first.run, notifying).status == "done"


def test_a_run_that_has_ended_cannot_be_cancelled(executor, workspace, tmp_path):
    result = start(workspace, tmp_path)
    with pytest.raises(UsageError, match=r"has ended already \(done\)"):
        executor.history.request_cancel(result.run)
    assert not recorded(executor).cancel_requested
