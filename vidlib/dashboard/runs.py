"""Runs as plain data for the page: the list of all, and the one on display with its videos, problems and log."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from vidlib.api import playing
from vidlib.dashboard.log import Log
from vidlib.dashboard.pages import Context, Query, number
from vidlib.dashboard.results import result_url
from vidlib.dashboard.wording import readable
from vidlib.results.report_html import REMEDIES
from vidlib.runner import delivery_files, report_run
from vidlib.runner.run_progress import Progress, Row, RunProgress, measure, read_forecast
from vidlib.runner.scheduling.durations import Forecast
from vidlib.runner.scheduling.graph import TaskGraph
from vidlib.runner.scheduling.retry_request import why_not
from vidlib.runner.sources import parse_source
from vidlib.runner.store import overview
from vidlib.runner.store.models import ACTIVE, ENDED, Run, Task
from vidlib.runner.store.runs import History
from vidlib.steps import STEPS
from vidlib.steps.report import PAGE

ALMOST = 0.99
"""How far a run is at most while it still runs."""

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


class RunEnds:
    """Tells once which of the latest runs have ended since the last look."""

    def __init__(self) -> None:
        self._active: set[str] = set()

    def since_last_look(self, history: History) -> list[Run]:
        """The runs that were active at the last look and are not any more."""
        runs = history.runs(RUNS_PER_PAGE)
        ended = [run for run in runs if run.id in self._active and run.status not in ACTIVE]
        self._active = {run.id for run in runs if run.status in ACTIVE}
        return ended


class RunDisplay:
    """The run on display as parts of the page. Its progress never goes back while it is on display."""

    def __init__(self, context: Context, run_id: str):
        self.context, self.run_id = context, run_id
        self._forecast: tuple[int, Forecast] | None = None  # with the number of tasks that it knows
        self._latest: RunProgress | None = None
        self._log = Log(context, run_id)

    def parts(self, history: History, query: Query) -> dict[str, Any]:
        """The parts ``run``, ``videos``, ``problems`` and ``log``.

        ``from`` of the query is the first video. ``only`` selects videos by their state: failed, running, done, or all
        of them where it is empty. ``video`` and ``step`` select the log of some steps.
        """
        run, tasks = history.run(self.run_id), history.tasks(self.run_id)
        start, only = number(query.get("from", "0")), query.get("only", "")
        measured = self._measure(history, run, tasks)
        reports = report_run.folders(self.context.settings.runs, tasks)
        rows = measured.tasks_of
        states = {row: video_state(of_row) for row, of_row in rows.items()}
        chosen = [row for row, state in states.items() if not only or state == only]
        shown = [
            _video_json(rows[row], states[row], measured, row, reports, self.context)
            for row in chosen[start : start + VIDEOS_PER_PAGE]
        ]
        return {
            "run": _run_json(history, self.context, run, list(states.values()), measured.run),
            "videos": {"total": len(chosen), "from": start, "per_page": VIDEOS_PER_PAGE, "rows": shown},
            "problems": _problems(tasks, rows, self.context),
            "log": self._log.lines(history, tasks, query),
        }

    def _measure(self, history: History, run: Run, tasks: Sequence[Task]) -> RunProgress:
        """The progress of a run, never less than before; of one that has ended, the share of its videos that are done.

        A delivery that is not taken up yet counts too.
        """
        if self._forecast is None or self._forecast[0] != len(tasks):
            self._forecast = len(tasks), read_forecast(history, run)
        progress = measure(tasks, self._forecast[1], time.time())
        if run.status not in ACTIVE:
            done = [all(task.status == "done" for task in of_row) for of_row in progress.tasks_of.values()]
            return replace(progress, run=Progress(sum(done) / len(done) if done else 0.0, 0.0))
        known = len({task.origin for task in tasks}) / max(1, len(run.paths))
        fraction = min(progress.run.fraction * min(known, 1.0), ALMOST)
        progress = replace(progress, run=replace(progress.run, fraction=fraction))
        self._latest = progress.not_below(self._latest) if self._latest else progress
        return self._latest


def _run_json(
    history: History, context: Context, run: Run, states: Sequence[str], progress: Progress
) -> dict[str, Any]:
    left_out = _left_out(context, context.settings.runs / run.id)
    return {
        "id": run.id,
        "title": title(run),
        "status": run.status,
        "active": run.status in ACTIVE,
        "cancelling": run.cancel_requested and run.status in ACTIVE,
        "unfinished": run.status in UNFINISHED_RUNS,
        "started": run.started_at,
        "finished": run.finished_at,
        "progress": progress.fraction,
        "remaining": progress.remaining_s,
        "counts": {state: states.count(state) for state in sorted(set(states))},
        "error": context.translated(run.error) if run.error else None,
        "notices": [context.translated(notice) for notice in (*history.notices(run.id), *left_out)],
        "variant": run.asked.get("variant"),
    }


def _left_out(context: Context, folder: Path) -> Iterator[str]:
    """A line for each delivery of a run with files that are not processed; ``folder`` is that of the run."""
    for name, files in delivery_files.recorded(folder).items():
        if files:
            named = [replace(file, reason=context.translated(file.reason)) for file in files]
            yield f"not processed of {Path(name).name}: {delivery_files.first_names(named)}"


def video_state(row: Sequence[Task]) -> str:
    """The state of a video: failed, running, waiting, done, or another one in which one of its steps ended."""
    states = {task.status for task in row}
    for state in (*FAILED, "running"):
        if state in states:
            return "failed" if state in FAILED else state
    if "waiting" in states:
        return "waiting" if states == {"waiting"} else "running"
    return next((state for state in ("interrupted", "cancelled", "skipped") if state in states), "done")


def _video_json(
    tasks: Sequence[Task], state: str, measured: RunProgress, row: Row, reports: dict[int, Path], context: Context
) -> dict[str, Any]:
    settings = context.settings
    report = next((task for task in tasks if task.step == "report" and task.status == "done"), None)
    done = {task.step for task in tasks if task.status == "done"}
    return {
        "key": tasks[0].id,
        "name": readable(tasks[0].label),
        "sha256": tasks[0].sha256,
        "state": state,
        "progress": measured.rows[row].fraction,
        "remaining": measured.rows[row].remaining_s,
        "report": result_url("runs", settings.runs, reports[report.id] / PAGE) if report else None,
        "player": done >= set(playing.STEPS),
        "steps": [_step_json(task, measured.tasks[task.id], context) for task in tasks],
    }


def _step_json(task: Task, progress: Progress, context: Context) -> dict[str, Any]:
    ran = task.started_at and task.finished_at and task.status in ENDED
    waits = task.status == "waiting" and not task.attempt
    return {
        "id": task.id,
        "name": task.step,
        "status": "cached" if task.cached else task.status,
        "progress": progress.fraction,
        "remaining": progress.remaining_s if task.status == "running" else None,
        "seconds": task.finished_at - task.started_at if ran else None,  # type: ignore[operator]
        "note": "" if waits else context.translated(task.error or task.reason or ""),
        "url": _notebook_url(task, context),
    }


def _notebook_url(task: Task, context: Context) -> str | None:
    notebook = Path(task.folder) / STEPS[task.step].notebook if task.folder else None
    return None if notebook is None else result_url("work", context.settings.work, notebook)


def _problems(tasks: Sequence[Task], rows: Mapping[Row, Sequence[Task]], context: Context) -> list[dict[str, Any]]:
    """What failed, in the order of the plan: the message, what to do, and whether another attempt may help."""
    failed = [task for of_row in rows.values() for task in of_row if task.status in FAILED]
    graph = TaskGraph()
    graph.update(tasks if failed else ())
    return [_problem(task, graph, context) for task in failed[:PROBLEMS_SHOWN]]


def _problem(task: Task, graph: TaskGraph, context: Context) -> dict[str, Any]:
    remedy = REMEDIES.get(task.status)
    return {
        "id": task.id,
        "video": readable(task.label),
        "step": task.step,
        "status": task.status,
        "message": context.translated(task.error or ""),
        "kind": task.error_type,
        "attempts": task.attempt,
        "remedy": context.words.gettext(remedy) if remedy else "",
        "retry": why_not(task, graph) is None,
        "url": _notebook_url(task, context),
    }
