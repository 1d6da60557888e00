"""What people see in the terminal: tables on stdout; progress, summaries and log lines on stderr."""

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import rich.progress
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    ProgressColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table
from rich.text import Text

from vidlib.localization import Localization
from vidlib.localization import gettext_noop as _
from vidlib.progress import Report
from vidlib.results import states
from vidlib.settings import settings
from vidlib.text import plain_message

if TYPE_CHECKING:
    from vidlib.doctor import Finding
    from vidlib.runner import run_progress
    from vidlib.runner.logs import LogLine
    from vidlib.runner.run_result import RunResult
    from vidlib.runner.scheduling.durations import Forecast
    from vidlib.runner.store.models import Task
    from vidlib.runner.store.runs import History
    from vidlib.steps.param_list import ParamInfo

FOLLOW_S = 0.5

MARKS = {
    "done": "[green]✓[/]",
    "failed": "[red]✗[/]",
    "refused": "[red]✗[/]",
    "skipped": "[yellow]–[/]",
    "cancelled": "[yellow]■[/]",
}


LOG_STYLES = {"warning": "yellow", "error": "red", "stderr": "dim"}
"""How a line of a log is drawn, by its level."""


class RateColumn(ProgressColumn):
    """The rate of a step, in its own unit."""

    def render(self, task: rich.progress.Task) -> Text:
        return Text(task.fields.get("rate", ""), style="progress.data.speed")


class RemainingColumn(ProgressColumn):
    """The time that remains, as the forecast of the run says."""

    def render(self, task: rich.progress.Task) -> Text:
        ends_at = task.fields.get("ends_at")
        return Text(duration(ends_at and max(0.0, ends_at - time.time())), style="progress.remaining")


def duration(seconds: float | None) -> str:
    """A duration as ``0:01:20``; ``-:--:--`` for one that is not known.

    >>> duration(80.4), duration(None)
    ('0:01:20', '-:--:--')
    """
    return "-:--:--" if seconds is None else str(timedelta(seconds=round(seconds)))


def _bars(console: Console, remaining: ProgressColumn | None = None) -> Progress:
    """Bars that disappear at the end, and are not drawn where stderr is not a terminal."""
    columns = (BarColumn(), TaskProgressColumn(), RateColumn(), TimeElapsedColumn(), remaining or TimeRemainingColumn())
    name = TextColumn("{task.description}")
    return Progress(name, *columns, console=console, transient=True, disable=not console.is_terminal)


@contextmanager
def progress_bar(name: str) -> Iterator[Report]:
    """A bar for one piece of work; yields the callback that moves it."""
    with _bars(Console(stderr=True)) as bars:
        bar = bars.add_task(escape(name))
        yield lambda done, total: bars.update(bar, completed=done, total=total)


