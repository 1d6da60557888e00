"""The state of the operators' page as plain data, read from the history, the inbox and the machine."""

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from vidlib.api import playing
from vidlib.dashboard.downloads import DownloadView, download_views
from vidlib.dashboard.wording import format_duration, format_time, readable
from vidlib.ingest.arrivals import may_be_delivery
from vidlib.machine.load import Load
from vidlib.runner import delivery_files, report_run
from vidlib.runner.shelf import SHELF
from vidlib.runner.sources import parse_source
from vidlib.runner.store.models import ACTIVE, ENDED, Event, Run, Task
from vidlib.runner.store.runs import History
from vidlib.settings import Settings
from vidlib.steps import STEPS
from vidlib.text import format_bytes, plain_message

LOG_LINES = 12
UNFINISHED_RUNS = ("interrupted", "cancelled", "failed", "partial", "refused")
RUNS_SHOWN = 20
RESULTS_ROUTE = "results"
"""Path of reports and notebooks below the address of the dashboard."""

SHELF_ROUTE = f"{RESULTS_ROUTE}/runs/{SHELF}"
"""Path of the page of all reports, beside those of the runs."""

VIDEO_ROUTE = "video"
"""Path of the page with the player of one video, below the address of the dashboard."""


@dataclass(frozen=True)
class InboxFile:
    """One archive, video or folder in the inbox: its name, its printable name, and its size and date."""

    name: str
    label: str
    detail: str


@dataclass(frozen=True)
class StepView:
    """One step of one video: its status and the fraction done in [0, 1].

    ``status_text`` stands beside the name. ``note`` is the reason why it runs or failed. ``url`` opens its notebook.
    """

    name: str
    status: str
    fraction: float
    status_text: str = ""
    note: str = ""
    url: str | None = None


@dataclass(frozen=True)
class VideoView:
    """One video of a run, or its archive, with the steps in order and the address of its report."""

    name: str
    steps: tuple[StepView, ...]
    report_url: str | None = None
    player_url: str | None = None

    @property
    def fraction(self) -> float:
        return sum(step.fraction for step in self.steps) / len(self.steps)

    @property
    def problems(self) -> tuple[StepView, ...]:
        return tuple(step for step in self.steps if step.status in ("failed", "refused"))


@dataclass(frozen=True)
class LogLine:
    """One line of a run's log: the time as ``14:03:22``, the level (info, warning, error), and the message."""

    clock: str
    level: str
    message: str


@dataclass(frozen=True)
class RunView:
    """One run on the page; ``notices`` tell which results it replaced or kept, and what it did not process."""

    run_id: str
    title: str
    status: str
    when: str
    took: str
    videos: tuple[VideoView, ...] = ()
    log: tuple[LogLine, ...] = ()
    error: str | None = None
    cancelling: bool = False
    notices: tuple[str, ...] = ()

    @property
    def active(self) -> bool:
        return self.status in ACTIVE

    @property
    def unfinished(self) -> bool:
        """Whether the run ended with unfinished steps."""
        return self.status in UNFINISHED_RUNS

    @property
    def fraction(self) -> float:
        return sum(video.fraction for video in self.videos) / len(self.videos) if self.videos else 0.0


@dataclass(frozen=True)
class PageView:
    """The whole page: inbox, downloads, runs, the run on display, the machine's load, and a problem.

    ``runs`` are pairs of a title and an id. ``starting`` names the deliveries of a run that the history does not hold
    yet.
    """

    folder: str = ""
    inbox: tuple[InboxFile, ...] = ()
    downloads: tuple[DownloadView, ...] = ()
    runs: tuple[tuple[str, str], ...] = ()
    shown: RunView | None = None
    starting: str | None = None
    load: Load | None = None
    clock: str = ""
    problem: str | None = None


def page_view(history: History, settings: Settings, runs: Sequence[Run], run_id: str | None) -> PageView:
    """The page with the run ``run_id`` of ``runs``, or with the first of them for None."""
    shown = next((run for run in runs if run.id == run_id), runs[0] if runs else None)
    return PageView(
        folder=readable(str(settings.inbox)),
        inbox=tuple(inbox_files(settings.inbox)),
        downloads=tuple(download_views(history)),
        runs=tuple((f"{format_time(run.started_at)} · {run.status} · {_title(run)}", run.id) for run in runs),
        shown=run_view(history, settings, shown) if shown else None,
    )


