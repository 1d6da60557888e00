"""The tasks of one run: which may begin now, which never will."""

from collections.abc import Iterable, Iterator

from vidlib.runner.store.models import ACTIVE, Task
from vidlib.steps import STEPS, VIDEO_STEPS


class Agenda:
    """The tasks of a run as they were last seen, by number."""

    def __init__(self) -> None:
        self.tasks: dict[int, Task] = {}
        self._of_video: dict[tuple[str, str], dict[str, Task]] = {}
        self._of_delivery: dict[str, dict[int, Task]] = {}
        self._finalize: dict[str, Task] = {}

    def put(self, tasks: Iterable[Task]) -> None:
        """Add tasks, or what became of them."""
        for task in tasks:
            self.tasks[task.id] = task
            self._of_delivery.setdefault(task.origin, {})[task.id] = task
            self._of_video.setdefault((task.origin, task.source), {})[task.step] = task
            if task.step == "finalize":
                self._finalize[task.origin] = task

    def knows(self, origin: str) -> bool:
        """Whether the path ``origin`` was taken up."""
        return origin in self._of_delivery

    def unfinished(self) -> bool:
        return any(task.status in ACTIVE for task in self.tasks.values())

    def arrived(self) -> list[Task]:
        """Downloads that are done and whose files have no tasks yet."""
        return self._done_alone("download", {"download"})

    def unpacked(self) -> list[Task]:
        """Archives that are unpacked and whose videos have no tasks yet."""
        return self._done_alone("extract", {"download", "extract"})

    def _done_alone(self, step: str, arrival: set[str]) -> list[Task]:
        """The tasks for ``step`` that are done, of deliveries that have none but those for their ``arrival``."""
        done = (task for task in self.tasks.values() if task.step == step and task.status == "done")
        return [task for task in done if {other.step for other in self._of_delivery[task.origin].values()} <= arrival]

    def ready(self, now: float) -> list[Task]:
        """The tasks that may begin at ``now``, in the order in which they were planned."""
        waiting = (task for task in self.tasks.values() if task.status == "waiting" and task.not_before <= now)
        return [task for task in waiting if self._may_begin(task)]

    def next_at(self) -> float | None:
        """When the next task that is tried again may begin; None if nothing waits for its time."""
        times = [task.not_before for task in self.tasks.values() if task.status == "waiting" and task.not_before]
        return min(times, default=None)

    def hopeless(self) -> Iterator[tuple[Task, str]]:
        """Tasks that wait for something that failed, and why they never begin."""
        for task in self.tasks.values():
            if task.status == "waiting" and task.step in VIDEO_STEPS:
                for needed in self._needed(task):
                    if needed.status not in (*ACTIVE, "done"):
                        yield task, f"it needs what {needed.step} was to leave"
                        break

    def _may_begin(self, task: Task) -> bool:
        if task.step in VIDEO_STEPS:
            return all(needed.status == "done" for needed in self._needed(task))
        return all(before.status not in ACTIVE for before in self._before(task))

    def _needed(self, task: Task) -> list[Task]:
        of_video = self._of_video[task.origin, task.source]
        return [of_video[step] for step in STEPS[task.step].needs]

    def _before(self, task: Task) -> list[Task]:
        """What has to be over, however it ended, before a project is delivered or a report written."""
        if task.step == "finalize":
            return [other for other in self._of_delivery[task.origin].values() if other.step in VIDEO_STEPS]
        if task.step == "report":
            own = [other for other in self._of_video[task.origin, task.source].values() if other.step in VIDEO_STEPS]
            return [*own, self._finalize[task.origin]] if task.origin in self._finalize else own
        return []
