"""Does one task, wherever it is handed to: takes it, looks whether it is done, runs its notebook if not, tells how.

All it needs stands in the history; all that comes of it is written there, and in the folder of the step.
"""

import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from vidlib import progress
from vidlib.errors import Cancelled, LeaseLost, NeedsOperator, OutOfMemory, Postponed, StepFailed, VidlibError
from vidlib.files import TMP_PREFIX, link_or_copy
from vidlib.ingest.urls import normalized
from vidlib.results import naming
from vidlib.results.naming import subject_folder
from vidlib.runner import projects, report_run
from vidlib.runner.downloads import store
from vidlib.runner.execution.heartbeat import repeating
from vidlib.runner.execution.worker import Bench
from vidlib.runner.kernels.notebook import Seat, Watch, run_step
from vidlib.runner.read_only import remove_folder
from vidlib.runner.request import Request
from vidlib.runner.run_result import status_of
from vidlib.runner.scheduling import retries
from vidlib.runner.scheduling.plan import Planned, plan_step
from vidlib.runner.store import queue
from vidlib.runner.store.identity import BEAT_S, LEASE_S
from vidlib.runner.store.models import Task
from vidlib.steps import PUBLISHED, STEPS, VIDEO_STEPS
from vidlib.steps.base import StepOutputs
from vidlib.steps.finalize import FinishedVideo

POSTPONED_S = 1.0
"""Seconds after which a task is looked at again that could not be done at once."""


@dataclass
class Job:
    """A task that this process does, and what belongs to it."""

    bench: Bench
    task: Task

    @cached_property
    def request(self) -> Request:
        return Request.of(self.bench.history.run(self.task.run_id))

    @cached_property
    def tasks(self) -> list[Task]:
        """All tasks of the run, in the order in which they were planned."""
        return self.bench.history.tasks(self.task.run_id)

    @cached_property
    def report_folder(self) -> Path:
        """Where the report of this task's video is to be found."""
        return report_run.folder_of(self.bench.settings.runs, self.task, self.tasks)

    def of_delivery(self, *steps: str) -> list[Task]:
        """The tasks of the delivery that this one is part of, only those of ``steps``."""
        return [task for task in self.tasks if task.origin == self.task.origin and task.step in steps]

    def left(self, source: str) -> dict[str, StepOutputs]:
        """What the steps that are done left of one video; raises BrokenOutput if some of it is gone since."""
        done = [t for t in self.of_delivery(*VIDEO_STEPS) if t.source == source and t.status == "done"]
        return {task.step: STEPS[task.step].outputs(Path(task.folder)) for task in done}

    def tell(self, message: str, level: str = "info") -> None:
        """A line for the log of the run."""
        line = f"{self.task.subject}: {message}"
        self.bench.history.add_event(self.task.run_id, line, level, self.task.subject, self.task.step)


class TaskWatch(Watch):
    """Gives signs of life of a task, passes on its progress, stops it when told to or when it takes too much memory."""

    def __init__(self, bench: Bench, task: Task):
        super().__init__()
        self.bench, self.task = bench, task
        self.held: queue.Held | None = None
        self.limit = bench.memory_limit(alone=False)
        self.beaten_at = time.monotonic()

    def tick(self) -> None:
        """What is done twice a second."""
        tmp, kernel, held = self.tmp, self.kernel, self.held
        try:
            order = queue.beat(self.bench.history, self.task.id, held, **_progress(tmp))
            if order == "lost" and held is not self.held:  # given back by the task itself, meanwhile
                order = queue.beat(self.bench.history, self.task.id, **_progress(tmp))
        except VidlibError as error:  # the next one may get through, before anybody takes this process for dead
            if time.monotonic() - self.beaten_at > LEASE_S:
                self.stop(LeaseLost(f"no sign of life could be given: {error}"))
            return
        self.beaten_at = time.monotonic()
        if order == "cancel":
            self.stop(Cancelled("stopped as asked"))
        elif order == "lost":
            self.stop(LeaseLost("another process took over: this one gave no sign of life for too long"))
        elif kernel and (taken := kernel.bytes_held()) > self.limit:
            self.stop(OutOfMemory(f"it took {taken / 1e9:.1f} GB of memory, {self.limit / 1e9:.1f} GB are allowed"))


def _progress(tmp: Path | None) -> dict[str, float]:
    if tmp is None or (state := progress.read(tmp)) is None:
        return {}
    done, total = state
    return {"work_done": done, "work_total": total, "progress": min(1.0, done / total)}


def perform(bench: Bench, task_id: int, n_cores: int = 1, gpu: bool = False) -> None:
    """Do a task that waits, unless somebody else does it; how it ended stands in the history."""
    was = bench.history.tasks_called([task_id])
    if not was or (task := queue.claim(bench.history, task_id)) is None:
        return
    job, watch = Job(bench, task), TaskWatch(bench, task)
    if was[0].kind in retries.CAREFULLY:
        watch.limit = bench.memory_limit(alone=True)
    with bench.watched(watch), repeating(watch.tick, BEAT_S):
        try:
            with bench.handing_out(n_cores, gpu) as (cores, card):
                planned, outputs, executed = _do(job, watch, cores, card)
            show(job, outputs)
            watch.check()
        except Exception as error:  # noqa: BLE001 whatever it is, a task that nobody does any more must not seem to run
            _note_failure(job, error)
        else:
            _note_success(job, planned, outputs, executed)