@contextmanager
def download_bar(name: str) -> Iterator[Report]:
    """A bar for one download, with rate and remaining time; yields the callback that moves it, in bytes."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    console = Console(stderr=True)
    with Progress(
        *columns, TimeRemainingColumn(), console=console, transient=True, disable=not console.is_terminal
    ) as bars:
        bar = bars.add_task(escape(name), total=None)
        yield lambda done, total: bars.update(bar, completed=done, total=total)


class RunDisplay:
    """A bar for the run and each running step, and a line for each step that ended; a log file gets only the lines.

    ``read_forecast`` gives the forecast of a run by its id. A step that ended before ``since``, in seconds since 1970,
    gets no line: it was printed when it ended.
    """

    def __init__(self, read_forecast: Callable[[str], "Forecast"], since: float = 0.0) -> None:
        from vidlib.runner.run_progress import RunMeter

        self.console = Console(stderr=True, highlight=False, soft_wrap=True)
        self.progress = _bars(self.console, RemainingColumn())
        self.bars: dict[int, rich.progress.TaskID] = {}
        self.meter = RunMeter(read_forecast)
        self.ended: set[int] = set()
        self.since = since

    def __enter__(self) -> "RunDisplay":
        self.whole = self.progress.add_task("all steps", total=1.0)
        self.progress.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.progress.stop()

    def update(self, task: "Task") -> None:
        """Draw the present state of a task."""
        self.meter.update(task)
        name = f"{escape(task.label)} · {task.step}"
        if task.status == "running":
            if task.id not in self.bars:
                self.bars[task.id] = self.progress.add_task(name, total=1.0)
            self.progress.update(self.bars[task.id], completed=task.progress, rate=_rate(task))
            self._measure()
            return
        if task.id in self.bars:
            self.progress.remove_task(self.bars.pop(task.id))
        if task.status == "waiting":  # perhaps again, because somebody asked for another attempt
            self.ended.discard(task.id)
        if task.status in MARKS and task.id not in self.ended and (task.finished_at or self.since) >= self.since:
            self.ended.add(task.id)
            self.console.print(f"{MARKS[task.status]} {name}{_note(task)}")
            self._measure()

    def _measure(self) -> None:
        """Draw how far the run and its steps are, if it is time."""
        now = time.time()
        if not self.console.is_terminal or not self.meter.due(now):
            return
        measured = self.meter.measure(now)
        self.progress.update(self.whole, completed=measured.run.fraction, ends_at=_ends_at(measured.run, now))
        for number, bar in self.bars.items():
            self.progress.update(bar, ends_at=_ends_at(measured.tasks[number], now))


def _ends_at(progress: "run_progress.Progress", now: float) -> float | None:
    return None if progress.remaining_s is None else now + progress.remaining_s


def _rate(task: "Task") -> str:
    from vidlib.steps import STEPS

    if not (task.work_done and task.heartbeat_at and task.started_at) or task.heartbeat_at <= task.started_at:
        return ""
    return f"{task.work_done / (task.heartbeat_at - task.started_at):.3g} {STEPS[task.step].unit}/s"


def follow(history: "History", run_id: str, stop: threading.Event) -> None:
    """Show the progress of a run of another process, until it ends or ``stop`` is set."""
    from vidlib.runner.run_progress import read_forecast

    seen: dict[int, tuple[str, float]] = {}
    with RunDisplay(lambda run_id: read_forecast(history, history.run(run_id))) as display:
        while True:
            status = history.run(run_id).status  # read first, so that tasks that end later are drawn in the next round
            for task in history.tasks(run_id):
                if seen.get(task.id) != (task.status, task.progress):
                    seen[task.id] = task.status, task.progress
                    display.update(task)
            if status != "running" or stop.wait(FOLLOW_S):
                break
            history.mark_interrupted()
    display.console.print(f"run {run_id}: {status}")


def follow_log(
    history: "History", runs: Path, run_id: str, about: tuple[str | None, str | None], stop: threading.Event
) -> None:
    """Print the log of a run, all of it or that ``about`` a video and a step, until the run ends or ``stop`` is set."""
    from vidlib.runner.logs import Cursor, lines_after

    cursor = Cursor()
    while True:
        status = history.run(run_id).status  # read first, so that the last lines are printed in the next round
        lines, cursor = lines_after(history, runs, run_id, cursor, *about)
        print_log(lines)
        if not lines and (status != "running" or stop.wait(FOLLOW_S)):
            return
        history.mark_interrupted()


def print_log(lines: Iterable["LogLine"]) -> None:
    """Print lines of a log on stdout: the time, whose it is, and the text with its colours."""
    console = Console(highlight=False, soft_wrap=True)
    for line in lines:
        clock = time.strftime("%H:%M:%S", time.localtime(line.at))
        whose = " · ".join(filter(None, (line.video, line.step)))
        text = Text.from_ansi(line.text)
        text.stylize(LOG_STYLES.get(line.level, ""))
        console.print(Text.assemble((clock, "dim"), " ", (f"{whose}  " if whose else "", "cyan"), text))


@contextmanager
def logging_to_stderr() -> Iterator[None]:
    """Print the log of vidlib on stderr, with the time in front of each line."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%d %H:%M:%S"))
    logger = logging.getLogger("vidlib")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)


def _note(task: "Task") -> str:
    if task.cached:
        return " [dim]done already[/]"
    if task.status == "done" and task.started_at and task.finished_at:
        return f" [dim]{task.finished_at - task.started_at:.1f} s[/]"
    text = task.error or (task.reason if task.status in ("skipped", "cancelled") else None)
    return f": {escape(plain_message(text))}" if text else ""


