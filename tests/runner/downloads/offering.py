"""Several processes that offer and take downloads of one history at the same moment."""

from typing import Any

from vidlib.ingest.offers import DownloadOffer
from vidlib.runner.downloads import store
from vidlib.runner.store.runs import History

N_LINKS = 10


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
