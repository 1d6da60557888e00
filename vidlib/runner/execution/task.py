"""Executes one task: claims it, finds its result or runs its notebook, publishes the outputs and records the end.

A task reads all that it needs from the history. It writes to the history and to the folder of its step.
"""

import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from vidlib import progress
from vidlib.corrections import store as corrections
from vidlib.corrections.actions import Correction
from vidlib.errors import Cancelled, LeaseLost, NeedsOperator, OutOfMemory, Postponed, StepFailed, VidlibError
from vidlib.files import TMP_PREFIX
from vidlib.ingest.urls import handle
from vidlib.results.naming import subject_folder
from vidlib.runner import report_run
from vidlib.runner.downloads import store
from vidlib.runner.execution.heartbeat import Heartbeat
from vidlib.runner.execution.periodic import periodic
from vidlib.runner.execution.worker import Worker
from vidlib.runner.kernels.notebook import Placement, StepMonitor, run_step
from vidlib.runner.publishing import Publication
from vidlib.runner.read_only import remove_folder
from vidlib.runner.request import Request
from vidlib.runner.run_result import status_of
from vidlib.runner.scheduling import retries
from vidlib.runner.scheduling.plan import AGAIN, Planned, plan_step
from vidlib.runner.step_log import StepLog, file_of
from vidlib.runner.store import identity, queue
from vidlib.runner.store.identity import HEARTBEAT_S, LEASE_S
from vidlib.runner.store.models import Task
from vidlib.runner.store.runs import CANCELLED, NOTICE
from vidlib.steps import ARCHIVED, STEPS, VIDEO_STEPS, download
from vidlib.steps.base import StepOutputs
from vidlib.steps.corrected import corrections_of
from vidlib.steps.finalize import FinishedVideo
from vidlib.steps.report import PAGE
from vidlib.text import plain_message

POSTPONED_S = 1.0
"""Seconds after which a postponed task is tried again."""


def execute_task(worker: Worker, task_id: int, n_cores: int = 1, gpu: bool = False) -> None:
    """Execute a task that waits, unless another process has it; the history says how the task ended."""
    before = worker.history.tasks_by_id([task_id])
    if not before or (task := queue.claim(worker.history, task_id)) is None:
        return
    context = TaskContext(worker, task)
    # claiming clears the error of the last attempt
    monitor = TaskMonitor(worker, task, alone=before[0].error_type in retries.ALONE_AFTER)
    with worker.stoppable(monitor), periodic(monitor.tick, HEARTBEAT_S):
        try:
            with worker.reserve(n_cores, gpu) as placement:
                planned, outputs, executed = _find_or_run(context, monitor, placement)
            publish(context, planned)
            monitor.check()
        except Exception as error:  # noqa: BLE001 a task must not seem to run after its thread ended, whatever the error
            _record_failure(context, error)
        else:
            _record_success(context, planned, outputs, executed)


@dataclass
class TaskContext:
    """A task of this process, with the parts of its run that it needs."""

    worker: Worker
    task: Task

    @cached_property
    def request(self) -> Request:
        return Request.from_run(self.worker.history.run(self.task.run_id))

    @cached_property
    def run_tasks(self) -> list[Task]:
        """All tasks of the run, in the order of the plan."""
        return self.worker.history.tasks(self.task.run_id)

    @cached_property
    def report_folder(self) -> Path:
        """The folder of the run that shows the report of this task's video."""
        return report_run.folder_of(self.worker.settings.runs, self.task, self.run_tasks)

    def delivery_tasks(self, *steps: str) -> list[Task]:
        """The tasks of this task's delivery for ``steps``."""
        return [task for task in self.run_tasks if task.origin == self.task.origin and task.step in steps]

    def outputs_of(self, source: str) -> dict[str, StepOutputs]:
        """The outputs of the finished steps of one video, by step; raises BrokenOutput if a folder is damaged."""
        return {step: STEPS[step].outputs(folder) for step, folder in self.finished_steps(source).items()}

    def finished_steps(self, source: str) -> dict[str, Path]:
        """The folders of the finished steps of one video, by step."""
        tasks = self.delivery_tasks(*VIDEO_STEPS)
        return {task.step: task.result_folder for task in tasks if (task.source, task.status) == (source, "done")}

    def log(self, message: str, level: str = "info") -> None:
        """Add a line about this task to the log of the run."""
        line = f"{self.task.label}: {message}"
        self.worker.history.add_event(self.task.run_id, line, level, self.task.label, self.task.step)


