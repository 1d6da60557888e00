"""Several processes that do the same at the same moment."""

import multiprocessing
from collections.abc import Callable
from multiprocessing.context import BaseContext
from typing import Any

from tests.waiting import LIMIT_S
from vidlib.runner.downloads import store  # noqa: F401 each process would import it for a second


def server() -> BaseContext:
    """Processes of this context are forks of one that has imported the history."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


def at_once(n_processes: int, work: Callable[..., None], *args: Any) -> None:
    """Run ``work(number, together, *args)`` in processes that begin together; raises if one of them fails."""
    context = server()
    together = context.Barrier(n_processes, timeout=LIMIT_S)
    processes = [context.Process(target=work, args=(number, together, *args)) for number in range(n_processes)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * n_processes
