"""The log of a run as a file: one JSON object a line for each event."""

import json
from datetime import UTC, datetime
from pathlib import Path

from vidlib.runner.store.models import Event
from vidlib.runner.store.runs import History

FILE_NAME = "run.log"

MAX_DELAYED = 100
"""Events of several machines can become visible out of order, but by fewer events than this."""


class RunLog:
    """Appends the events of a run from the history to ``run.log`` in its folder; lines in the file stay.

    A line: ``{"event": 7, "at": "2026-11-24T22:00:03.123+00:00", "level": "info", "message": "...", "video": "...",
    "step": "..."}``. Only events about a task have the last two keys.
    """

    def __init__(self, history: History, run_id: str, folder: Path):
        self._history, self._run_id, self._file = history, run_id, folder / FILE_NAME
        self._written = self._read_written()

    def catch_up(self) -> None:
        """Append the events since the last call."""
        last = max(self._written, default=0)
        events = self._history.events_after(self._run_id, last - MAX_DELAYED)
        if new := [event for event in events if event.id not in self._written]:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with open(self._file, "a", encoding="utf-8") as log:
                log.writelines(json.dumps(_as_json(event), ensure_ascii=False) + "\n" for event in new)
            self._written.update(event.id for event in new)

    def _read_written(self) -> set[int]:
        """The ids of the events in the file. An incomplete last line is removed; its event is written again.

        A damaged line stays; its event, which nobody can read in it, is written again if it is one of the last.
        """
        if not self._file.is_file():
            return set()
        lines = self._file.read_bytes().splitlines(keepends=True)
        complete = [line for line in lines if line.endswith(b"\n")]
        if len(complete) < len(lines):
            self._file.write_bytes(b"".join(complete))
        return {number for line in complete if (number := _event_number(line)) is not None}


def _event_number(line: bytes) -> int | None:
    try:
        number = json.loads(line)["event"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return number if isinstance(number, int) else None


def _as_json(event: Event) -> dict[str, object]:
    at = datetime.fromtimestamp(event.at, UTC).isoformat(timespec="milliseconds")
    about = {"video": event.label, "step": event.step}
    line = {"event": event.id, "at": at, "level": event.level, "message": event.message}
    return line | {name: value for name, value in about.items() if value}
