"""Questions that people ask about runs, answered from the history and from the folders of finished steps."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vidlib.errors import UnknownName, UsageError
from vidlib.files import sha256
from vidlib.params import Frozen
from vidlib.results.naming import subject_folder
from vidlib.runner.scheduling.plan import Planned, plan_step
from vidlib.runner.sources import parse_source
from vidlib.runner.store.runs import STOPPED_BY_SIGNAL, History
from vidlib.settings import Settings
from vidlib.steps import STEPS, VIDEO_STEPS
from vidlib.steps.base import StepOutputs

MANY = 1000
"""Runs that are looked through for some that were interrupted."""


@contextmanager
def opened(settings: Settings) -> Iterator[History]:
    """The history, with the runs whose process died marked as interrupted."""
    with History(settings.database) as history:
        history.mark_interrupted()
        yield history


def newest(history: History) -> str:
    """The run that began last; raises UsageError where there is none."""
    if not (runs := history.runs(1)):
        raise UsageError("there is no run yet; start one with: vidlib run PATH")
    return runs[0].id


def interrupted(history: History) -> list[str]:
    """The runs that were interrupted, and those that a signal stopped; the oldest first."""
    stopped = [run for run in history.runs(MANY, "cancelled") if run.error == STOPPED_BY_SIGNAL]
    found = sorted([*history.runs(MANY, "interrupted"), *stopped], key=lambda run: run.started_at)
    return [run.id for run in found]


def last_interrupted(history: History) -> str:
    """The run that was interrupted last; raises UsageError where there is none."""
    if not (runs := interrupted(history)):
        raise UsageError("no run was interrupted; to go on with another one, name it. See: vidlib status")
    return runs[-1]


def last_runs(history: History) -> dict[str, Any]:
    """The newest runs, newest first, as ``{"rows": [...]}``."""
    rows = [
        {
            "run": run.id,
            "status": run.status,
            "started": _clock(run.started_at),
            "seconds": round((run.finished_at or time.time()) - run.started_at, 1),
            "of": ", ".join(parse_source(path).name for path in run.paths),
            "error": run.error or "",
        }
        for run in history.runs()
    ]
    return {"rows": rows}


def one_run(history: History, run_id: str) -> dict[str, Any]:
    """Every task of a run, in order, as ``{"rows": [...]}``; raises UsageError for a run that nobody knows."""
    run = history.run(run_id)
    rows = [
        {
            "video": task.label,
            "step": task.step,
            "status": "done already" if task.cached else task.status,
            "progress": f"{task.progress:.0%}",
            "seconds": round(task.finished_at - task.started_at, 1) if task.finished_at and task.started_at else "",
            "error": task.error or "",
            "folder": task.folder or "",
        }
        for task in history.tasks(run_id)
    ]
    return {"run": run.id, "status": run.status, "rows": rows}


def reports(history: History, name: str) -> list[Path]:
    """The reports of a run, or the newest one of a video, named by its file, its name or the start of its SHA-256.

    Raises UsageError where there is none.
    """
    wanted = sha256(Path(name)) if Path(name).is_file() else name
    found = [Path(task.folder) / "report.html" for task in history.reports(wanted) if task.folder]
    found = [path for path in found if path.is_file()]
    if not found:
        raise UsageError(
            f"there is no report for {name!r}; expected a video that was processed, or a run. See: vidlib status"
        )
    is_run = any(wanted == path.parent.parent.name for path in found)
    return found if is_run else found[:1]


def explain(source: Path, step: str, params: Mapping[str, Frozen], settings: Settings) -> str:
    """Whether ``step`` would run for the file ``source``, and why.

    Raises UsageError for a step that is not decided by one file.
    """
    order = ("extract",) if step == "extract" else VIDEO_STEPS
    if step not in order:
        raise UnknownName("a step of a single file", step, ["extract", *VIDEO_STEPS])
    if not source.is_file():
        raise UsageError(f"{source} is no file; expected the video or archive as it arrived")
    home = subject_folder(settings.work, sha256(source))
    left: dict[str, StepOutputs] = {}
    plans: dict[str, Planned] = {}
    for name in order[: order.index(step) + 1]:
        if waits := sorted(STEPS[name].needs - left.keys()):
            if name == step:
                first = next(iter(plan for plan in plans.values() if not plan.done))
                return f"{step} would run after {', '.join(waits)}; first {first.step.name}: {first.reason}"
            continue
        plans[name] = plan_step(STEPS[name], source, left, params[name], home)
        if plans[name].done:
            left[name] = plans[name].outputs
    planned = plans[step]
    return f"{step} is done: {planned.folder}" if planned.done else f"{step} would run: {planned.reason}"


def _clock(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
