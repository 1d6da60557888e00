"""Several processes that write to one history at the same moment."""

import multiprocessing

from tests.waiting import LIMIT_S
from vidlib.runner.store.runs import History


def written(url: str, n_processes: int, n_events: int) -> set[str]:
    """What `n_processes` that wrote ``n_events`` each, all at once, left in the history at ``url``; nothing twice."""
    with History(url) as history:
        run = history.start_run([], {})
        context = multiprocessing.get_context("spawn")
        together = context.Barrier(n_processes, timeout=LIMIT_S)
        arguments = [(url, run.id, number, n_events, together) for number in range(n_processes)]
        writers = [context.Process(target=_write, args=args) for args in arguments]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        assert [writer.exitcode for writer in writers] == [0] * n_processes
        messages = [event.message for event in history.events(run.id, limit=2 * n_processes * n_events)]
        assert len(messages) == len(set(messages))
        return set(messages)


def all_of(n_processes: int, n_events: int) -> set[str]:
    """What `written` is to give."""
    return {f"{writer}/{number}" for writer in range(n_processes) for number in range(n_events)}


def _write(url: str, run_id: str, writer: int, n_events: int, together) -> None:
    with History(url) as history:
        together.wait()
        for number in range(n_events):
            history.add_event(run_id, f"{writer}/{number}")
