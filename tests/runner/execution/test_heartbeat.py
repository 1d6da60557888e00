"""Heartbeats: the reply of the history reaches the process, and an outage of the history is no loss yet."""

from vidlib.errors import VidlibError
from vidlib.runner.execution.heartbeat import Heartbeat
from vidlib.runner.store.queue import Reply


def heartbeat(*replies: Reply | VidlibError) -> Heartbeat:
    """A heartbeat that receives ``replies``, one after the other; an error is an outage."""
    coming = iter(replies)

    def renew() -> Reply:
        reply = next(coming)
        if isinstance(reply, VidlibError):
            raise reply
        return reply

    return Heartbeat(renew)


def test_the_last_reply_is_kept():
    sender = heartbeat("continue", "cancel")
    sender.send()
    assert sender.reply == "continue"
    sender.send()
    assert (sender.reply, sender.error, sender.silence_s) == ("cancel", None, 0.0)


def test_an_outage_keeps_the_last_reply_and_counts_as_silence_until_a_heartbeat_arrives():
    outage = VidlibError("the history cannot be used")
    sender = heartbeat("cancel", outage, outage, "continue")
    sender.send()
    sender.send()
    first = sender.silence_s
    sender.send()
    assert sender.silence_s > first > 0
    assert (sender.reply, sender.error) == ("cancel", outage)
    sender.send()
    assert (sender.reply, sender.error, sender.silence_s) == ("continue", None, 0.0)
