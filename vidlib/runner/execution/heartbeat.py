"""The heartbeat of a process: it tells the history that the process lives, and receives the history's reply.

A run, a task, a lease and a download belong to one process each, which renews their ``heartbeat_at``. Other processes
take over what had no heartbeat for `vidlib.runner.store.identity.LEASE_S` seconds.
"""

import time
from collections.abc import Callable

from vidlib.errors import VidlibError
from vidlib.runner.store.queue import Reply


class Heartbeat:
    """Sends heartbeats by calling ``renew``, and keeps the last ``reply``; ``error`` is why the last one failed."""

    def __init__(self, renew: Callable[[], Reply]):
        self._renew = renew
        self._answered_at = time.monotonic()
        self.reply: Reply = "continue"
        self.error: VidlibError | None = None

    def send(self) -> None:
        """Send one heartbeat. A failure is no error yet: the next heartbeat may arrive before the lease ends."""
        try:
            self.reply = self._renew()
        except VidlibError as error:
            self.error = error
        else:
            self.error, self._answered_at = None, time.monotonic()

    @property
    def silence_s(self) -> float:
        """Seconds since the last heartbeat that arrived; 0 if the last one did."""
        return time.monotonic() - self._answered_at if self.error else 0.0
