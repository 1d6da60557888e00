"""What lies in an inbox: which names may be deliveries, and which are hidden or still arriving."""

from pathlib import PurePath

HIDDEN = (".", "~")
"""How the names of files begin that are no deliveries."""
UNFINISHED = frozenset({".part", ".crdownload", ".tmp", ".filepart"})
"""What browsers and copying programs call a file that is still arriving."""


def is_arriving(name: str) -> bool:
    """Whether a file is called as those are that somebody is still writing.

    >>> is_arriving("film.mp4.part"), is_arriving("film.part1.rar")
    (True, False)
    """
    return PurePath(name).suffix.lower() in UNFINISHED


def may_be_delivery(name: str) -> bool:
    """Whether a file or folder of an inbox may be a delivery, by its name.

    >>> may_be_delivery("film.mp4"), may_be_delivery(".film.mp4.Xa3b"), may_be_delivery("film.mp4.crdownload")
    (True, False, False)
    """
    return not name.startswith(HIDDEN) and not is_arriving(name)