def inbox_files(folder: Path) -> Iterator[InboxFile]:
    """The archives, videos and folders in the inbox, by name, without hidden and incomplete files."""
    for path in sorted(folder.iterdir(), key=lambda path: path.name.casefold()) if folder.is_dir() else ():
        if not may_be_delivery(path.name):
            continue
        with suppress(FileNotFoundError):  # the file was removed since the folder was listed
            about = path.stat()
            size = "folder" if path.is_dir() else format_bytes(about.st_size)
            yield InboxFile(path.name, readable(path.name), f"{size} · {format_time(about.st_mtime)}")


def run_view(history: History, settings: Settings, run: Run) -> RunView:
    """One run with its videos in the order of the plan."""
    tasks = history.tasks(run.id)
    return RunView(
        run_id=run.id,
        title=_title(run),
        status=run.status,
        when=format_time(run.started_at),
        took=format_duration((run.finished_at or time.time()) - run.started_at),
        videos=tuple(_video_view(row, tasks, settings) for row in by_video(tasks)),
        log=tuple(_log_line(event) for event in history.events(run.id, LOG_LINES)),
        error=run.error and plain_message(run.error),
        cancelling=run.cancel_requested and run.status in ACTIVE,
        notices=tuple(map(readable, (*history.notices(run.id), *_left_out(settings.runs / run.id)))),
    )


def _left_out(folder: Path) -> Iterator[str]:
    """A line for each delivery of a run with files that are not processed; ``folder`` is that of the run."""
    for name, files in delivery_files.recorded(folder).items():
        if files:
            yield f"not processed of {Path(name).name}: {delivery_files.first_names(files)}"


def by_video(tasks: Iterable[Task]) -> list[list[Task]]:
    """The tasks of each archive or video in the order of the steps; tasks of a project go with its archive or video."""
    rows: dict[tuple[str, str], list[Task]] = {}
    for task in tasks:
        key = (task.sha256, task.label)
        if task.step == "finalize":  # a project has the content hash of its archive or single video
            key = next((row for row in rows if row[0] == task.sha256), key)
        rows.setdefault(key, []).append(task)
    order = list(STEPS)
    return [sorted(row, key=lambda task: order.index(task.step)) for row in rows.values()]


def _video_view(row: Sequence[Task], tasks: Sequence[Task], settings: Settings) -> VideoView:
    """One video with the tasks of its ``row``; ``tasks`` are all tasks of the run."""
    report = next((task for task in row if task.step == "report" and task.status == "done"), None)
    html = report_run.folder_of(settings.runs, report, tasks) / "report.html" if report else None
    return VideoView(
        name=readable(row[0].label),
        steps=tuple(_step_view(task, settings) for task in row),
        report_url=None if html is None else result_url("runs", settings.runs, html),
        player_url=f"{VIDEO_ROUTE}?sha256={row[0].sha256}" if _done(row) >= set(playing.STEPS) else None,
    )


def _done(row: Sequence[Task]) -> set[str]:
    return {task.step for task in row if task.status == "done"}


def _step_view(task: Task, settings: Settings) -> StepView:
    notebook = Path(task.folder) / STEPS[task.step].notebook if task.folder else None
    return StepView(
        name=task.step,
        status="cached" if task.cached else task.status,
        fraction=1.0 if task.status in ENDED else task.progress,
        status_text=_status_text(task),
        note=plain_message(task.error or task.reason or ""),
        url=None if notebook is None else result_url("work", settings.work, notebook),
    )


def _status_text(task: Task) -> str:
    if task.cached:
        return "done before"
    if task.status == "running":
        return f"{task.progress:.0%}"
    if task.status == "done" and task.started_at and task.finished_at:
        return format_duration(task.finished_at - task.started_at)
    return task.status


def result_url(name: str, root: Path, file: Path) -> str | None:
    """The address of a result below ``root``, relative to that of the dashboard; None for a file outside ``root``."""
    if not file.is_relative_to(root):
        return None
    return "/".join((RESULTS_ROUTE, name, *(quote(os.fsencode(part)) for part in file.relative_to(root).parts)))


def _title(run: Run) -> str:
    first, others = run.paths[:3], run.paths[3:]
    names = ", ".join(readable(parse_source(path).name) for path in first)
    return f"{names} and {len(others)} more" if others else names


def _log_line(event: Event) -> LogLine:
    return LogLine(time.strftime("%H:%M:%S", time.localtime(event.at)), event.level, plain_message(event.message))
