"""Answers what people ask about runs, from the history and the folders of finished steps."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from vidlib.corrections import store
from vidlib.errors import UnknownName, UsageError
from vidlib.files import sha256
from vidlib.params import Frozen
from vidlib.results.naming import subject_folder
from vidlib.runner import report_run, run_progress
from vidlib.runner.scheduling.plan import plan_video
from vidlib.runner.sources import parse_source
from vidlib.runner.store.runs import STOPPED_BY_SIGNAL, History
from vidlib.settings import Settings
from vidlib.steps import VIDEO_STEPS
from vidlib.steps.report import PAGE

WITH_REASON = ("skipped", "cancelled", "interrupted")
"""States of a task whose reason says why it has no result."""

MAX_RUNS = 1000
"""How many runs of one status are searched for those that were interrupted."""


@contextmanager
def opened(settings: Settings) -> Iterator[History]:
    """Open the history, and mark the runs whose process died as interrupted."""
    with History(settings.database) as history:
        history.mark_interrupted()
        yield history


def has_content(settings: Settings, sha256: str) -> bool:
    """Whether a run has processed a file with this SHA-256."""
    with opened(settings) as history:
        return history.has_content(sha256)


def newest(history: History) -> str:
    """The id of the run that began last; raises UsageError if there is none."""
    if not (runs := history.runs(1)):
        raise UsageError("there is no run yet; start one with: vidlib run PATH")
    return runs[0].id


def interrupted(history: History) -> list[str]:
    """The ids of the runs that were interrupted or stopped by a signal, oldest first."""
    stopped = [run for run in history.runs(MAX_RUNS, "cancelled") if run.error == STOPPED_BY_SIGNAL]
    runs = sorted([*history.runs(MAX_RUNS, "interrupted"), *stopped], key=lambda run: run.started_at)
    return [run.id for run in runs]


def last_interrupted(history: History) -> str:
    """The id of the run that was interrupted last; raises UsageError if there is none."""
    if not (runs := interrupted(history)):
        raise UsageError("no run was interrupted; to continue another run, name it. See: vidlib status")
    return runs[-1]


def last_runs(history: History) -> dict[str, Any]:
    """The newest runs, newest first, as ``{"rows": [...]}``."""
    rows = [
        {
            "run": run.id,
            "status": run.status,
            "started": _local_time(run.started_at),
            "seconds": round((run.finished_at or time.time()) - run.started_at, 1),
            "of": ", ".join(parse_source(path).name for path in run.paths),
            "error": run.error or "",
        }
        for run in history.runs()
    ]
    return {"rows": rows}


def one_run(history: History, run_id: str) -> dict[str, Any]:
    """Every task of a run, in order, as ``{"rows": [...]}``; raises UsageError for an unknown run.

    ``progress`` is in [0, 1] and ``remaining_s`` in seconds, see `run_progress`; None where it is not known.
    """
    run, tasks = history.run(run_id), history.tasks(run_id)
    progress = run_progress.measure(tasks, run_progress.read_forecast(history, run), time.time())
    rows = [
        {
            "video": task.label,
            "step": task.step,
            "status": "done already" if task.cached else task.status,
            "progress": f"{task.progress:.0%}",
            "seconds": round(task.finished_at - task.started_at, 1) if task.finished_at and task.started_at else "",
            "error": task.error or (task.reason if task.status in WITH_REASON else "") or "",
            "folder": task.folder or "",
        }
        for task in tasks
    ]
    remaining_s = progress.run.remaining_s if run.status == "running" else 0.0
    return {
        "run": run.id,
        "status": run.status,
        "progress": round(progress.run.fraction, 3),
        "remaining_s": None if remaining_s is None else round(remaining_s, 1),
        "rows": rows,
    }


def reports(history: History, runs: Path, name: str) -> list[Path]:
    """The reports of a run, or the report of a video: the newest of a run with all steps, else the newest one.

    They lie in ``runs``, the folder of all runs; where somebody removed one, it is in the folder of its step. ``name``
    is the id of a run, or the file, the name or the start of the SHA-256 of a video. Raises UsageError
    without a report.
    """
    wanted = sha256(Path(name)) if Path(name).is_file() else name
    tasks = history.reports(wanted)
    is_run = bool(tasks) and tasks[0].run_id == wanted
    if tasks and not is_run:
        content = tasks[0].sha256
        complete = history.complete_runs(content, VIDEO_STEPS)[:1]
        tasks = sorted(history.reports(content), key=lambda task: task.run_id not in complete)  # under any name
    folders_of = cache(lambda run_id: report_run.folders(runs, history.tasks(run_id)))
    places = ((folders_of(task.run_id)[task.id], Path(task.folder)) for task in tasks if task.folder)
    found = (next((page for folder in both if (page := folder / PAGE).is_file()), None) for both in places)
    existing = filter(None, found)
    pages = list(existing if is_run else islice(existing, 1))
    if not pages:
        raise UsageError(
            f"there is no report for {name!r}; expected a video that was processed, or a run. See: vidlib status"
        )
    return pages


def explain(source: Path, step: str, params: Mapping[str, Frozen], settings: Settings) -> str:
    """Say whether ``step`` would run for the file ``source``, and why.

    Raises UsageError for a file that does not exist, and for a step that does not depend on a single file.
    """
    order = ("extract",) if step == "extract" else VIDEO_STEPS
    if step not in order:
        raise UnknownName("a step of a single file", step, ["extract", *VIDEO_STEPS])
    if not source.is_file():
        raise UsageError(f"{source} is no file; expected the video or archive as it arrived")
    content = sha256(source)
    home, decided = subject_folder(settings.work, content), store.read_active(settings.corrections, content)
    steps = plan_video(source, home, order[: order.index(step) + 1], params, corrections=decided)
    asked = steps[-1]
    if asked.done:
        return f"{step} is done: {asked.folder}"
    if asked.waits_for:
        first = next(earlier for earlier in steps if not earlier.done)
        return f"{step} would run after {', '.join(asked.waits_for)}; first {first.name}: {first.reason}"
    return f"{step} would run: {asked.reason}"


def _local_time(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
