"""Notifications about the end of a run, for people and programs elsewhere: by a command, a webhook or an e-mail.

A notification never changes the outcome of its run: `notify` returns problems as lines and raises nothing. No line
contains a secret: neither the address of a webhook nor the answer of a mail server to a password. `check` finds wrong
settings before the run.
"""

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from vidlib.errors import VidlibError
from vidlib.runner.notifications import command, mail, secret_urls, webhook
from vidlib.runner.notifications.message import MAX_LINE_CHARS, Payload, payload
from vidlib.runner.notifications.retries import Pause, send_with_retries
from vidlib.settings import Settings
from vidlib.text import one_line

__all__ = ["LIMIT_S", "Payload", "check", "notify", "payload"]

LIMIT_S = 180.0
"""The time limit of each channel in seconds, with all its retries."""

log = logging.getLogger("vidlib.run")


@dataclass(frozen=True)
class Channel:
    """A way to send a notification; ``explain`` returns the reason of an error of this channel without secrets."""

    name: str
    send: Callable[[], None]
    explain: Callable[[Exception], str | None] = lambda error: None


def check(settings: Settings) -> None:
    """Raise SettingError, with the name of the variable, for settings that cannot work; no server is contacted."""
    if settings.notify_command is not None:
        command.parse(settings.notify_command)
    if settings.notify_url:
        webhook.check(settings.notify_url.get_secret_value())
    if settings.notify_email:
        mail.check(settings)


def notify(payload: Payload, settings: Settings, *, pause: Pause = time.sleep, limit_s: float = LIMIT_S) -> list[str]:
    """Send the end of a run through every channel that is set; return the problems, one line each.

    ``pause`` waits for seconds between two attempts. A channel fails if it takes longer than ``limit_s`` seconds.
    """
    if settings.notify_on == "failure" and payload["status"] == "done":
        return []
    problems = (_send(channel, settings) for channel in _channels(payload, settings, pause, limit_s))
    return [problem for problem in problems if problem is not None]


def _channels(payload: Payload, settings: Settings, pause: Pause, limit_s: float) -> Iterator[Channel]:
    """Yield the channels that are set."""

    def send_webhook(url: str) -> None:
        send_with_retries(
            lambda: webhook.send(url, payload),
            webhook.is_retryable,
            pause=pause,
            limit_s=limit_s,
            asked_pause_s=webhook.asked_pause_s,
        )

    def send_mail() -> None:
        send_with_retries(lambda: mail.send(payload, settings), mail.is_retryable, pause=pause, limit_s=limit_s)

    if args := settings.notify_command:
        yield Channel("command", lambda: command.send(args, payload, limit_s))
    if url := settings.notify_url:
        yield Channel("webhook", lambda: send_webhook(url.get_secret_value()), webhook.explain)
    if settings.notify_email:
        yield Channel("e-mail", send_mail, mail.explain)


def _send(channel: Channel, settings: Settings) -> str | None:
    """Send through a channel; return the problem in one line, or None."""
    try:
        channel.send()
    except Exception as error:  # noqa: BLE001 a notification never changes the outcome of its run
        secrets = [url.get_secret_value() for url in (settings.notify_url, settings.smtp_url) if url]
        reason = secret_urls.redact(channel.explain(error) or _explain(error), secrets)
        return f"notification by {channel.name} failed: {one_line(reason, MAX_LINE_CHARS)}"
    log.info("notified by %s", channel.name)
    return None


def _explain(error: Exception) -> str:
    """Return the reason of an error; an unforeseen message could contain a secret, so only its type is named."""
    match error:
        case TimeoutError():
            return "the server did not answer in time"
        case VidlibError() | OSError():
            return str(error)
    return f"it failed with {type(error).__name__}"
