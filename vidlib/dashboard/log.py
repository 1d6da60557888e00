"""The log of the run on display: its events, or what some of its steps print, while they run too."""

from collections import deque
from collections.abc import Sequence
from typing import Any

from vidlib.dashboard.pages import Context, Query
from vidlib.runner.logs import Cursor, LogLine, lines_after
from vidlib.runner.store.models import Event, Task
from vidlib.runner.store.runs import History
from vidlib.text import plain_message

MAX_LINES = 300
"""The most lines on the page, the last ones."""

PRINTED = ("stdout", "stderr")
"""Levels of what a step prints; it stays as it is, with its colours."""


class Log:
    """Reads on where it stopped, as long as the page shows the same steps."""

    def __init__(self, context: Context, run_id: str):
        self.context, self.run_id = context, run_id
        self._chosen: tuple[str | None, ...] = ()
        self._restart()

    def _restart(self) -> None:
        self._cursor = Cursor()
        self._lines: deque[dict[str, Any]] = deque(maxlen=MAX_LINES)
        self._n = 0

    def lines(self, history: History, tasks: Sequence[Task], query: Query) -> list[dict[str, Any]]:
        """The last lines of the run, or of the ``video`` (the number of one of its tasks) and ``step`` of the query."""
        label = next((task.label for task in tasks if str(task.id) == query.get("video")), None)
        step = query.get("step") or None
        if label is None and step is None:
            return [self._event(event) for event in history.events(self.run_id, MAX_LINES)]
        chosen = label, step, self.context.words.language
        if chosen != self._chosen:
            self._chosen = chosen
            self._restart()
        runs = self.context.settings.runs
        while True:
            found, self._cursor = lines_after(history, runs, self.run_id, self._cursor, label, step)
            for line in found:
                self._n += 1
                self._lines.append(self._line(line, self._n))
            if not found:
                return list(self._lines)

    def _event(self, event: Event) -> dict[str, Any]:
        message = plain_message(event.message)
        label = f"{event.label}: " if event.label and message.startswith(f"{event.label}: ") else ""
        text = label + self.context.translated(message.removeprefix(label))
        return {"id": event.id, "at": event.at, "level": event.level, "message": text}

    def _line(self, line: LogLine, number: int) -> dict[str, Any]:
        text = line.text if line.level in PRINTED else self.context.translated(line.text)
        return {"id": number, "at": line.at, "level": line.level, "message": text}
