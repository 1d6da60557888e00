"""An executor that does what a test orders, in the place of kernels, and the runs that it executes."""

import time
from collections.abc import Callable, Collection
from pathlib import Path

from vidlib.params import read_params
from vidlib.runner.pipeline import RunOptions, run
from vidlib.runner.request import Request
from vidlib.runner.run_result import RunResult
from vidlib.runner.scheduling.allocation import Capacity
from vidlib.runner.store import queue
from vidlib.runner.store.models import Task
from vidlib.runner.store.runs import History
from vidlib.settings import Settings
from vidlib.steps import PARAMS


class OrderedExecutor:
    """One worker slot that does each task at once, inside `submit`, as ``work`` says; by default it succeeds."""

    def __init__(self, history: History):
        self.history = history
        self.work: Callable[[Task], None] = self.succeed
        self.at_close: Callable[[], None] = lambda: None
        self.back: list[int] = []

    def capacity(self) -> Capacity:
        return Capacity(1, 1, 1, 0)

    def submit(self, task_id: int, n_cores: int, gpu: bool) -> None:
        (task,) = self.history.tasks_by_id([task_id])
        self.back.append(task_id)
        self.work(task)

    def returned(self, timeout_s: float) -> list[int]:
        return list(self.back)

    def succeed(self, task: Task) -> None:
        if queue.claim(self.history, task.id):
            queue.finish(self.history, task.id, status="done", folder="nowhere", finished_at=time.time())

    def cancel_run(self, task: Task) -> None:
        """Somebody cancels the run while the task works, and the task sees it before the run does."""
        queue.claim(self.history, task.id)
        self.history.request_cancel(task.run_id)
        assert queue.heartbeat(self.history, task.id) == "cancel"
        queue.finish(self.history, task.id, status="cancelled")


def start(
    settings: Settings,
    tmp_path: Path,
    n_videos: int = 1,
    options: RunOptions | None = None,
    steps: Collection[str] = ("convert",),
) -> RunResult:
    """Run some ``steps`` of ``n_videos`` files."""
    videos = [tmp_path / f"clip {number}.mp4" for number in range(n_videos)]
    for video in videos:
        video.write_bytes(video.name.encode())
    request = Request(videos, read_params(PARAMS), frozenset(steps))
    return run(request, settings, options or RunOptions())
