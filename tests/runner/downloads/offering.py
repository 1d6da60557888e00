"""Several processes that offer and take downloads of one history at the same moment."""

import multiprocessing
from collections.abc import Callable
from typing import Any

from tests.waiting import LIMIT_S
from vidlib.ingest.webhook import DownloadOffer
from vidlib.runner.downloads import store
from vidlib.runner.store.runs import History

N_LINKS = 20


def at_once(n_processes: int, work: Callable[..., None], *args: Any) -> None:
    """Run ``work(number, together, *args)`` in processes that begin together; raises if one of them fails."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])  # what each of them would import for seconds
    together = context.Barrier(n_processes, timeout=LIMIT_S)
    processes = [context.Process(target=work, args=(number, together, *args)) for number in range(n_processes)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * n_processes


def offer_all(number: int, together: Any, url: str) -> None:
    """DownloadOffer the same links, in another spelling and with another time than the other processes."""
    with History(url) as history:
        together.wait()
        for job in range(N_LINKS):
            link = f"https://Files.example.org/{'/' * (number % 3)}{job}.zip?{'&' * (number % 2)}id=1"
            store.add_offers(history, [(DownloadOffer(link, 1000.0 - number), "known")])


def take_all(number: int, together: Any, url: str, folder: str) -> None:
    """Take whatever waits, and leave the key of each in ``folder``; two processes cannot leave the same one."""
    with History(url) as history:
        together.wait()
        while row := store.next_waiting(history, 1.0):
            if store.claim(history, row.key, ["waiting"]):
                open(f"{folder}/{row.key}", "x").close()
                store.finish(history, row.key, "done")