class TaskMonitor(StepMonitor):
    """Sends the heartbeats of a task with its progress, and stops the task if the reply or its memory demands it."""

    def __init__(self, worker: Worker, task: Task, *, alone: bool = False):
        self.lines = StepLog(file_of(worker.settings.runs, task))
        super().__init__(self.lines)
        self.worker, self.task = worker, task
        self.lease: queue.HeldLease | None = None
        self.memory_limit = worker.memory_limit(alone=alone)
        self.heartbeat = Heartbeat(self._renew)

    def tick(self) -> None:
        """Send a heartbeat and act on the reply; called every HEARTBEAT_S seconds."""
        kernel = self.kernel
        self.heartbeat.send()
        if self.heartbeat.error:
            if self.heartbeat.silence_s > LEASE_S:  # another process may take over now
                self.stop(LeaseLost(f"no heartbeat could be sent for {LEASE_S:.0f} s: {self.heartbeat.error}"))
        elif self.heartbeat.reply == "cancel":
            self.stop(Cancelled(CANCELLED))
        elif self.heartbeat.reply == "lost":
            self.stop(LeaseLost("another process took over, because this one sent no heartbeat for too long"))
        elif kernel and (held := kernel.bytes_held()) > self.memory_limit:
            limit = f"{self.memory_limit / 1e9:.1f} GB are allowed"
            self.stop(OutOfMemory(f"it took {held / 1e9:.1f} GB of memory, {limit}"))

    def _renew(self) -> queue.Reply:
        lease, state = self.lease, _progress(self.tmp)
        if state:
            self.lines.add_progress(state["work_done"], state["work_total"], STEPS[self.task.step].unit)
        reply = queue.heartbeat(self.worker.history, self.task.id, lease, **state)
        if reply == "lost" and lease is not self.lease:  # the task itself released the lease meanwhile
            reply = queue.heartbeat(self.worker.history, self.task.id, **state)
        return reply


def _progress(tmp: Path | None) -> dict[str, Any]:
    """The progress of the step that works in ``tmp``, as columns of its task."""
    if tmp is None or (state := progress.read(tmp)) is None:
        return {}
    done, total = state
    return {"work_done": done, "work_total": total, "progress": min(1.0, done / total)}


def _find_or_run(context: TaskContext, monitor: TaskMonitor, placement: Placement) -> tuple[Planned, StepOutputs, bool]:
    """The plan of the task, its outputs, and whether they were made here and now.

    A step with corrections is executed without them first. Each later correction finds that result.
    """
    planned = _plan(context)
    force = context.request.force and context.request.wants(context.task.step)
    if planned.uncorrected and (force or not (planned.done or planned.uncorrected.done)):
        _find_or_run_planned(context, monitor, placement, planned.uncorrected, force)
    return _find_or_run_planned(context, monitor, placement, planned, force)


def _find_or_run_planned(
    context: TaskContext, monitor: TaskMonitor, placement: Placement, planned: Planned, force: bool
) -> tuple[Planned, StepOutputs, bool]:
    task, history = context.task, context.worker.history
    if planned.outputs is not None and not force:
        return planned, planned.outputs, False
    lease = queue.acquire_lease(history, f"{planned.folder.parent.name}/{planned.folder.name}")
    if lease is None:
        raise Postponed(f"another run does {task.step} now")
    monitor.lease = lease
    try:
        reason = planned.reason or AGAIN
        history.update_task(task.id, reason=reason)
        if planned.damaged:
            context.log(f"{task.step} is executed again: {planned.reason}", "warning")
        _remove_stale_temp_folders(context, planned.folder.parent)
        monitor.lines.add("info", f"attempt {task.attempt} on {identity.host_of(identity.this_process())}: {reason}")
        context.worker.kernels.start_ahead(placement.gpu)
        with _links_handed_over(context, planned):
            outputs, executed = run_step(
                planned,
                force=force,
                placement=placement,
                monitor=monitor,
                publishing=lambda: queue.publishing(history, lease),
                settings=context.worker.settings,
            )
        return planned, outputs, executed
    finally:
        monitor.lease = None
        queue.release_lease(history, lease)


@contextmanager
def _links_handed_over(context: TaskContext, planned: Planned) -> Iterator[None]:
    """Give a download step the links to its handle while the block runs."""
    if context.task.step != download.NAME:
        yield
        return
    known = store.find(context.worker.history, context.task.source)
    links = known.links if known else (context.task.source,)
    file = download.hand_over_links(planned.inputs["keep_dir"], links)
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def _plan(context: TaskContext) -> Planned:
    task, settings = context.task, context.worker.settings
    step = STEPS[task.step]
    source = Path(task.source) if "source" in step.sources.values() else None
    outputs = context.outputs_of(task.source) if step.needs else {}
    home, params = subject_folder(settings.work, task.sha256), step.module.Params(**task.params)
    decided = corrections.read_active(settings.corrections, task.sha256) if step.corrected else ()
    return plan_step(step, source, outputs, params, home, decided, **_further_inputs(context))


def _further_inputs(context: TaskContext) -> dict[str, Any]:
    """The inputs of a step that neither its source nor earlier steps of the video supply."""
    task, settings = context.task, context.worker.settings
    if task.step == "download":
        kept = subject_folder(settings.work, task.sha256) / "arriving"
        return {"url": handle(task.source), "keep_dir": kept}
    if task.step == "finalize":
        roots = {"archive_dir": settings.archive, "delivery_dir": settings.delivery}
        videos = tuple(finished(context, video) for video in context.delivery_tasks("report"))
        return {"project": task.project, "videos": videos, **roots}
    if task.step == "report":
        tasks = context.delivery_tasks(*STEPS)
        decided = corrections.read_active(settings.corrections, task.sha256)
        asked = context.request.variant, decided, settings.language
        evidence = report_run.write_evidence(context.report_folder, task, tasks, *asked)
        return {"evidence": evidence, "report_dir": context.report_folder}
    return {}


