"""What a step prints while it runs: one file for each task, RUNS/<run>/logs/<task>-<step>.jsonl.

A line of the file is a JSON object: ``at`` (seconds since 1970), ``level`` and ``text``. Colours of a terminal stay in
the text; all that moves its cursor is removed.
"""

import io
import json
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vidlib.runner.store.models import Task
from vidlib.text import coloured_line

FOLDER = "logs"

MAX_BYTES = 1024**2
"""Bytes after which a file takes no more lines. The executed notebook has them all."""

MAX_CHARS = 2000
"""Characters after which a line is cut."""

READ_BYTES = 256 * 1024
"""Bytes that one call of `read_after` reads at most."""

FULL = "this log is full; the executed notebook has what the step prints from here on"

Level = Literal["info", "stdout", "stderr"]
"""What vidlib says about the step, or the stream on which the step printed."""


@dataclass(frozen=True)
class StepLine:
    """One line of a step: when, on which stream, and the text."""

    at: float
    level: str
    text: str


def file_of(runs: Path, task: Task) -> Path:
    """The file with the lines of a task."""
    return runs / task.run_id / FOLDER / f"{task.id}-{task.step}.jsonl"


class StepLog:
    """Writes the lines of one task, from any thread. A full disk stops the log, not the step."""

    def __init__(self, file: Path):
        self._file, self._lock = file, threading.Lock()
        self._incomplete = {"stdout": "", "stderr": ""}
        self._tenth = -1

    def add(self, level: Level, *texts: str) -> None:
        """Add whole lines."""
        lines = [text for text in map(_clean, texts) if text.strip()]
        if not lines:
            return
        with self._lock, suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            size = self._file.stat().st_size if self._file.exists() else 0
            if size >= MAX_BYTES:
                return
            with open(self._file, "a", encoding="utf-8") as file:
                for line in (_as_json(level, text) for text in lines):
                    size += len(line)
                    file.write(line if size < MAX_BYTES else line + _as_json("info", FULL))
                    if size >= MAX_BYTES:
                        return

    def add_output(self, stream: Literal["stdout", "stderr"], text: str) -> None:
        """Add what the step printed; the end of an incomplete line comes with a later call."""
        *lines, self._incomplete[stream] = (self._incomplete[stream] + text).split("\n")
        self.add(stream, *lines)

    def add_progress(self, done: float, total: float, unit: str) -> None:
        """Add a line for each tenth of the work."""
        tenth = int(10 * done / total)
        if tenth != self._tenth:
            self._tenth = tenth
            self.add("info", f"{done:.10g} of {total:.10g} {unit}")

    def close(self) -> None:
        """Add the lines that are still incomplete."""
        for stream in ("stdout", "stderr"):
            self.add_output(stream, "\n")

    def stream(self, name: Literal["stdout", "stderr"]) -> "LogStream":
        """A file for Papermill to write to."""
        return LogStream(self, name)


class LogStream(io.TextIOBase):
    """A text file whose content goes into a `StepLog`."""

    def __init__(self, log: StepLog, name: Literal["stdout", "stderr"]):
        self._log, self._name = log, name

    def write(self, text: str) -> int:
        """Add ``text`` to the log."""
        self._log.add_output(self._name, text)
        return len(text)


def read_after(file: Path, offset: int = 0) -> tuple[list[StepLine], int]:
    """The next lines of a file after ``offset`` (bytes), and the offset behind them; a file may not exist yet."""
    try:
        with open(file, "rb") as log:
            log.seek(offset)
            content = log.read(READ_BYTES)
    except FileNotFoundError:
        return [], offset
    complete = content[: content.rfind(b"\n") + 1]
    return list(_parse(complete)), offset + len(complete)


def _parse(content: bytes) -> Iterator[StepLine]:
    for line in content.splitlines():
        with suppress(ValueError, TypeError):  # a line that a full disk cut, or the space at the end
            yield StepLine(**json.loads(line))


def _clean(text: str) -> str:
    """One line as a terminal shows it: what follows a carriage return replaces what stood there."""
    last = next((part for part in reversed(text.split("\r")) if part.strip()), "")
    return coloured_line(last, MAX_CHARS)


def _as_json(level: Level, text: str) -> str:
    return json.dumps({"at": time.time(), "level": level, "text": text}) + "\n"
