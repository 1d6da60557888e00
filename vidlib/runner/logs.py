"""The log of a run for people: its events, and what its steps print, in the order of time, also while they run."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from vidlib.errors import UsageError
from vidlib.runner import step_log
from vidlib.runner.store.models import Event
from vidlib.runner.store.runs import History
from vidlib.text import plain_message

MAX_EVENTS = 1000
"""Events that one call of `lines_after` reads at most."""


@dataclass(frozen=True)
class LogLine:
    """One line: ``level`` is info, notice, warning, error, stdout or stderr; ``video`` and ``step`` say whose it is.

    The text has no line ends. It may have colours of a terminal.
    """

    at: float
    level: str
    text: str
    video: str | None = None
    step: str | None = None


@dataclass(frozen=True)
class Cursor:
    """How far a log has been read: the last event, and the offset in the file of each task by its id."""

    event: int = 0
    offsets: Mapping[int, int] = field(default_factory=dict)


def lines_after(
    history: History,
    runs: Path,
    run_id: str,
    cursor: Cursor = Cursor(),
    video: str | None = None,
    step: str | None = None,
) -> tuple[list[LogLine], Cursor]:
    """The next lines of a run after ``cursor``, or those about a ``video`` or a ``step``, and the cursor behind them.

    ``runs`` is the folder of all runs. One call reads a bounded part: call again until no line comes. Raises UsageError
    for an unknown run, and for a video or step that it does not have.
    """
    history.run(run_id)
    tasks = history.tasks(run_id)
    chosen = [task for task in tasks if video in (None, task.label) and step in (None, task.step)]
    if not chosen and (video or step):
        known = ", ".join(dict.fromkeys(task.label for task in tasks)) or "none"
        raise UsageError(f"the run has no task for {' '.join(filter(None, (video, step)))}; known: {known}")
    events, last = _events(history, run_id, cursor.event, video, step)
    lines, offsets = [*events], dict(cursor.offsets)
    for task in chosen:
        found, offsets[task.id] = step_log.read_after(step_log.file_of(runs, task), offsets.get(task.id, 0))
        lines += (LogLine(line.at, line.level, line.text, task.label, task.step) for line in found)
    return sorted(lines, key=lambda line: line.at), Cursor(last, offsets)


def all_lines(
    history: History, runs: Path, run_id: str, video: str | None = None, step: str | None = None
) -> Iterator[LogLine]:
    """The whole log of a run up to now."""
    found, cursor = lines_after(history, runs, run_id, Cursor(), video, step)
    lines: list[LogLine] = []
    while found:
        lines += found
        found, cursor = lines_after(history, runs, run_id, cursor, video, step)
    yield from sorted(lines, key=lambda line: line.at)


def _events(
    history: History, run_id: str, after: int, video: str | None, step: str | None
) -> tuple[Iterator[LogLine], int]:
    events = history.events_after(run_id, after, MAX_EVENTS)
    about = (event for event in events if video in (None, event.label) and step in (None, event.step))
    lines = (LogLine(event.at, event.level, _message(event), event.label, event.step) for event in about)
    return lines, events[-1].id if events else after


def _message(event: Event) -> str:
    """The message without the name of the video, which each line has beside it."""
    return plain_message(event.message.removeprefix(f"{event.label}: "))