def print_summary(result: "RunResult") -> None:
    """Print the outcome of a run, in the language of the settings: the status and the report of each video."""
    from vidlib.runner.delivery_files import MOST_NAMED

    console = Console(stderr=True, highlight=False, soft_wrap=True)  # a wrapped path cannot be copied
    words = Localization(settings().language)
    report_title, left_out_title = words.gettext(_("report")), words.gettext(_("not processed"))
    console.print()
    for video in result.videos:
        outcome = (
            words.sentence(plain_message(video.error)) if video.error else words.gettext(states.NAMES[video.status])
        )
        console.print(f"{MARKS.get(video.status, MARKS['skipped'])} {escape(video.path.name)}: {escape(outcome)}")
        if report := video.outputs.get("report"):
            console.print(f"  {report_title}: {escape(str(report))}")
    for file in result.left_out[:MOST_NAMED]:
        console.print(escape(words.sentence(f"not processed: {file['path']}: {file['reason']}")))
    if (n_more := len(result.left_out) - MOST_NAMED) > 0:
        more = words.ngettext("%(n)s more file; --json names all", "%(n)s more files; --json names all", n_more)
        console.print(f"{left_out_title}: {more}")
    for notice in result.notices:
        console.print(f"[yellow]![/] {escape(words.sentence(notice))}")
    console.print(_summary_line(result, words))


def _summary_line(result: "RunResult", words: Localization) -> str:
    executed = words.ngettext("%(n)s step executed", "%(n)s steps executed", result.executed)
    if result.status == "done" and not result.executed:
        executed = words.gettext(_("every step was done already"))
    status = words.gettext(states.NAMES[result.status])
    return words.gettext(_("run %(id)s: %(status)s; %(executed)s"), id=result.run, status=status, executed=executed)


def print_forecast(forecast: Mapping[str, Any]) -> None:
    """Print the steps that a run would execute, and an estimate of the time that they take."""
    print_table(forecast["rows"])
    seconds = forecast["seconds"]
    unknown = "no estimate: this machine has not executed these steps yet"
    estimate = unknown if seconds is None else f"about {seconds:.0f} s of work, one step after the other"
    Console(highlight=False).print(f"\n{estimate}")


def print_progress(run: Mapping[str, Any]) -> None:
    """Print how far a run is, and how long it still takes; ``run`` is what `queries.one_run` returns."""
    remaining = ""
    if run["status"] == "running":
        known = run["remaining_s"] is not None
        remaining = f", about {duration(run['remaining_s'])} left" if known else ", remaining time not known yet"
    Console(highlight=False).print(f"\n{run['status']}: {run['progress']:.0%} of the work is done{remaining}")


def print_params(params: Sequence["ParamInfo"]) -> None:
    """Print parameters as a table on stdout; a changed value stands before its default."""
    rows = [
        {
            "parameter": f"{info.step}.{info.name}",
            "value": f"{info.value} (default: {info.default})" if info.changed else str(info.value),
            "range": info.range,
            "meaning": info.help,
        }
        for info in params
    ]
    print_table(rows)


def print_table(rows: Sequence[Mapping[str, Any]], without: Collection[str] = ()) -> None:
    """Print rows with the same keys as a table on stdout, but for the columns in ``without`` and those without a value.

    The first column, a name to copy, is never wrapped.
    """
    table = Table(box=None, header_style="bold")
    filled = [name for name in rows[0] if any(row[name] not in (None, "") for row in rows)] if rows else []
    columns = [name for name in filled if name not in without] or ["nothing yet"]
    for number, name in enumerate(columns):
        table.add_column(name, no_wrap=number == 0, overflow="fold")
    for row in rows:
        table.add_row(*("" if row[name] is None else escape(str(row[name])) for name in columns))
    Console(highlight=False).print(table)


def print_findings(findings: Sequence["Finding"]) -> None:
    """Print the findings of `vidlib doctor`, with the fix of each problem."""
    console = Console(highlight=False, soft_wrap=True)
    for finding in findings:
        mark = MARKS["done"] if finding.ok else MARKS["failed" if finding.needed else "skipped"]
        console.print(f"{mark} {escape(finding.name)}: {escape(finding.detail)}")
        if not finding.ok and finding.fix:
            console.print(f"    {escape(finding.fix)}")
