"""Progress of a step: the callback that steps call, and the file that others read it from."""

import json
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from vidlib.files import write_json

T = TypeVar("T")

Report = Callable[[float, float], None]
"""``report(done, total)``: work done so far and in total, in one unit (frames, bytes, seconds)."""

PROGRESS_FILE = ".progress.json"
EVERY_S = 0.5


def quiet(done: float, total: float) -> None:
    """Report nothing."""


def part_of(report: Report, first: float, last: float) -> Report:
    """A callback for a part of some work, which lasts from the share ``first`` to the share ``last`` of the whole.

    >>> part_of(print, 0.5, 1.0)(1, 4)
    2.5 4
    """

    def report_part(done: float, total: float) -> None:
        report(first * total + done * (last - first), total)

    return report_part


def counted(items: Iterable[T], total: int, report: Report) -> Iterator[T]:
    """The ``items``, of which there are ``total``; each is reported when the next one is asked for.

    >>> list(counted("ab", 2, print))
    1 2
    2 2
    ['a', 'b']
    """
    for done, item in enumerate(items, 1):
        yield item
        report(done, total)


def in_notebook(out_dir: str | Path, clock: Callable[[], float] = time.monotonic) -> Report:
    """Give a `Report` that writes to ``out_dir`` (see `read`) and to a line under the cell, at most twice a second."""
    from IPython.display import display

    path, started, last_report_s = Path(out_dir) / PROGRESS_FILE, clock(), -EVERY_S
    line = display({"text/plain": "starting"}, raw=True, display_id=True)

    def report(done: float, total: float) -> None:
        nonlocal last_report_s
        passed_s = clock() - started
        if passed_s - last_report_s < EVERY_S and done < total:
            return
        last_report_s = passed_s
        write_json(path, {"done": done, "total": total})
        if line is not None:
            line.update({"text/plain": f"{done:g} of {total:g} in {passed_s:.1f} s"}, raw=True)

    return report


def read(out_dir: Path) -> tuple[float, float] | None:
    """The last report of the step that works in ``out_dir``, as ``(done, total)``; None if there is none yet."""
    try:
        state = json.loads((out_dir / PROGRESS_FILE).read_text())
    except (FileNotFoundError, ValueError):
        return None
    return (state["done"], state["total"]) if state["total"] else None
