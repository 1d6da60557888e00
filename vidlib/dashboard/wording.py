"""Makes foreign names readable for the pages of the dashboard."""

from vidlib.text import printable

ZERO_WIDTH_JOINER = "\u200d"  # cannot be seen, but holds emoji together


def readable(text: str) -> str:
    """``text`` for the eyes: whatever cannot be seen, or turns the text around it, becomes a mark that can.

    >>> readable("new\\nline")
    'new�line'
    """
    return printable(text, "\N{REPLACEMENT CHARACTER}", keep=ZERO_WIDTH_JOINER)
