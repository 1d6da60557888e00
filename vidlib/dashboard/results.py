"""Where the results of a run are on the dashboard, and which tasks belong to one video."""

import os
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from vidlib.runner.shelf import SHELF
from vidlib.runner.store.models import Task
from vidlib.steps import STEPS

RESULTS_ROUTE = "results"
"""Path of reports and notebooks below the address of the dashboard."""

SHELF_ROUTE = f"{RESULTS_ROUTE}/runs/{SHELF}"
"""Path of the page of all reports, beside those of the runs."""

VIDEO_ROUTE = "video"
"""Path that reports name for the player of one video, below the address of the dashboard."""


def by_video(tasks: Iterable[Task]) -> list[list[Task]]:
    """The tasks of each archive or video in the order of the steps; tasks of a project go with its archive or video."""
    rows: dict[tuple[str, str], list[Task]] = {}
    of_content: dict[str, tuple[str, str]] = {}
    for task in tasks:
        key = (task.sha256, task.label)
        if task.step == "finalize":  # a project has the content hash of its archive or single video
            key = of_content.get(task.sha256, key)
        of_content.setdefault(task.sha256, key)
        rows.setdefault(key, []).append(task)
    order = {name: index for index, name in enumerate(STEPS)}
    return [sorted(row, key=lambda task: order[task.step]) for row in rows.values()]


def result_url(name: str, root: Path, file: Path) -> str | None:
    """The address of a result below ``root``, relative to that of the dashboard; None for a file outside ``root``."""
    if not file.is_relative_to(root):
        return None
    return "/".join((RESULTS_ROUTE, name, *(quote(os.fsencode(part)) for part in file.relative_to(root).parts)))
