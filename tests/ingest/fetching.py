"""What the tests of downloads share: rules, a time that costs nothing, and looks at the inbox."""

import hashlib
import itertools
import threading
from pathlib import Path

from tests.ingest import faulty_server
from vidlib.ingest.addresses import AddressPolicy
from vidlib.ingest.fetch import DownloadRules, Timing

POLICY = AddressPolicy(frozenset({faulty_server.HOST}))
RULES = DownloadRules(policy=POLICY, free_bytes=0)


class Time:
    """Timing whose clock goes on by ``tick_s`` whenever it is looked at, and whose pauses are only written down."""

    def __init__(self, tick_s: float = 0.0):
        ticks = itertools.count()
        self.paused: list[float] = []
        self.stop = threading.Event()
        self.timing = Timing(
            stop=self.stop, clock=lambda: next(ticks) * tick_s, now=lambda: 0.0, jitter=lambda: 0.0, pause=self.pause
        )

    def pause(self, seconds: float) -> None:
        self.paused.append(seconds)


def left_in(inbox: Path) -> list[str]:
    return sorted(path.name for path in inbox.iterdir())


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
