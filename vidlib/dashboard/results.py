"""Where the results of runs are on the dashboard."""

import os
from pathlib import Path
from urllib.parse import quote

from vidlib.runner.shelf import SHELF

RESULTS_ROUTE = "results"
"""Path of reports and notebooks below the address of the dashboard."""

SHELF_ROUTE = f"{RESULTS_ROUTE}/runs/{SHELF}"
"""Path of the page of all reports, beside those of the runs."""

VIDEO_ROUTE = "video"
"""Path that reports name for the player of one video, below the address of the dashboard."""


def result_url(name: str, root: Path, file: Path) -> str | None:
    """The address of a result below ``root``, relative to that of the dashboard; None for a file outside ``root``."""
    if not file.is_relative_to(root):
        return None
    return "/".join((RESULTS_ROUTE, name, *(quote(os.fsencode(part)) for part in file.relative_to(root).parts)))
