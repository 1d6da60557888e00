"""The rules of HTTP for busy servers: whether the same request may succeed later, and when."""

from datetime import UTC
from email.utils import parsedate_to_datetime

LONGEST_S = 366 * 86400.0
"""A longer Retry-After counts as this one: clocks and waits overflow at values that a server is free to send."""


BUSY = frozenset({408, 425, 429})
"""Besides 5xx, the answers after which the same request may succeed later (RFC 9110, 15.5; RFC 8470; RFC 6585)."""


def is_busy(status_code: int) -> bool:
    """Return whether the same request may succeed a little later.

    >>> is_busy(429), is_busy(503), is_busy(404)
    (True, True, False)
    """
    return status_code >= 500 or status_code in BUSY


def retry_after_s(value: str | None, now: float) -> float | None:
    """Return the seconds from ``now`` that a Retry-After header asks for, from 0 to LONGEST_S.

    The header holds a number of seconds or a date (RFC 9110, 10.2.3). ``now`` is in seconds since 1970. Returns None
    without a header, and for a value that is neither.

    >>> retry_after_s("120", 0), retry_after_s("Thu, 01 Jan 1970 00:01:00 GMT", 20), retry_after_s("soon", 0)
    (120.0, 40.0, None)
    """
    value = (value or "").strip()
    try:
        wait_s = float(value) if value.isdecimal() else _timestamp(value) - now
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(wait_s, 0.0), LONGEST_S)


def _timestamp(date: str) -> float:
    """Return a date of HTTP as seconds since 1970; a date without a zone is in UTC."""
    parsed = parsedate_to_datetime(date)
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
