"""How the operators' page words what it shows: times, sizes, and names that come from outside."""

import math
import time

from vidlib.text import printable

UNITS = ("B", "kB", "MB", "GB", "TB")
ZERO_WIDTH_JOINER = "\u200d"  # cannot be seen, but holds emoji together


def readable(text: str) -> str:
    """``text`` for the eyes: whatever cannot be seen, or turns the text around it, becomes a mark that can.

    >>> readable("new\\nline")
    'new�line'
    """
    return printable(text, "\N{REPLACEMENT CHARACTER}", keep=ZERO_WIDTH_JOINER)


def duration(seconds: float) -> str:
    """How long something took, as precisely as it matters.

    >>> duration(7.25), duration(83), duration(3723)
    ('7.2 s', '1:23', '1:02:03')
    """
    if seconds < 60:
        return f"{max(seconds, 0):.1f} s"
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def in_bytes(size: int) -> str:
    """A number of bytes in the unit that suits it.

    >>> in_bytes(320), in_bytes(4_200_000)
    ('320 B', '4.2 MB')
    """
    power = min(int(math.log10(max(size, 1))) // 3, len(UNITS) - 1)
    return f"{size / 1000**power:.{min(power, 1)}f} {UNITS[power]}"


def when(at: float) -> str:
    """The local time, with the day unless it is today's."""
    there = time.localtime(at)
    today = there[:3] == time.localtime()[:3]
    return time.strftime("%H:%M" if today else "%d %b %H:%M", there)
