"""How far a run is, and how long it still takes. Pure functions of its tasks and of the durations of earlier runs.

Each task counts with its expected duration, so that a bar moves evenly. A task that failed counts as far as it came:
only a run in which everything is done is at 100 %. The time that remains comes from a simulation: the tasks that are
left take the lanes of the run one after the other, in the order of the plan.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from heapq import heapify, heappop, heappush
from statistics import fmean

from vidlib.runner.scheduling.durations import Durations, Forecast, expected_s
from vidlib.runner.scheduling.graph import TaskGraph
from vidlib.runner.store import identity
from vidlib.runner.store.models import ACTIVE, Run, Task
from vidlib.runner.store.runs import History
from vidlib.settings import Settings
from vidlib.steps import STEPS

MEASURE_EVERY_S = 0.001
"""Seconds between two measurements for a display, for each task of the run; one takes a fiftieth of that time."""

Row = tuple[str, str, str, str]
"""Request, file, SHA-256 and label of a video, or of an archive: what the tasks of one row on a page have in common.

Two files may have the same content or the same name. Runs of the first versions name no request and no file.
"""


@dataclass(frozen=True)
class Progress:
    """The fraction of the work that is done, in [0, 1], and the seconds that it still takes; None: not known."""

    fraction: float
    remaining_s: float | None


@dataclass(frozen=True)
class RunProgress:
    """The progress of a run, of each of its rows (videos and archives), and of each task by its id.

    ``tasks_of`` has the tasks of each row, in the order of the steps.
    """

    run: Progress
    rows: Mapping[Row, Progress]
    tasks: Mapping[int, Progress]
    tasks_of: Mapping[Row, Sequence[Task]]

    def not_below(self, earlier: "RunProgress") -> "RunProgress":
        """This progress, but no fraction of the run or of a row less than ``earlier``.

        A fraction would become less when an archive turns out to hold many videos, or when a step begins again.
        """
        rows = {row: _not_below(progress, earlier.rows.get(row, progress)) for row, progress in self.rows.items()}
        return replace(self, run=_not_below(self.run, earlier.run), rows=rows)


class RunMeter:
    """Follows the progress of a run by its tasks as they change; ``read(run_id)`` gives the forecast of a run."""

    def __init__(self, read: Callable[[str], Forecast]):
        self._read = read
        self._tasks: dict[int, Task] = {}
        self._forecast: Forecast | None = None
        self._latest: RunProgress | None = None
        self._measured_at = 0.0

    def update(self, task: Task) -> None:
        """Take over the present state of a task."""
        if task.id not in self._tasks:
            self._forecast = None  # that of a new video is not known yet
        self._tasks[task.id] = task

    def due(self, now: float) -> bool:
        """Whether it is time to measure again; runs with thousands of tasks are measured less often."""
        return now - self._measured_at > MEASURE_EVERY_S * len(self._tasks)

    def measure(self, now: float) -> RunProgress:
        """The progress at ``now`` (seconds since 1970), never less than before."""
        self._measured_at = now
        tasks = [self._tasks[number] for number in sorted(self._tasks)]
        if self._forecast is None:
            self._forecast = self._read(tasks[0].run_id) if tasks else Forecast({}, {})
        progress = measure(tasks, self._forecast, now)
        self._latest = progress.not_below(self._latest) if self._latest else progress
        return self._latest


def forecast_from(settings: Settings, run_id: str) -> Forecast:
    """The forecast of a run in the history of ``settings``."""
    with History(settings.database) as history:
        return read_forecast(history, history.run(run_id))


def read_forecast(history: History, run: Run) -> Forecast:
    """What was known about the durations of a run when it began; its videos are those that are planned by now."""
    durations = history.mean_durations(STEPS, identity.host_of(run.owner), before=run.started_at)
    return Forecast(durations, history.lengths_s(run.id))


def measure(tasks: Sequence[Task], forecast: Forecast, now: float) -> RunProgress:
    """The progress of a run with these ``tasks`` at ``now`` (seconds since 1970)."""
    weights = _weights(tasks, forecast)
    remaining = _remaining(tasks, forecast, now)
    ends = _ends(tasks, remaining)

    def together(chosen: Sequence[Task]) -> Progress:
        active = [task.id for task in chosen if task.status in ACTIVE]
        known = all(number in ends for number in active)
        remaining_s = max((ends[number] for number in active), default=0.0) if known else None
        return Progress(_fraction(chosen, weights), remaining_s)

    tasks_of = by_row(tasks)
    return RunProgress(
        together(tasks),
        {row: together(of_row) for row, of_row in tasks_of.items()},
        {task.id: Progress(_part(task), remaining[task.id]) for task in tasks},
        tasks_of,
    )


def by_row(tasks: Iterable[Task]) -> dict[Row, list[Task]]:
    """The tasks of each archive or video in the order of the steps; tasks of a project go with its archive or video."""
    rows: dict[Row, list[Task]] = {}
    first: dict[tuple[str, str], Row] = {}
    for task in tasks:
        row = task.origin, task.source, task.sha256, task.label
        if task.step == "finalize":  # a project has the content hash of its archive or single video
            row = first.get((task.origin, task.sha256), row)
        first.setdefault((task.origin, task.sha256), row)
        rows.setdefault(row, []).append(task)
    order = list(STEPS)
    return {row: sorted(of_row, key=lambda task: order.index(task.step)) for row, of_row in rows.items()}


def _not_below(progress: Progress, earlier: Progress) -> Progress:
    return Progress(max(progress.fraction, earlier.fraction), progress.remaining_s)


def _part(task: Task) -> float:
    """How far a task is, in [0, 1]; one that did not succeed stays where it was."""
    return 1.0 if task.status == "done" else min(max(task.progress, 0.0), 1.0)


def _weights(tasks: Sequence[Task], forecast: Forecast) -> dict[int, float]:
    """The seconds that each task is expected to take; one whose result existed took none."""
    expected = {
        task.id: expected_s(task.step, forecast.lengths_s.get(task.sha256), forecast.durations) for task in tasks
    }
    known = [seconds for seconds in expected.values() if seconds]
    usual = fmean(known) if known else 1.0
    return {task.id: 0.0 if task.cached else expected[task.id] or usual for task in tasks}


def _fraction(tasks: Sequence[Task], weights: Mapping[int, float]) -> float:
    if all(task.status == "done" for task in tasks):
        return 1.0
    whole = sum(weights[task.id] for task in tasks)
    return sum(weights[task.id] * _part(task) for task in tasks) / whole if whole else 0.0


def _remaining(tasks: Sequence[Task], forecast: Forecast, now: float) -> dict[int, float | None]:
    """The seconds that each task still needs of its own; None where neither earlier runs nor this one tell."""
    here = _durations_of(tasks, forecast)
    found: dict[int, float | None] = {}
    for task in tasks:
        length_s = forecast.lengths_s.get(task.sha256)
        expected = expected_s(task.step, length_s, forecast.durations) or expected_s(task.step, length_s, here)
        found[task.id] = _remaining_of(task, expected, now) if task.status in ACTIVE else 0.0
    known = [seconds for task in tasks if task.status in ACTIVE and (seconds := found[task.id]) is not None]
    n_active = sum(task.status in ACTIVE for task in tasks)
    if 2 * len(known) >= n_active > 0:  # a few new steps leave no run without a time
        usual = fmean(known)
        return {number: usual if seconds is None else seconds for number, seconds in found.items()}
    return found


def _remaining_of(task: Task, expected: float | None, now: float) -> float | None:
    """The forecast counts at the beginning of a step, its own pace more and more as it goes on."""
    part, begun = _part(task), task.started_at if task.status == "running" else None
    if begun is None:
        return expected
    passed = max(0.0, now - begun)
    if not part:
        return None if expected is None else max(0.0, expected - passed)
    pace = passed / part
    whole = pace if expected is None else (1 - part) * expected + part * pace
    return (1 - part) * whole


def _durations_of(tasks: Sequence[Task], forecast: Forecast) -> Durations:
    """The mean durations of the steps of this run, in the form of `History.mean_durations`."""
    took: dict[str, list[tuple[float, float | None]]] = defaultdict(list)
    for task in tasks:
        if task.status == "done" and not task.cached and task.started_at is not None and task.finished_at:
            took[task.step].append((task.finished_at - task.started_at, forecast.lengths_s.get(task.sha256)))
    found = {}
    for step, pairs in took.items():
        with_length = [(seconds, length) for seconds, length in pairs if length]
        whole_s = sum(length for _, length in with_length)
        per_second = sum(seconds for seconds, _ in with_length) / whole_s if whole_s else None
        found[step] = per_second, fmean(seconds for seconds, _ in pairs)
    return found


def _ends(tasks: Sequence[Task], remaining: Mapping[int, float | None]) -> dict[int, float]:
    """In how many seconds each task ends, if as many lanes work as so far; nothing if a duration is not known."""
    left = [task for task in tasks if task.status in ACTIVE]
    seconds = {task.id: remaining[task.id] for task in left}
    if any(value is None for value in seconds.values()):
        return {}
    graph = TaskGraph()
    graph.update(tasks)
    after: dict[int, list[int]] = defaultdict(list)
    blocked: dict[int, int] = {}
    for task in left:
        before = [earlier.id for earlier in graph.before(task) if earlier.id in seconds]
        blocked[task.id] = len(before)
        for earlier in before:
            after[earlier].append(task.id)
    return _simulate(left, seconds, after, blocked, _lanes(tasks))


def _simulate(
    left: Sequence[Task],
    seconds: Mapping[int, float | None],
    after: Mapping[int, Sequence[int]],
    blocked: dict[int, int],
    lanes: int,
) -> dict[int, float]:
    """In how many seconds each task ends: free lanes take the tasks that may begin, in the order of the plan."""
    running = [(seconds[task.id] or 0.0, task.id) for task in left if task.status == "running"]
    ready = [task.id for task in left if task.status == "waiting" and not blocked[task.id]]
    heapify(running)
    heapify(ready)
    ends: dict[int, float] = {}
    now = 0.0
    while running or ready:
        while ready and len(running) < lanes:
            begun = heappop(ready)
            heappush(running, (now + (seconds[begun] or 0.0), begun))
        now, ended = heappop(running)
        ends[ended] = now
        for follower in after.get(ended, ()):
            blocked[follower] -= 1
            if not blocked[follower]:
                heappush(ready, follower)
    return ends


def _lanes(tasks: Sequence[Task]) -> int:
    """The most tasks of the run that ever worked at the same time; at least one."""
    changes: list[tuple[float, int]] = []
    for task in tasks:
        if task.started_at is not None:
            changes.append((task.started_at, 1))
            if task.status != "running" and task.finished_at is not None:
                changes.append((task.finished_at, -1))
    most = at_once = 0
    for _, change in sorted(changes):
        at_once += change
        most = max(most, at_once)
    return max(1, most)
