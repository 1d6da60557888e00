"""What the operators' page shows, as plain data: from the history, the inbox and the machine; no widgets."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from vidlib.errors import VidlibError
from vidlib.monitor import Load
from vidlib.runner.history import ACTIVE, History, Run, Task
from vidlib.settings import Settings

LOG_LINES = 12
RUNS_SHOWN = 20
RESULTS_ROUTE = "results"
"""Where the dashboard's server shows reports, below its own address."""


@dataclass(frozen=True)
class StepView:
    """One step of one video: its status, the fraction done in [0, 1], and what to know about it."""

    name: str
    status: str
    fraction: float
    note: str = ""


@dataclass(frozen=True)
class VideoView:
    """One video of a run, its steps in order, and the address of its report once there is one."""

    name: str
    steps: tuple[StepView, ...]
    report_url: str | None = None


@dataclass(frozen=True)
class RunView:
    """One run as the page shows it."""

    run_id: str
    title: str
    status: str
    seconds: float
    videos: tuple[VideoView, ...] = ()
    log: tuple[str, ...] = ()
    error: str | None = None

    @property
    def active(self) -> bool:
        return self.status in ACTIVE


@dataclass(frozen=True)
class PageView:
    """The whole page: what may be started, the runs, the one that is shown, how busy the machine is, what is wrong."""

    inbox: tuple[tuple[str, str], ...] = ()
    runs: tuple[tuple[str, str], ...] = ()
    shown: RunView | None = None
    load: Load | None = None
    problem: str | None = None


def page_view(history: History, settings: Settings, run_id: str | None, load: Load) -> PageView:
    """The page with the run ``run_id`` on it, or the newest for None; inbox and runs are ``(label, value)`` pairs."""
    history.mark_interrupted()
    runs = history.runs(RUNS_SHOWN)
    shown = next((run for run in runs if run.id == run_id), runs[0] if runs else None)
    return PageView(
        inbox=tuple((f"{path.name} ({_megabytes(path)})", path.name) for path in inbox_files(settings)),
        runs=tuple((f"{run.id}  {run.status}  {_title(run)}", run.id) for run in runs),
        shown=run_view(history, settings, shown) if shown else None,
        load=load,
    )


def view_of_problem(error: VidlibError) -> PageView:
    """The page when it cannot be read: what is wrong, and what to do."""
    return PageView(problem=str(error))


def inbox_files(settings: Settings) -> list[Path]:
    """What lies in the inbox: archives, videos and folders, by name; what is still being written is left out."""
    if not settings.inbox.is_dir():
        return []
    hidden = (".", "~")
    return sorted(
        path for path in settings.inbox.iterdir() if not path.name.startswith(hidden) and path.suffix != ".part"
    )


def run_view(history: History, settings: Settings, run: Run) -> RunView:
    """One run with its videos, in the order in which they were planned."""
    tasks = history.tasks(run.id)
    subjects = dict.fromkeys((task.project, task.subject, task.sha256) for task in tasks)
    return RunView(
        run_id=run.id,
        title=_title(run),
        status=run.status,
        seconds=(run.finished_at or time.time()) - run.started_at,
        videos=tuple(
            _video_view(subject[1], [t for t in tasks if (t.project, t.subject, t.sha256) == subject], settings)
            for subject in subjects
        ),
        log=tuple(_log_line(event.at, event.message) for event in history.events(run.id, LOG_LINES)),
        error=run.error,
    )


def _video_view(name: str, tasks: Sequence[Task], settings: Settings) -> VideoView:
    steps = tuple(
        StepView(t.step, "cached" if t.cached else t.status, t.progress, t.error or t.reason or "") for t in tasks
    )
    folders = (Path(t.folder) for t in tasks if t.step == "report" and t.status == "done" and t.folder)
    return VideoView(name, steps, next((report_url(folder, settings) for folder in folders), None))


def report_url(folder: Path, settings: Settings) -> str | None:
    """The address of the report in ``folder``, below the dashboard's own; None for one outside the runs folder."""
    if not folder.is_relative_to(settings.runs):
        return None
    return "/".join((RESULTS_ROUTE, "runs", *map(quote, folder.relative_to(settings.runs).parts), "report.html"))


def _title(run: Run) -> str:
    return ", ".join(Path(path).name for path in run.paths)


def _megabytes(path: Path) -> str:
    return f"{path.stat().st_size / 1e6:.1f} MB" if path.is_file() else "folder"


def _log_line(at: float, message: str) -> str:
    return f"{time.strftime('%H:%M:%S', time.localtime(at))}  {message}"
