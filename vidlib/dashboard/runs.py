"""Runs as plain data for the page: the list of all, and the one on display with its videos, problems and log."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from vidlib.api import playing
from vidlib.dashboard.pages import Context
from vidlib.dashboard.results import by_video, result_url
from vidlib.dashboard.wording import readable
from vidlib.results.report_html import REMEDIES
from vidlib.runner import delivery_files, report_run
from vidlib.runner.sources import parse_source
from vidlib.runner.store import overview
from vidlib.runner.store.models import ACTIVE, ENDED, Event, Run, Task
from vidlib.runner.store.runs import History
from vidlib.steps import STEPS

LOG_LINES = 200
RUNS_PER_PAGE = 20
VIDEOS_PER_PAGE = 100
PROBLEMS_SHOWN = 50
UNFINISHED_RUNS = ("interrupted", "cancelled", "failed", "partial", "refused")
FAILED = ("failed", "refused")


def title(run: Run) -> str:
    """The first names of the deliveries of a run."""
    first, others = run.paths[:3], run.paths[3:]
    names = ", ".join(readable(parse_source(path).name) for path in first)
    return f"{names} + {len(others)}" if others else names


def runs_json(history: History, start: int) -> dict[str, Any]:
    """A part of the list of runs, newest first: ``{"total": ..., "from": ..., "rows": [...]}``."""
    runs = overview.runs_from(history, start, RUNS_PER_PAGE)
    rows = [
        {
            "id": run.id,
            "title": title(run),
            "status": run.status,
            "started": run.started_at,
            "finished": run.finished_at,
        }
        for run in runs
    ]
    return {"total": overview.count_runs(history), "from": start, "per_page": RUNS_PER_PAGE, "rows": rows}


def run_parts(history: History, context: Context, run: Run, start: int, only: str) -> dict[str, Any]:
    """The run on display as parts of the page: ``run``, ``videos`` from ``start``, ``problems`` and ``log``.

    ``only`` selects videos by their state: failed, running, done, or all of them where it is empty.
    """
    tasks = history.tasks(run.id)
    reports = report_run.folders(context.settings.runs, tasks)
    rows = by_video(tasks)
    states = [video_state(row) for row in rows]
    chosen = [row for row, state in zip(rows, states, strict=True) if not only or state == only]
    shown = chosen[start : start + VIDEOS_PER_PAGE]
    return {
        "run": _run_json(history, context, run, rows, states),
        "videos": {
            "total": len(chosen),
            "from": start,
            "per_page": VIDEOS_PER_PAGE,
            "rows": [_video_json(row, reports, context) for row in shown],
        },
        "problems": list(_problems(rows, context)),
        "log": [_log_line(event, context) for event in history.events(run.id, LOG_LINES)],
    }


def _run_json(
    history: History, context: Context, run: Run, rows: Sequence[Sequence[Task]], states: Sequence[str]
) -> dict[str, Any]:
    parts = [video_progress(row) for row in rows]
    left_out = _left_out(context.settings.runs / run.id)
    return {
        "id": run.id,
        "title": title(run),
        "status": run.status,
        "active": run.status in ACTIVE,
        "cancelling": run.cancel_requested and run.status in ACTIVE,
        "unfinished": run.status in UNFINISHED_RUNS,
        "started": run.started_at,
        "finished": run.finished_at,
        "progress": sum(parts) / len(parts) if parts else 0.0,
        "counts": {state: states.count(state) for state in sorted(set(states))},
        "error": context.translated(run.error) if run.error else None,
        "notices": [context.translated(notice) for notice in (*history.notices(run.id), *left_out)],
        "variant": run.asked.get("variant"),
    }


def _left_out(folder: Path) -> Iterator[str]:
    """A line for each delivery of a run with files that are not processed; ``folder`` is that of the run."""
    for name, files in delivery_files.recorded(folder).items():
        if files:
            yield f"not processed of {Path(name).name}: {delivery_files.first_names(files)}"


def video_state(row: Sequence[Task]) -> str:
    """The state of a video: failed, running, waiting, done, or another one in which one of its steps ended."""
    states = {task.status for task in row}
    for state in (*FAILED, "running"):
        if state in states:
            return "failed" if state in FAILED else state
    if "waiting" in states:
        return "waiting" if states == {"waiting"} else "running"
    return next((state for state in ("interrupted", "cancelled", "skipped") if state in states), "done")


def video_progress(row: Sequence[Task]) -> float:
    """The fraction of a video that is done, in [0, 1]; below 1 unless all of it is."""
    return sum(_progress(task) for task in row) / len(row)


def _progress(task: Task) -> float:
    if task.status == "done":
        return 1.0
    return min(task.progress, 0.99) if task.status not in ENDED else 0.0


def _video_json(row: Sequence[Task], reports: dict[int, Path], context: Context) -> dict[str, Any]:
    settings = context.settings
    report = next((task for task in row if task.step == "report" and task.status == "done"), None)
    done = {task.step for task in row if task.status == "done"}
    return {
        "key": row[0].id,
        "name": readable(row[0].label),
        "sha256": row[0].sha256,
        "state": video_state(row),
        "progress": video_progress(row),
        "report": result_url("runs", settings.runs, reports[report.id] / "report.html") if report else None,
        "player": done >= set(playing.STEPS),
        "steps": [_step_json(task, context) for task in row],
    }


def _step_json(task: Task, context: Context) -> dict[str, Any]:
    notebook = Path(task.folder) / STEPS[task.step].notebook if task.folder else None
    ran = task.started_at and task.finished_at and task.status in ENDED
    return {
        "id": task.id,
        "name": task.step,
        "status": "cached" if task.cached else task.status,
        "progress": 1.0 if task.status == "done" else min(task.progress, 0.99),
        "seconds": task.finished_at - task.started_at if ran else None,  # type: ignore[operator]
        "note": context.translated(task.error or task.reason or "") if task.status != "waiting" or task.attempt else "",
        "url": None if notebook is None else result_url("work", context.settings.work, notebook),
    }


def _problems(rows: Sequence[Sequence[Task]], context: Context) -> Iterator[dict[str, Any]]:
    """What failed, in the order of the plan: the first sentence, what to do, and the whole message for experts."""
    failed = [task for row in rows for task in row if task.status in FAILED]
    for task in failed[:PROBLEMS_SHOWN]:
        message = context.translated(task.error or "")
        remedy = REMEDIES.get(task.status)
        yield {
            "id": task.id,
            "video": readable(task.label),
            "step": task.step,
            "status": task.status,
            "message": message,
            "remedy": context.words.gettext(remedy) if remedy else "",
            "url": _step_json(task, context)["url"],
        }


def _log_line(event: Event, context: Context) -> dict[str, Any]:
    return {
        "id": event.id,
        "at": event.at,
        "level": event.level,
        "message": context.translated(event.message),
        "step": event.step,
    }
