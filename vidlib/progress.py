"""How far a step is: a callback that steps call, and where what they say goes."""

import json
import time
from collections.abc import Callable
from pathlib import Path

from vidlib.files import write_json

Report = Callable[[float, float], None]
"""``report(done, total)``: work done so far and in all, in any one unit (frames, bytes, seconds)."""

PROGRESS_FILE = ".progress.json"
EVERY_S = 0.5


def quiet(done: float, total: float) -> None:
    """Say nothing."""


def in_notebook(out_dir: str | Path, clock: Callable[[], float] = time.monotonic) -> Report:
    """Report to whoever watches ``out_dir`` (see `read`), and as one line under the cell, at most twice a second."""
    from IPython.display import display

    path, started, said = Path(out_dir) / PROGRESS_FILE, clock(), -EVERY_S
    line = display({"text/plain": "starting"}, raw=True, display_id=True)

    def report(done: float, total: float) -> None:
        nonlocal said
        passed = clock() - started
        if passed - said < EVERY_S and done < total:
            return
        said = passed
        write_json(path, {"done": done, "total": total})
        if line is not None:
            line.update({"text/plain": f"{done:g} of {total:g} in {passed:.1f} s"}, raw=True)

    return report


def read(out_dir: Path) -> tuple[float, float] | None:
    """What the step working in ``out_dir`` last reported, as ``(done, total)``; None if it said nothing yet."""
    try:
        state = json.loads((out_dir / PROGRESS_FILE).read_text())
    except (FileNotFoundError, ValueError):
        return None
    return (state["done"], state["total"]) if state["total"] else None
