"""The log of a run as a file: its events, a JSON object on each line."""

import json
from datetime import UTC, datetime
from pathlib import Path

from vidlib.runner.store.models import Event
from vidlib.runner.store.runs import History

FILE = "run.log"


LATE = 100
"""Events of several machines can become visible out of order, but not by more than this."""


class RunLog:
    """Copies the events of a run from the history to ``run.log`` in its folder; what is there already stays.

    A line: ``{"event": 7, "at": "2026-11-24T22:00:03.123+00:00", "level": "info", "message": "...", "video": "...",
    "step": "..."}``; the last two only where it is about a step.
    """

    def __init__(self, history: History, run_id: str, folder: Path):
        self._history, self._run_id, self._file = history, run_id, folder / FILE
        self._written = self._found()

    def catch_up(self) -> None:
        """Write what has happened since the last time."""
        last = max(self._written, default=0)
        events = self._history.events_after(self._run_id, last - LATE)
        if new := [event for event in events if event.id not in self._written]:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with open(self._file, "a", encoding="utf-8") as log:
                log.writelines(json.dumps(_line(event), ensure_ascii=False) + "\n" for event in new)
            self._written.update(event.id for event in new)

    def _found(self) -> set[int]:
        """The numbers of the events in the file; a line that was cut off is none, and removed."""
        if not self._file.is_file():
            return set()
        lines = self._file.read_bytes().splitlines(keepends=True)
        whole = [line for line in lines if line.endswith(b"\n")]
        if len(whole) < len(lines):
            self._file.write_bytes(b"".join(whole))
        return {json.loads(line)["event"] for line in whole}


def _line(event: Event) -> dict[str, object]:
    at = datetime.fromtimestamp(event.at, UTC).isoformat(timespec="milliseconds")
    found = {"event": event.id, "at": at, "level": event.level, "message": event.message}
    about = {"video": event.label, "step": event.step}
    return found | {name: value for name, value in about.items() if value}