def finished(context: TaskContext, video: Task) -> FinishedVideo:
    """The results of a video for its delivery; ``video`` is any task of it."""
    outputs = context.outputs_of(video.source)
    files = ((name, getattr(outputs[step], output)) for step, name, output in ARCHIVED if step in outputs)
    results = {name: file for name, file in files if file is not None}
    converted = getattr(outputs.get("convert"), "video", None)
    decided = _corrections_in(context, video)
    return FinishedVideo(stem=video.stem, source=Path(video.source), video=converted, corrections=decided, **results)


def _corrections_in(context: TaskContext, video: Task) -> tuple[Correction, ...]:
    """The corrections of people that the results of a video have."""
    if ids := corrections_of(context.finished_steps(video.source).values()):
        known = corrections.read(context.worker.settings.corrections, video.sha256)
        return tuple(one for one in known if one.id in ids)
    return ()


def _remove_stale_temp_folders(context: TaskContext, home: Path) -> None:
    """Remove the working folders that dead processes left in the folder of this video."""
    for folder in home.glob(f"{TMP_PREFIX}*"):
        key = f"{home.name}/{folder.name.removeprefix(TMP_PREFIX).rpartition('-')[0]}"
        if not queue.is_leased(context.worker.history, key):
            remove_folder(folder)


def publish(context: TaskContext, planned: Planned) -> None:
    """Link results to where people look for them: those of a video all at once, the report in the folder of the run.

    The last step of a video publishes its results. The report does so again, for runs without that step and for runs in
    which a step failed.
    """
    task = context.task
    if task.step == VIDEO_STEPS[-1]:
        _publish_results(context, {task.step: planned.folder})
    if task.step == "report":
        report_run.publish(planned.folder, context.report_folder)
        for finalize in context.delivery_tasks("finalize"):
            report_run.deliver(context.worker.settings.delivery, task, finalize, context.report_folder / PAGE)
        _publish_results(context, {})


def _publish_results(context: TaskContext, finished_now: dict[str, Path]) -> None:
    task, settings = context.task, context.worker.settings
    done = context.finished_steps(task.source) | finished_now
    if notice := Publication.from_run(settings, context.request, task, done).publish():
        context.worker.history.add_event(task.run_id, notice, NOTICE, task.label, task.step)


def _record_success(context: TaskContext, planned: Planned, outputs: StepOutputs, executed: bool) -> None:
    task, now = context.task, time.time()
    end = {"status": "done", "cached": not executed, "progress": 1.0, "finished_at": now}
    if not queue.finish(context.worker.history, task.id, folder=str(planned.folder), **end):
        return
    if not executed:
        context.log(f"{task.step} was done already")
        return
    context.log(f"{task.step} done in {now - (task.started_at or now):.1f} s")
    if outputs.fallback:
        engine = f"{outputs.engine} on {outputs.device}"
        context.log(f"{task.step} fell back to {engine}: {outputs.fallback}", "warning")


def _record_failure(context: TaskContext, error: Exception) -> None:
    """Record that the task failed, or that it is tried again and when."""
    task, history = context.task, context.worker.history
    if isinstance(error, Postponed):  # this was no attempt
        later = {"not_before": time.time() + POSTPONED_S, "attempt": task.attempt - 1}
        queue.finish(history, task.id, status="waiting", reason=str(error), **later)
        return
    failure = error if isinstance(error, StepFailed) else _step_failed(task, error)
    folder = failure.notebook and str(Path(failure.notebook).parent)
    columns = {"error": failure.reason, "error_type": failure.error_type, "folder": folder}
    if isinstance(error, Cancelled):  # what somebody asked for is no error
        columns = {"reason": str(error)}
    delay_s = retries.delay_s(failure.error_type, task.attempt)
    if delay_s is not None:
        if queue.finish(history, task.id, status="waiting", not_before=time.time() + delay_s, **columns):
            context.log(f"{failure}; next attempt in {delay_s:.0f} s", "warning")
        return
    status = status_of(error)
    if task.step == "download" and status != "cancelled":
        state: store.State = "manual" if failure.error_type == NeedsOperator.__name__ else "failed"
        store.record_outcome(history, task.source, state, error=failure.reason)
    if queue.finish(history, task.id, status=status, finished_at=time.time(), **columns):
        if status == "cancelled":
            context.log(f"{task.step} was cancelled")
        else:
            context.log(str(failure), "error")


def _step_failed(task: Task, error: Exception) -> StepFailed:
    """Describe any error as a failure of the task's step; the message of a bug says where it occurred."""
    name, message = type(error).__name__, str(error)
    if not isinstance(error, VidlibError | OSError):
        place = traceback.extract_tb(error.__traceback__)[-1]
        message = f"{name}: {error} ({Path(place.filename).name}, line {place.lineno}); this is a bug of vidlib"
    return StepFailed(task.step, plain_message(message), error_type=name)
