"""Chooses the tasks that wait again because a person asks for another attempt."""

from collections.abc import Iterable, Sequence

from vidlib.errors import UsageError, is_permanent
from vidlib.runner.scheduling.graph import TaskGraph
from vidlib.runner.store.models import ACTIVE, Task
from vidlib.steps import VIDEO_STEPS

UNFINISHED = ("failed", "refused", "skipped", "cancelled", "interrupted")
"""States of a task that ended without a result."""


def tasks_to_retry(tasks: Sequence[Task], video: str | None = None, step: str | None = None) -> list[Task]:
    """The tasks of a run that wait again if a person retries what failed; only those of a ``video`` or a ``step``.

    Without names these are all failed tasks. With names, cancelled, interrupted and skipped ones count too. Steps that
    were skipped because of them, the reports and the delivery follow. Raises UsageError, with the reason, if another
    attempt can help none of them.
    """
    chosen = _named(tasks, video, step)
    graph = TaskGraph()
    graph.update(tasks)
    reasons = {task.id: why_not(task, graph) for task in chosen}
    again = [task for task in chosen if reasons[task.id] is None]
    if not again:
        raise UsageError(f"{chosen[0].label}: {chosen[0].step}: {reasons[chosen[0].id]}")
    inputs = [needed for task in again for needed in graph.all_needed(task) if needed.status in UNFINISHED]
    retried = {task.id: task for task in (*again, *inputs)}
    for task in _skipped_because_of(retried, graph):
        retried[task.id] = task
    return [*retried.values(), *_dependents(retried.values(), tasks, retried)]


def why_not(task: Task, graph: TaskGraph) -> str | None:
    """Why a person cannot retry a task, as a sentence; None if another attempt may succeed."""
    if task.status in ACTIVE:
        return "it has not ended yet"
    if task.status == "done":
        return "it is done; to repeat it, use: vidlib run --force"
    for cause in (task, *graph.all_needed(task)):
        if cause.status == "refused" or is_permanent(cause.error_type):
            what = "it" if cause is task else f"its input {cause.step}"
            ended = "was refused" if cause.status == "refused" else "failed"
            start = "start a new run with another file or other parameters"
            return f"{what} {ended}: {cause.error}. Another attempt ends in the same way; {start}"
    return None


def _named(tasks: Sequence[Task], video: str | None, step: str | None) -> list[Task]:
    """The tasks to retry, as named; raises UsageError if there is none."""
    named = [task for task in tasks if video in (None, task.label) and step in (None, task.step)]
    what = " ".join(filter(None, (video, step)))
    if not named:
        labels = dict.fromkeys(task.label for task in tasks)
        raise UsageError(f"the run has no task for {what}; known: {', '.join(labels) or 'none'}")
    states = UNFINISHED if what else ("failed", "refused")
    if chosen := [task for task in named if task.status in states]:
        return chosen
    if what:
        return named
    raise UsageError("nothing failed in this run; to continue what was cancelled or interrupted, use: vidlib resume")


def _skipped_because_of(retried: dict[int, Task], graph: TaskGraph) -> list[Task]:
    """The skipped steps that need one of the ``retried`` tasks."""
    skipped = [task for task in graph.tasks.values() if task.status == "skipped" and task.step in VIDEO_STEPS]
    return [task for task in skipped if any(needed.id in retried for needed in graph.all_needed(task))]


def _dependents(retried: Iterable[Task], tasks: Sequence[Task], known: dict[int, Task]) -> list[Task]:
    """The reports and the deliveries of the ``retried`` tasks, which end otherwise this time."""
    videos = {(task.origin, task.source) for task in retried}
    origins = {origin for origin, _ in videos}
    found = [
        task
        for task in tasks
        if (task.step == "report" and (task.origin, task.source) in videos)
        or (task.step == "finalize" and task.origin in origins)
    ]
    if running := [task for task in found if task.status == "running"]:
        raise UsageError(f"{running[0].label}: {running[0].step} is running now; try again when it has ended")
    return [task for task in found if task.id not in known and task.status != "waiting"]
