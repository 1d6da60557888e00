"""What a person sees in the terminal, on stderr: progress while a run goes on, and a summary at its end."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from vidlib.doctor import Finding
from vidlib.progress import Report
from vidlib.runner.history import Task
from vidlib.runner.outcome import RunResult

MARKS = {
    "done": "[green]✓[/]",
    "failed": "[red]✗[/]",
    "refused": "[red]✗[/]",
    "skipped": "[yellow]–[/]",
    "cancelled": "[yellow]■[/]",
}


def _bars(console: Console) -> Progress:
    """Bars that go away when they are full; none where nobody watches."""
    columns = (BarColumn(), TaskProgressColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    name = TextColumn("{task.description}")
    return Progress(name, *columns, console=console, transient=True, disable=not console.is_terminal)


@contextmanager
def working(name: str) -> Iterator[Report]:
    """A bar for one piece of work, and the callback that moves it."""
    with _bars(Console(stderr=True)) as bars:
        bar = bars.add_task(escape(name))
        yield lambda done, total: bars.update(bar, completed=done, total=total)


class RunDisplay:
    """Bars for the steps that run and a line for each that ended; on a terminal or, as plain lines, in a log file."""

    def __init__(self) -> None:
        self.console = Console(stderr=True, highlight=False, soft_wrap=True)
        self.progress = _bars(self.console)
        self.bars: dict[int, int] = {}
        self.ended: set[int] = set()

    def __enter__(self) -> "RunDisplay":
        self.progress.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.progress.stop()

    def show(self, task: Task) -> None:
        """Draw what changed about a task."""
        name = f"{escape(task.subject)} · {task.step}"
        if task.status == "running":
            if task.id not in self.bars:
                self.bars[task.id] = self.progress.add_task(name, total=1.0)
            self.progress.update(self.bars[task.id], completed=task.progress)
            return
        if task.id in self.bars:
            self.progress.remove_task(self.bars.pop(task.id))
        if task.status in MARKS and task.id not in self.ended:
            self.ended.add(task.id)
            self.console.print(f"{MARKS[task.status]} {name}{_note(task)}")


def _note(task: Task) -> str:
    if task.cached:
        return " [dim]done already[/]"
    if task.status == "done" and task.started_at and task.finished_at:
        return f" [dim]{task.finished_at - task.started_at:.1f} s[/]"
    text = task.error or (task.reason if task.status == "skipped" else None)
    return f": {escape(text)}" if text else ""


def summarize(result: RunResult) -> None:
    """Say what came of a run: of each video, and where its report is."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)  # a path that is cut or wrapped cannot be copied
    console.print()
    for video in result.videos:
        console.print(f"{MARKS[video.status]} {escape(video.path.name)}: {escape(video.error or video.status)}")
        if report := video.outputs.get("report"):
            console.print(f"  report: {escape(str(report))}")
    executed = f"{result.executed} steps executed"
    if result.status == "done" and not result.executed:
        executed = "nothing was executed: every step was done already"
    console.print(f"run {result.run}: {result.status}; {executed}")


def show_table(rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows with the same keys as a table on stdout; the first column, which is a name to copy, is never wrapped."""
    table = Table(box=None, header_style="bold")
    for number, name in enumerate(rows[0] if rows else ["nothing yet"]):
        table.add_column(name, no_wrap=number == 0, overflow="fold")
    for row in rows:
        table.add_row(*(escape(str(value)) for value in row.values()))
    Console(highlight=False).print(table)


def show_findings(findings: Sequence[Finding]) -> None:
    """What a machine has and lacks, each lack with its mend."""
    console = Console(highlight=False, soft_wrap=True)
    for finding in findings:
        mark = MARKS["done"] if finding.ok else MARKS["failed" if finding.needed else "skipped"]
        console.print(f"{mark} {escape(finding.name)}: {escape(finding.detail)}")
        if not finding.ok and finding.mend:
            console.print(f"    {escape(finding.mend)}")
