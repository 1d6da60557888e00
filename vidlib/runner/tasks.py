"""Does one task: looks whether it is done, runs its notebook if not, and tells the history and whoever listens."""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vidlib.errors import Cancelled, StepFailed, VidlibError
from vidlib.params import Frozen
from vidlib.results.naming import subject_folder
from vidlib.runner import notebooks
from vidlib.runner.history import History, Run, Task
from vidlib.runner.outcome import RunResult, StepResult, VideoResult, status_of
from vidlib.runner.plan import plan_step
from vidlib.settings import Settings
from vidlib.steps import STEPS, VIDEO_STEPS
from vidlib.steps.base import StepOutputs

log = logging.getLogger("vidlib.run")


@dataclass(frozen=True)
class Request:
    """What somebody wants: ``paths`` (archives, videos, folders), the params of every step, and which ``steps``.

    ``steps`` empty means all of them; those that a named one needs are done as well. ``force`` does the named steps
    again though their results are there.
    """

    paths: Sequence[Path]
    params: Mapping[str, Frozen]
    steps: frozenset[str] = frozenset()
    force: bool = False

    def wants(self, step: str) -> bool:
        return not self.steps or step in self.steps

    def video_steps(self) -> list[str]:
        """The steps to do for each video, in order: those asked for and what they need."""
        needed = set(self.steps) or set(VIDEO_STEPS)
        for name in reversed(VIDEO_STEPS):
            if name in needed:
                needed |= STEPS[name].needs
        return [name for name in VIDEO_STEPS if name in needed]


@dataclass
class ActiveRun:
    """One run in progress: its request, where it writes, who is told (``listen``), and how it is stopped (``stop``)."""

    request: Request
    settings: Settings
    history: History
    record: Run
    result: RunResult
    listen: Callable[[Task], None]
    stop: threading.Event

    @property
    def folder(self) -> Path:
        return self.settings.runs / self.record.id

    def say(self, message: str, level: int = logging.INFO) -> None:
        """A line for the log of the run and for those who look at the history."""
        log.log(level, message)
        self.history.add_event(self.record.id, message, logging.getLevelName(level).lower())

    def tell(self, task: Task, **values: Any) -> None:
        """Change a task in the history and for whoever listens."""
        for name, value in values.items():
            setattr(task, name, value)
        self.history.update_task(task.id, **values)
        self.listen(task)


def add_tasks(run: ActiveRun, project: str, subject: str, sha256: str, steps: Sequence[str]) -> dict[str, Task]:
    """The tasks of one video or project, by step, waiting in the history."""
    names = {"run_id": run.record.id, "project": project, "subject": subject, "sha256": sha256}
    return {task.step: task for task in run.history.add_tasks([Task(step=step, **names) for step in steps])}


def skip(run: ActiveRun, task: Task, result: VideoResult, reason: str) -> None:
    """Leave out a task that cannot be done."""
    result.steps[task.step] = StepResult("skipped")
    run.tell(task, status="skipped", reason=reason, finished_at=time.time())


def perform(run: ActiveRun, task: Task, source: Path | None, result: VideoResult, **others: Any) -> StepOutputs | None:
    """Do one step unless it is done; what it left, or None where it failed (``result`` says why).

    ``others`` are inputs that neither the ``source`` file nor earlier steps supply. Raises Cancelled.
    """
    if run.stop.is_set():
        result.steps[task.step] = StepResult("cancelled")
        raise Cancelled("stopped as asked")
    started = time.time()
    force = run.request.force and run.request.wants(task.step)
    params, home = run.request.params[task.step], subject_folder(run.settings.work, task.sha256)
    try:
        planned = plan_step(STEPS[task.step], source, result.left, params, home, **others)
        outputs, executed = planned.outputs, False
        if force or not planned.done:
            run.tell(task, status="running", reason=planned.reason or "asked for again", started_at=started)
            log.info("%s: %s begins: %s", task.subject, task.step, task.reason)
            outputs, executed = notebooks.run_step(
                planned, force=force, stop=run.stop, on_progress=lambda fraction: run.tell(task, progress=fraction)
            )
    except (VidlibError, OSError) as error:
        _note_failure(run, task, result, error, time.time() - started)
        return None
    _note_success(run, task, result, StepResult("done", planned.folder, time.time() - started, not executed), outputs)
    return outputs


def _note_success(run: ActiveRun, task: Task, result: VideoResult, done: StepResult, outputs: StepOutputs) -> None:
    result.steps[task.step] = done
    result.left[task.step] = outputs
    folder = str(done.folder)
    run.tell(task, status="done", cached=done.cached, progress=1.0, folder=folder, finished_at=time.time())
    if done.cached:
        log.info("%s: %s was done already", task.subject, task.step)
        return
    run.say(f"{task.subject}: {task.step} done in {done.seconds:.1f} s")
    if outputs.fallback:
        where = f"{outputs.engine} on {outputs.device}"
        run.say(f"{task.subject}: {task.step} fell back to {where}: {outputs.fallback}", logging.WARNING)


def _note_failure(run: ActiveRun, task: Task, result: VideoResult, error: Exception, seconds: float) -> None:
    failed = error if isinstance(error, StepFailed) else StepFailed(task.step, str(error))
    notebook = Path(failed.notebook) if failed.notebook else None
    folder = notebook and notebook.parent
    status = status_of(error)
    result.steps[task.step] = StepResult(status, folder, seconds, error=failed.reason, notebook=notebook)
    run.tell(task, status=status, error=failed.reason, folder=folder and str(folder), finished_at=time.time())
    if status == "cancelled":
        raise error
    run.say(f"{task.subject}: {failed}", logging.ERROR)
