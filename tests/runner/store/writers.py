"""Several processes that write to one history at the same moment."""

from typing import Any

from tests.runner.processes import at_once
from vidlib.runner.store.runs import History


def written(url: str, n_processes: int, n_events: int) -> set[str]:
    """What `n_processes` that wrote ``n_events`` each, all at once, left in the history at ``url``; nothing twice."""
    with History(url) as history:
        run = history.start_run([], {})
        at_once(n_processes, _write, url, run.id, n_events)
        messages = [event.message for event in history.events(run.id, limit=2 * n_processes * n_events)]
        assert len(messages) == len(set(messages))
        return set(messages)


def all_of(n_processes: int, n_events: int) -> set[str]:
    """What `written` is to give."""
    return {f"{writer}/{number}" for writer in range(n_processes) for number in range(n_events)}


def _write(writer: int, together: Any, url: str, run_id: str, n_events: int) -> None:
    with History(url) as history:
        together.wait()
        for number in range(n_events):
            history.add_event(run_id, f"{writer}/{number}")
