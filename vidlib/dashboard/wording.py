"""Formats times, sizes and foreign names for the operators' page."""

import time

from vidlib.text import printable

ZERO_WIDTH_JOINER = "\u200d"  # cannot be seen, but holds emoji together


def readable(text: str) -> str:
    """``text`` for the eyes: whatever cannot be seen, or turns the text around it, becomes a mark that can.

    >>> readable("new\\nline")
    'new�line'
    """
    return printable(text, "\N{REPLACEMENT CHARACTER}", keep=ZERO_WIDTH_JOINER)


def format_duration(seconds: float) -> str:
    """Format a duration in seconds with the precision that matters.

    >>> format_duration(7.25), format_duration(83), format_duration(3723)
    ('7.2 s', '1:23', '1:02:03')
    """
    if seconds < 60:
        return f"{max(seconds, 0):.1f} s"
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def format_time(at: float) -> str:
    """Format a POSIX time as local time, with the day unless it is today."""
    there = time.localtime(at)
    today = there[:3] == time.localtime()[:3]
    return time.strftime("%H:%M" if today else "%d %b %H:%M", there)
