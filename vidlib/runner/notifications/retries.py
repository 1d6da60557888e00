"""Repeated attempts to reach a server, within a time limit for all of them."""

import threading
from collections.abc import Callable
from concurrent.futures import Future

import tenacity

ATTEMPTS = 4
FIRST_PAUSE_S, LONGEST_PAUSE_S = 2.0, 60.0
"""The pause doubles after each attempt. A longer Retry-After of a server is cut to LONGEST_PAUSE_S."""

Pause = Callable[[float], None]
"""Waits for a number of seconds."""


def send_with_retries(
    send: Callable[[], None],
    is_retryable: Callable[[BaseException], bool],
    *,
    pause: Pause,
    limit_s: float,
    asked_pause_s: Callable[[BaseException], float | None] = lambda error: None,
) -> None:
    """Call ``send`` until it succeeds, at most ATTEMPTS times, as long as ``is_retryable`` is true of its error.

    ``asked_pause_s`` returns the pause that the server asked for with an error. Raises the last error of ``send``, or
    TimeoutError after ``limit_s`` seconds.
    """

    def pause_s(state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked_s = asked_pause_s(error) if error else None
        return min(FIRST_PAUSE_S * 2 ** (state.attempt_number - 1) if asked_s is None else asked_s, LONGEST_PAUSE_S)

    attempts = tenacity.Retrying(
        stop=tenacity.stop_after_attempt(ATTEMPTS),
        wait=pause_s,
        retry=tenacity.retry_if_exception(is_retryable),
        sleep=pause,
        reraise=True,
    )
    _run_within(limit_s, lambda: attempts(send))


def _run_within(limit_s: float, action: Callable[[], None]) -> None:
    """Run ``action``; raise its error, or TimeoutError after ``limit_s`` seconds.

    The time limit of a socket does not end a connection to a server that sends a byte now and then. After the time
    limit the thread of ``action`` runs on as a daemon, so the process can end without it.
    """
    outcome: Future[None] = Future()

    def work() -> None:
        try:
            action()
        except BaseException as error:  # noqa: BLE001 `outcome.result` raises it
            outcome.set_exception(error)
        else:
            outcome.set_result(None)

    threading.Thread(target=work, name="notification", daemon=True).start()
    outcome.result(limit_s)
