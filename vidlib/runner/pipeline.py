"""Runs the pipeline: plans the tasks of a request, submits them to an executor, and follows them to the end.

The way of a task: `run` writes a run to the history and calls `_drive`. `RunController.drive` plans tasks, and submits
those that may begin to the executor. There `execute_task` claims a task, runs its notebook and records the end in the
history, where the controller reads it.

The history is the truth. This process may be killed at any moment, and another one goes on from the history (`resume`).
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Container
from contextlib import suppress
from dataclasses import dataclass, field

from vidlib.errors import Cancelled, LeaseLost, UnknownName, UsageError, VidlibError
from vidlib.runner import notifications, projects
from vidlib.runner.execution.executors import Executor, open_executor
from vidlib.runner.execution.heartbeat import Heartbeat
from vidlib.runner.execution.periodic import periodic
from vidlib.runner.intake import Intake
from vidlib.runner.request import Request
from vidlib.runner.run_result import RunResult, result_of
from vidlib.runner.runlog import RunLog
from vidlib.runner.scheduling import retries
from vidlib.runner.scheduling.allocation import Allocation, allocate
from vidlib.runner.scheduling.graph import TaskGraph
from vidlib.runner.scheduling.retry_request import tasks_to_retry
from vidlib.runner.sources import parse_source
from vidlib.runner.store import identity, queue
from vidlib.runner.store.identity import HEARTBEAT_S
from vidlib.runner.store.models import ACTIVE, Run, Task
from vidlib.runner.store.runs import CANCELLED, STOPPED_BY_SIGNAL, History
from vidlib.settings import Settings
from vidlib.steps import STEPS

POLL_S = 0.5
"""Seconds between two looks at the history while tasks run."""

MAX_SILENCE_S = 5.0
"""A run breaks off after this many seconds in which it could not write to the history."""

STOP_S = 30.0
"""Seconds in which tasks must end after a stop. The next run takes care of those that do not."""


@dataclass(frozen=True)
class RunOptions:
    """How to execute a run: with ``jobs`` lanes of this machine, or on the Dask cluster at ``scheduler``.

    ``on_task_change`` receives each task when it changes. Setting ``stop`` ends the run as cancelled.
    """

    jobs: int | None = None
    scheduler: str | None = None
    on_task_change: Callable[[Task], None] = lambda task: None
    stop: threading.Event = field(default_factory=threading.Event)


def run(request: Request, settings: Settings, options: RunOptions | None = None) -> RunResult:
    """Process a request and write a report for every video; a video that fails does not stop the others.

    Raises UsageError for a path or a step that does not exist, and SettingError for a notification that cannot work,
    before anything is done.
    """
    paths = [projects.check_path(path, settings) for path in request.paths]
    for name in request.steps - STEPS.keys():
        raise UnknownName("a step", name, STEPS)
    if request.variant:
        projects.check_variant(request.variant)
        if "finalize" in request.steps:
            raise UsageError(
                f"variant {request.variant!r} cannot be delivered; leave out the step finalize. "
                "To deliver its results when it is done, use: vidlib promote"
            )
    notifications.check(settings)
    with History(settings.database) as history:
        interrupted = history.mark_interrupted()
        params = {step: values.model_dump(mode="json") for step, values in request.params.for_project().items()}
        record = history.start_run(list(dict.fromkeys(paths)), params, request.as_json())
        for run_id in interrupted:
            message = f"run {run_id} was interrupted; this run uses what that one finished"
            history.add_event(record.id, message, "warning")
        return _drive(record, settings, history, options or RunOptions())


def resume(run_id: str, settings: Settings, options: RunOptions | None = None) -> RunResult:
    """Continue a run that was interrupted or cancelled, or in which something failed.

    Raises UsageError for an unknown run, and for one that is running.
    """
    notifications.check(settings)
    with History(settings.database) as history:
        record = history.take_run(run_id)
        history.add_event(run_id, "resumed")
        return _drive(record, settings, history, options or RunOptions())


def retry(
    run_id: str,
    settings: Settings,
    options: RunOptions | None = None,
    *,
    video: str | None = None,
    step: str | None = None,
) -> RunResult | None:
    """Try the failed tasks of a run again, or those of a ``video`` or a ``step``; see `tasks_to_retry`.

    Returns None if the run still runs: its own process does the work. Raises UsageError for an unknown run, and where
    another attempt cannot help.
    """
    notifications.check(settings)
    with History(settings.database) as history:
        history.run(run_id)
        tasks = tasks_to_retry(history.tasks(run_id), video, step)
        ids = [task.id for task in tasks]
        message = f"another attempt for {', '.join(dict.fromkeys(f'{task.label}: {task.step}' for task in tasks))}"
        begun = [task.id for task in tasks if task.sha256]  # a running process takes up no delivery a second time
        if begun and history.requeue_tasks(run_id, begun):
            history.add_event(run_id, message)
            return None
        record = history.take_run(run_id, ids)
        history.add_event(run_id, message)
        origins = {task.origin for task in tasks}
        return _drive(record, settings, history, options or RunOptions(), origins)


def _drive(
    record: Run, settings: Settings, history: History, options: RunOptions, origins: Container[str] | None = None
) -> RunResult:
    """Drive a run of this process to its end and close it, however it ends.

    Of its paths that have no tasks yet, only those in ``origins`` are taken up (None: all).
    """
    controller = RunController(record, settings, history, options, origins)
    try:
        # closing the executor takes time, so the heartbeat outlives it
        with (
            periodic(controller.heartbeat.send, HEARTBEAT_S),
            open_executor(settings, options.jobs, options.scheduler) as executor,
        ):
            controller.drive(executor)
    except Cancelled:
        pass  # `finish` finds the request in the history
    except BaseException as error:
        controller.break_off(f"{type(error).__name__}: {error}")
        raise
    return controller.finish()


class RunController:
    """Plans, submits and follows the tasks of one run, and closes the run."""

    def __init__(
        self,
        record: Run,
        settings: Settings,
        history: History,
        options: RunOptions,
        origins: Container[str] | None = None,
    ):
        self.run_id, self.record, self.settings, self.history = record.id, record, settings, history
        self.on_task_change, self.stop = options.on_task_change, options.stop
        self.heartbeat = Heartbeat(lambda: queue.heartbeat_run(history, record.id))
        self.intake = Intake(record, Request.from_run(record), settings, history)
        self.log = RunLog(history, record.id, settings.runs / record.id)
        self.paths = [path for path in record.paths if origins is None or path in origins]
        self.graph = TaskGraph()
        self.submitted: dict[int, Allocation] = {}
        self._waits_for_worker = False

    def drive(self, executor: Executor) -> None:
        """Work until every task has ended.

        Raises Cancelled if the run was asked to stop, and LeaseLost if another process took it over. Tasks that run at
        that moment are stopped first.
        """
        try:
            self._update(self.history.tasks(self.run_id))
            sources = map(parse_source, self.paths)
            unplanned = deque(source for source in sources if not self.graph.has_delivery(str(source)))
            while unplanned or self.graph.unfinished():
                self._check_stopped()
                if unplanned:
                    self._update(self.intake.accept(unplanned.popleft()))
                self._plan_arrivals()
                self._skip_blocked()
                self._submit_ready(executor, more_come=bool(unplanned))
                self._follow(executor, timeout_s=0.0 if unplanned else POLL_S)
        except BaseException:
            self._stop_tasks(executor)
            raise

    def finish(self) -> RunResult:
        """Close a run that did not break off, and notify.

        The history decides whether the run was cancelled. A request to stop counts until the run is closed, even if
        only its tasks saw it. Raises LeaseLost if another process took the run over.
        """
        self._pass_on_signal()
        status = self.history.finish_run(self.run_id, self._result().status)
        if status is None:
            raise self._lost()
        result = self._result(cancelled=status == "cancelled")
        self._notify(result)
        return result

    def break_off(self, error: str) -> None:
        """Close a run that ended with an error, and notify; a run that another process took over is left alone."""
        if self.history.finish_run(self.run_id, "failed", error):
            self._notify(self._result(), error)

    def _check_stopped(self) -> None:
        """Raise Cancelled, LeaseLost, or the error of a history that cannot be written any more."""
        self._pass_on_signal()
        if self.heartbeat.error and self.heartbeat.silence_s > MAX_SILENCE_S:
            raise self.heartbeat.error
        if self.heartbeat.reply == "lost":
            raise self._lost()
        if self.heartbeat.reply == "cancel" or self.stop.is_set():
            raise Cancelled

    def _pass_on_signal(self) -> None:
        """Write into the history that a signal stops this run, so that tasks on other machines stop too."""
        if self.stop.is_set():
            self.history.stop_run(self.run_id, STOPPED_BY_SIGNAL)

    def _plan_arrivals(self) -> None:
        """Plan the tasks of downloads that arrived and of archives that were unpacked since the last time."""
        for download in self.graph.arrived():
            self._update(self.intake.accept_download(download))
        for archive in self.graph.unpacked():
            self._update(self.intake.accept_unpacked(archive))

    def _skip_blocked(self) -> None:
        for task, reason in list(self.graph.blocked()):
            self._skip(task, "skipped", reason)

    def _submit_ready(self, executor: Executor, more_come: bool) -> None:
        """Submit the tasks that may begin, as many as the executor has capacity for."""
        ready = [task for task in self.graph.ready(time.time()) if task.id not in self.submitted]
        if not ready:
            return
        capacity = executor.capacity()
        if not capacity.lanes and not self._waits_for_worker:
            self.history.add_event(self.run_id, "no worker is available; the run waits for one", "warning")
        self._waits_for_worker = not capacity.lanes
        for allocation in allocate(ready, capacity, list(self.submitted.values()), more_come):
            self.submitted[allocation.task_id] = allocation
            executor.submit(allocation.task_id, allocation.cores, allocation.gpu)

    def _follow(self, executor: Executor, timeout_s: float) -> None:
        """Wait until a task comes back or ``timeout_s`` seconds pass, and read from the history what happened."""
        returned = executor.returned(timeout_s)
        waiting = self.history.waiting(self.run_id)
        cancelled = [task_id for task_id, asked in waiting.items() if asked]
        retried = [task_id for task_id in waiting if self.graph.tasks[task_id].status not in ACTIVE]
        self._update(self.history.tasks_by_id([*self.submitted, *cancelled, *retried]))
        for task_id in list(self.submitted):
            task = self.graph.tasks[task_id]
            own = task.status == "running" and task.worker == identity.this_process()
            if queue.is_lost(task) or (own and task_id in returned):  # it ended without recording how
                self._requeue(task)
            if task.status not in ACTIVE or (task_id in returned and task.status == "waiting"):
                self.submitted.pop(task_id, None)
        for task_id in cancelled:
            self._skip(self.graph.tasks[task_id], "cancelled", CANCELLED)
        self.log.catch_up()

    def _requeue(self, task: Task) -> None:
        """Let a task whose worker is dead wait for its next attempt, or fail after the last one."""
        host = identity.host_of(task.worker) if task.worker else "an unknown machine"
        error = f"its worker on {host} is gone"
        columns: dict[str, object] = {"error": error, "error_type": "WorkerLost"}
        delay_s = retries.delay_s("WorkerLost", task.attempt)
        if delay_s is None:
            columns |= {"status": "failed", "finished_at": time.time()}
        else:
            columns |= {"status": "waiting", "not_before": time.time() + delay_s}
        if queue.requeue(self.history, task, **columns):
            message = f"{task.label}: {task.step}: {error}"
            self.history.add_event(self.run_id, message, "warning", task.label, task.step)
        self.submitted.pop(task.id, None)
        self._update(self.history.tasks_by_id([task.id]))

    def _skip(self, task: Task, status: str, reason: str) -> None:
        queue.skip(self.history, task.id, status, reason)
        self._update(self.history.tasks_by_id([task.id]))

    def _update(self, tasks: list[Task]) -> None:
        """Take over the new state of tasks, and pass on those that changed."""
        for task in tasks:
            before = self.graph.tasks.get(task.id)
            self.graph.update([task])
            if before is None or (before.status, before.progress) != (task.status, task.progress):
                self.on_task_change(task)

    def _stop_tasks(self, executor: Executor) -> None:
        """Ask all tasks of this run to stop, and wait for them. After a take-over they stop by themselves."""
        deadline = time.monotonic() + STOP_S
        with suppress(VidlibError):  # the history may be the reason for the stop
            self.history.stop_run(self.run_id)
        while self.submitted.keys() - executor.returned(0.0) and time.monotonic() < deadline:
            executor.returned(POLL_S)
        with suppress(VidlibError):
            self._update(self.history.tasks_by_id([*self.submitted]))

    def _result(self, *, cancelled: bool = False) -> RunResult:
        result = result_of(self.record, self.history.tasks(self.run_id), self.settings, cancelled=cancelled)
        result.notices = self.history.notices(self.run_id)
        return result

    def _notify(self, result: RunResult, error: str | None = None) -> None:
        """Write the end of the run into its log, and notify those who asked for it."""
        self.history.add_event(
            self.run_id, f"run {self.run_id}: {error or result.status}", "error" if error else "info"
        )
        for problem in notifications.notify(notifications.payload(result, error), self.settings):
            self.history.add_event(self.run_id, problem, "warning")
        self.log.catch_up()

    def _lost(self) -> LeaseLost:
        return LeaseLost(f"run {self.run_id} belongs to another process now; see: vidlib status {self.run_id}")
