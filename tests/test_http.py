"""Retry-After: whatever a server sends, the result is a wait that a clock can hold, or None."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.texts import ANY_TEXT
from vidlib.http import LONGEST_S, retry_after_s

NOW = 1_000_000_000.0  # Sun, 09 Sep 2001 01:46:40 GMT


@pytest.mark.parametrize(
    ("value", "wait_s"),
    [
        ("7", 7),
        (" 0 ", 0),
        ("Sun, 09 Sep 2001 01:47:40 GMT", 60),
        ("Sun, 09 Sep 2001 01:47:40 -0000", 60),
        ("Sun, 09 Sep 2001 01:45:00 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST_S),
        ("9" * 400, LONGEST_S),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("", None),
        (None, None),
    ],
)
def test_seconds_and_dates_are_understood_and_nothing_else(value, wait_s):
    assert retry_after_s(value, NOW) == wait_s


@given(ANY_TEXT, st.floats(0, 4e9))
@example("Mon, 01 Jan 0001 00:00:00 +2359", NOW)
@example("Mon, 01 Jan 99999 00:00:00 GMT", NOW)
@example("²", NOW)
def test_no_value_breaks_it(value, now):
    wait_s = retry_after_s(value, now)
    assert wait_s is None or 0 <= wait_s <= LONGEST_S