def _do(job: Job, watch: TaskWatch, cores: Sequence[int], card: int | None) -> tuple[Planned, StepOutputs, bool]:
    """What is planned for the task, what the step left, and whether that was done here and now."""
    planned = _plan(job)
    force = job.request.force and job.request.wants(job.task.step)
    if planned.done and not force:
        return planned, planned.outputs, False
    history, key = job.bench.history, f"{planned.folder.parent.name}/{planned.folder.name}"
    held = queue.take_lease(history, key)
    if held is None:
        raise Postponed(f"another run does {job.task.step} now")
    watch.held = held
    try:
        history.update_task(job.task.id, reason=planned.reason or "asked for again")
        if planned.damaged:
            job.tell(f"{job.task.step} is executed again: {planned.reason}", "warning")
        _sweep(job, planned.folder.parent)
        job.bench.kernels.start_ahead(card)
        outputs, executed = run_step(
            planned,
            force=force,
            seat=Seat(job.bench.kernels, cores, card),
            watch=watch,
            publishing=lambda: queue.publishing(history, held),
        )
        return planned, outputs, executed
    finally:
        watch.held = None
        queue.release(history, held)


def _plan(job: Job) -> Planned:
    task, settings = job.task, job.bench.settings
    step = STEPS[task.step]
    source = Path(task.source) if "source" in step.sources.values() else None
    left = job.left(task.source) if step.needs else {}
    home = subject_folder(settings.work, task.sha256)
    return plan_step(step, source, left, step.module.Params(**task.params), home, **_further_inputs(job))


def _further_inputs(job: Job) -> dict[str, Any]:
    """Inputs that neither the source nor earlier steps of the video supply."""
    task, settings = job.task, job.bench.settings
    if task.step == "download":
        known = store.find(job.bench.history, task.source)
        kept = subject_folder(settings.work, task.sha256) / "arriving"
        return {"url": normalized(task.source), "links": known.links if known else (task.source,), "keep_dir": kept}
    if task.step == "finalize":
        places = {"archive_dir": settings.archive, "delivery_dir": settings.delivery}
        videos = tuple(finished(job, video) for video in job.of_delivery("report"))
        return {"project": task.project, "videos": videos, **places}
    if task.step == "report":
        evidence = report_run.write_evidence(job.report_folder, task, job.of_delivery(*STEPS))
        return {"evidence": evidence, "report_dir": job.report_folder}
    return {}


def finished(job: Job, video: Task) -> FinishedVideo:
    """What the steps of a video left for its delivery; ``video`` is any task of it."""
    left = job.left(video.source)
    found = {name: getattr(left[step], output) for step, name, output in PUBLISHED if step in left}
    converted = left["convert"].video if "convert" in left else None
    return FinishedVideo(stem=video.stem, source=Path(video.source), video=converted, **found)


def _sweep(job: Job, home: Path) -> None:
    """Remove what dead processes left half-done in the folder of this video."""
    for left_over in home.glob(f"{TMP_PREFIX}*"):
        key = f"{home.name}/{left_over.name.removeprefix(TMP_PREFIX).rpartition('-')[0]}"
        if not queue.leased(job.bench.history, key):
            remove_folder(left_over)


def show(job: Job, outputs: StepOutputs) -> None:
    """Let people find what the step left: results beside the video, the report in the folder of the run."""
    task = job.task
    for step, name, output in PUBLISHED:
        if step == task.step and (left := getattr(outputs, output)):
            docs = projects.docs_folder(job.bench.settings, task.project)
            link_or_copy(left, docs / f"{task.stem}{naming.PUBLISHED[name]}")
    if task.step == "report":
        report_run.publish(outputs.summary.parent, job.report_folder)


def _note_success(job: Job, planned: Planned, outputs: StepOutputs, executed: bool) -> None:
    task, now = job.task, time.time()
    ended = {"status": "done", "cached": not executed, "progress": 1.0, "finished_at": now}
    if not queue.settle(job.bench.history, task.id, folder=str(planned.folder), **ended):
        return
    if not executed:
        job.tell(f"{task.step} was done already")
        return
    job.tell(f"{task.step} done in {now - task.started_at:.1f} s")
    if outputs.fallback:
        where = f"{outputs.engine} on {outputs.device}"
        job.tell(f"{task.step} fell back to {where}: {outputs.fallback}", "warning")


def _note_failure(job: Job, error: Exception) -> None:
    """Write down that the task failed, or that it is tried again, and when."""
    task, now = job.task, time.time()
    if isinstance(error, Postponed):
        waits = {
            "status": "waiting",
            "reason": str(error),
            "not_before": now + POSTPONED_S,
            "attempt": task.attempt - 1,
        }
        queue.settle(job.bench.history, task.id, **waits)
        return
    failed = (
        error if isinstance(error, StepFailed) else StepFailed(task.step, _said(error), error_type=type(error).__name__)
    )
    folder = failed.notebook and str(Path(failed.notebook).parent)
    what = {"error": failed.reason, "kind": failed.error_type, "folder": folder}
    delay = retries.delay_s(failed.error_type, task.attempt)
    if delay is not None:
        if queue.settle(job.bench.history, task.id, status="waiting", not_before=now + delay, **what):
            job.tell(f"{failed}; tried again in {delay:.0f} s", "warning")
        return
    status = status_of(error)
    if task.step == "download" and status != "cancelled":
        state = "manual" if failed.error_type == NeedsOperator.__name__ else "failed"
        store.record_outcome(job.bench.history, task.source, state, error=failed.reason)
    if queue.settle(job.bench.history, task.id, status=status, finished_at=now, **what):
        job.tell(str(failed), "warning" if status == "cancelled" else "error")


def _said(error: Exception) -> str:
    """What an error says; of one that vidlib does not know, where it happened as well."""
    if isinstance(error, VidlibError | OSError):
        return str(error)
    where = traceback.extract_tb(error.__traceback__)[-1]
    return (
        f"{type(error).__name__}: {error} ({Path(where.filename).name}, line {where.lineno}); this is a bug of vidlib"
    )
