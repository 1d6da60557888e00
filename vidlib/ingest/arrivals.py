"""The names in an inbox: which may be deliveries, and which are hidden or still arriving."""

from pathlib import PurePath

HIDDEN = (".", "~")
"""The first characters of names that are never deliveries."""

UNFINISHED = frozenset({".part", ".crdownload", ".tmp", ".filepart"})
"""The suffixes that browsers and copying programs give to unfinished files."""


def is_arriving(name: str) -> bool:
    """Return whether the name is that of an unfinished file.

    >>> is_arriving("film.mp4.part"), is_arriving("film.part1.rar")
    (True, False)
    """
    return PurePath(name).suffix.lower() in UNFINISHED


def arrived_name(name: str) -> str:
    """Return the name for a file that is complete: an inbox does not hide it, whatever its server called it.

    >>> arrived_name("film.mp4.part"), arrived_name("~film.mp4"), arrived_name("film.mp4")
    ('film.mp4', '_film.mp4', 'film.mp4')
    """
    while is_arriving(name):
        name = name.rpartition(".")[0]
    return f"_{name[1:]}" if name.startswith(HIDDEN) else name


def may_be_delivery(name: str) -> bool:
    """Return whether a file or folder of an inbox may be a delivery, judged by its name.

    >>> may_be_delivery("film.mp4"), may_be_delivery(".film.mp4.Xa3b"), may_be_delivery("film.mp4.crdownload")
    (True, False, False)
    """
    return not name.startswith(HIDDEN) and not is_arriving(name)
