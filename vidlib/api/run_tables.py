"""Runs of the history as tables: their steps with progress, and their log, also while they run."""

import time
from typing import TYPE_CHECKING

from vidlib.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

STEP_COLUMNS = ["video", "step", "status", "progress", "remaining_s", "reason", "error"]
LINE_COLUMNS = ["at", "level", "text", "video", "step"]


def step_table(settings: Settings, run_id: str) -> "pd.DataFrame":
    """A row for each step of each video of a run, in the order of the plan."""
    import pandas as pd

    from vidlib.runner import queries
    from vidlib.runner.run_progress import measure, read_forecast

    with queries.opened(settings) as history:
        run, tasks = history.run(run_id), history.tasks(run_id)
        progress = measure(tasks, read_forecast(history, run), time.time()).tasks
    rows = [
        (
            task.label,
            task.step,
            task.status,
            progress[task.id].fraction,
            progress[task.id].remaining_s,
            task.reason,
            task.error,
        )
        for task in tasks
    ]
    return pd.DataFrame(rows, columns=STEP_COLUMNS)


def log_table(settings: Settings, run_id: str, video: str | None, step: str | None) -> "pd.DataFrame":
    """A row for each line in the log of a run, or of one ``video`` or ``step`` of it."""
    import pandas as pd

    from vidlib.runner import logs, queries

    with queries.opened(settings) as history:
        lines = list(logs.all_lines(history, settings.runs, run_id, video, step))
    rows = pd.DataFrame(lines, columns=LINE_COLUMNS)
    return rows.assign(at=pd.to_datetime(rows["at"], unit="s", utc=True))
