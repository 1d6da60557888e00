"""The tasks of one run as a graph: which of them may begin now, and which never will."""

from collections.abc import Iterable, Iterator

from vidlib.runner.store.models import ACTIVE, Task
from vidlib.steps import STEPS, VIDEO_STEPS


class TaskGraph:
    """The tasks of a run in their last known state, by id."""

    def __init__(self) -> None:
        self.tasks: dict[int, Task] = {}
        self._of_video: dict[tuple[str, str], dict[str, Task]] = {}
        self._of_delivery: dict[str, dict[int, Task]] = {}
        self._finalize: dict[str, Task] = {}

    def update(self, tasks: Iterable[Task]) -> None:
        """Add tasks, or replace them by their new state."""
        for task in tasks:
            self.tasks[task.id] = task
            self._of_delivery.setdefault(task.origin, {})[task.id] = task
            self._of_video.setdefault((task.origin, task.source), {})[task.step] = task
            if task.step == "finalize":
                self._finalize[task.origin] = task

    def has_delivery(self, origin: str) -> bool:
        """Whether there are tasks for the path or link ``origin`` of the request."""
        return origin in self._of_delivery

    def unfinished(self) -> bool:
        """Whether a task waits or runs, or a delivery has arrived whose next tasks are not planned yet."""
        active = any(task.status in ACTIVE for task in self.tasks.values())
        return active or bool(self.arrived() or self.unpacked())

    def arrived(self) -> list[Task]:
        """Finished downloads whose files have no tasks yet."""
        return self._last_planned("download", {"download"})

    def unpacked(self) -> list[Task]:
        """Unpacked archives whose videos have no tasks yet."""
        return self._last_planned("extract", {"download", "extract"})

    def _last_planned(self, step: str, arrival: set[str]) -> list[Task]:
        """The finished tasks for ``step`` of deliveries that have no tasks but those of their ``arrival``."""
        done = (task for task in self.tasks.values() if task.step == step and task.status == "done")
        return [task for task in done if {other.step for other in self._of_delivery[task.origin].values()} <= arrival]

    def ready(self, now: float) -> list[Task]:
        """The tasks that may begin at ``now`` (seconds since 1970), in the order of the plan."""
        waiting = (task for task in self.tasks.values() if task.status == "waiting" and task.not_before <= now)
        return [task for task in waiting if self._may_begin(task)]

    def blocked(self) -> Iterator[tuple[Task, str]]:
        """The waiting tasks that can never begin because an input will never exist, each with the reason."""
        for task in self.tasks.values():
            if task.status == "waiting" and task.step == "finalize" and self._has_no_finished_video(task):
                yield task, "no video of the delivery has finished, so there is nothing to deliver"
            if task.status == "waiting" and task.step in VIDEO_STEPS:
                for needed in self._needed(task):
                    if needed.status not in (*ACTIVE, "done"):
                        if needed.status == "cancelled":
                            yield task, f"its input is missing, because {needed.step} was cancelled"
                        else:
                            yield task, f"its input, the result of {needed.step}, is missing"
                        break

    def before(self, task: Task) -> list[Task]:
        """The tasks that have to end before ``task`` may begin."""
        return self._needed(task) if task.step in VIDEO_STEPS else self._earlier(task)

    def _may_begin(self, task: Task) -> bool:
        if task.step in VIDEO_STEPS:
            return all(needed.status == "done" for needed in self._needed(task))
        return all(earlier.status not in ACTIVE for earlier in self._earlier(task))

    def _has_no_finished_video(self, finalize: Task) -> bool:
        """Whether at least one step that it needs of every video in its delivery ended without a result."""
        needed = ("convert",) if finalize.params.get("deliver") == "videos" else VIDEO_STEPS
        tasks = [task for task in self._of_delivery[finalize.origin].values() if task.step in needed]
        failed = {task.source for task in tasks if task.status not in (*ACTIVE, "done")}
        return bool(tasks) and failed == {task.source for task in tasks}

    def all_needed(self, task: Task) -> list[Task]:
        """The tasks whose results ``task`` needs, directly or by way of others, in the order of the steps."""
        of_video = self._of_video[task.origin, task.source]
        needed = set(STEPS[task.step].needs)
        for step in reversed(VIDEO_STEPS):
            if step in needed:
                needed |= STEPS[step].needs
        return [of_video[step] for step in VIDEO_STEPS if step in needed and step in of_video]

    def _needed(self, task: Task) -> list[Task]:
        """The tasks whose results ``task`` reads."""
        of_video = self._of_video[task.origin, task.source]
        return [of_video[step] for step in STEPS[task.step].needs]

    def _earlier(self, task: Task) -> list[Task]:
        """The tasks that have to end, well or badly, before a project is delivered or a report is written."""
        if task.step == "finalize":
            return [other for other in self._of_delivery[task.origin].values() if other.step in VIDEO_STEPS]
        if task.step == "report":
            of_video = self._of_video[task.origin, task.source].values()
            steps = [other for other in of_video if other.step in VIDEO_STEPS]
            return [*steps, self._finalize[task.origin]] if task.origin in self._finalize else steps
        return []
