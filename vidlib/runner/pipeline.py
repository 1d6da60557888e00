"""A run: takes up what was asked for, hands out whatever may begin to the lanes, and follows it to the end.

The truth is in the history. This process, which drives the run, may be killed at any instant: another one goes on from
what is written there (`resume`).
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from vidlib.errors import Cancelled, LeaseLost, UnknownName, VidlibError
from vidlib.runner import notifications, projects
from vidlib.runner.execution.executors import Lanes, open_lanes
from vidlib.runner.execution.heartbeat import repeating
from vidlib.runner.intake import Intake
from vidlib.runner.request import Request
from vidlib.runner.run_result import RunResult, result_of
from vidlib.runner.runlog import RunLog
from vidlib.runner.scheduling import allocation, retries
from vidlib.runner.scheduling.graph import Agenda
from vidlib.runner.sources import parse_source
from vidlib.runner.store import identity, queue
from vidlib.runner.store.identity import BEAT_S
from vidlib.runner.store.models import ACTIVE, Run, Task
from vidlib.runner.store.runs import History
from vidlib.settings import Settings
from vidlib.steps import STEPS

POLL_S = 0.5
UNHEARD_S = 5.0
"""Seconds after which a run ends whose history cannot be written: nothing of what it does would be known."""

STOPPED = "stopped by a signal; to go on: vidlib resume"
"""What is said of a run that nobody cancelled in the history."""

STOP_S = 30.0
"""Seconds that tasks have to end once they are told to; those that do not are left to the next run."""


@dataclass(frozen=True)
class Conditions:
    """How a run works: in ``jobs`` lanes of this machine, or on the cluster at ``scheduler`` (see `open_lanes`).

    ``listen`` is given each task whenever it changes; setting ``stop`` ends the run.
    """

    jobs: int | None = None
    scheduler: str | None = None
    listen: Callable[[Task], None] = lambda task: None
    stop: threading.Event = field(default_factory=threading.Event)


def run(request: Request, settings: Settings, conditions: Conditions | None = None) -> RunResult:
    """Do what ``request`` asks for and leave a report for every video; a video that fails does not stop the others.

    Raises UsageError for a path or a step that does not exist, before anything is done.
    """
    paths = [projects.check_path(path, settings) for path in request.paths]
    for name in request.steps - STEPS.keys():
        raise UnknownName("a step", name, STEPS)
    notifications.check(settings)
    with History(settings.database) as history:
        interrupted = history.mark_interrupted()
        params = {step: values.model_dump(mode="json") for step, values in request.params.of().items()}
        record = history.start_run(list(dict.fromkeys(paths)), params, request.as_json())
        for run_id in interrupted:
            history.add_event(record.id, f"run {run_id} was interrupted; what it finished is used again", "warning")
        return _driven(record, settings, history, conditions or Conditions())


def resume(run_id: str, settings: Settings, conditions: Conditions | None = None) -> RunResult:
    """Go on with a run that was interrupted or cancelled, or in which something failed.

    Raises UsageError for a run that nobody knows, or that goes on already.
    """
    notifications.check(settings)
    with History(settings.database) as history:
        record = history.take_run(run_id)
        history.add_event(run_id, "taken up again")
        return _driven(record, settings, history, conditions or Conditions())


def _driven(record: Run, settings: Settings, history: History, how: Conditions) -> RunResult:
    """Drive a run of this process to its end."""
    driver = Driver(record, settings, history, how)
    try:
        # the heartbeat goes on until the last lane is closed, which may take longer than the run is waited for
        with repeating(driver.beat, BEAT_S), open_lanes(settings, how.jobs, how.scheduler) as lanes:
            driver.drive(lanes)
    except Cancelled:
        pass
    except BaseException as problem:
        driver.break_off(f"{type(problem).__name__}: {problem}")
        raise
    return driver.finish()


class Driver:
    """Drives one run."""

    def __init__(self, record: Run, settings: Settings, history: History, how: Conditions):
        self.record, self.settings, self.history = record, settings, history
        self.listen, self.stop = how.listen, how.stop
        self.intake = Intake(record, Request.of(record), settings, history)
        self.log = RunLog(history, record.id, settings.runs / record.id)
        self.agenda = Agenda()
        self.in_flight: dict[int, allocation.Share] = {}
        self.order: queue.Order = "go on"
        self.waits = False
        self.unheard: tuple[float, VidlibError] | None = None

    def beat(self) -> None:
        """Give a sign of life, and keep what the history answered."""
        try:
            self.order = queue.beat_run(self.history, self.record.id)
            self.unheard = None
        except VidlibError as error:  # the next one may get through
            self.unheard = self.unheard or (time.monotonic(), error)

    def finish(self) -> RunResult:
        """Close a run that did not break off, and notify of it.

        What was asked to stop until this instant has ended as cancelled, whoever saw it first: a task, or this process.
        Raises LeaseLost where another process took the run over.
        """
        if self.stop.is_set():
            self.history.stop_run(self.record.id, STOPPED)
        status = self.history.finish_run(self.record.id, self._result().status)
        if status is None:
            raise self._lost()
        result = self._result(cancelled=status == "cancelled")
        self._notify(result)
        return result

    def break_off(self, error: str) -> None:
        """Close a run that an error ended, and notify of it; one that another process took over is left alone."""
        if self.history.finish_run(self.record.id, "failed", error):
            self._notify(self._result(), error)

    def _result(self, *, cancelled: bool = False) -> RunResult:
        return result_of(self.record, self.history.tasks(self.record.id), self.settings, cancelled=cancelled)

    def _notify(self, result: RunResult, error: str | None = None) -> None:
        """Write how the run ended into its log, and notify those who asked for it."""
        level = "error" if error else "info"
        self.history.add_event(self.record.id, f"run {self.record.id}: {error or result.status}", level)
        for problem in notifications.notify(notifications.payload(result, error), self.settings):
            self.history.add_event(self.record.id, problem, "warning")
        self.log.catch_up()

    def drive(self, lanes: Lanes) -> None:
        """Work until nothing is left to do. Raises Cancelled, or LeaseLost where another process took the run over."""
        try:
            self._drive(lanes)
        except BaseException:
            self._end_all(lanes)
            raise

    def _drive(self, lanes: Lanes) -> None:
        self._put(self.history.tasks(self.record.id))
        paths = deque(path for path in map(parse_source, self.record.paths) if not self.agenda.knows(str(path)))
        while paths or self.agenda.unfinished() or self.agenda.arrived() or self.agenda.unpacked():
            self._check_stopped()
            if paths:
                self._put(self.intake.accept(paths.popleft()))
            for download in self.agenda.arrived():
                self._put(self.intake.accept_download(download))
            for archive in self.agenda.unpacked():
                self._put(self.intake.accept_unpacked(archive))
            self._give_up_hopeless()
            self._hand_out(lanes, more_come=bool(paths))
            self._follow(lanes, 0.0 if paths else POLL_S)

    def _hand_out(self, lanes: Lanes, more_come: bool) -> None:
        """Give the lanes as much of what may begin as they have room for."""
        ready = [task for task in self.agenda.ready(time.time()) if task.id not in self.in_flight]
        if not ready:
            return
        room = lanes.room()
        if not room.lanes and not self.waits:
            self.history.add_event(self.record.id, "no worker is there; the run waits for one", "warning")
        self.waits = not room.lanes
        for share in allocation.divide(ready, room, list(self.in_flight.values()), more_come):
            self.in_flight[share.task_id] = share
            lanes.submit(share.task_id, share.cores, share.gpu)

    def _follow(self, lanes: Lanes, timeout_s: float) -> None:
        """Wait until something has happened, and see what."""
        given_back = lanes.ended(timeout_s)
        self._put(self.history.tasks_called([*self.in_flight, *self.history.to_cancel(self.record.id)]))
        for task_id in [*self.in_flight]:
            task = self.agenda.tasks[task_id]
            ours = task.status == "running" and task.worker == identity.me()
            if queue.is_lost(task) or (ours and task_id in given_back):  # it ended and could not say how
                self._take_back(task)
            if task.status not in ACTIVE or (task_id in given_back and task.status == "waiting"):
                del self.in_flight[task_id]
        for task in list(self.agenda.tasks.values()):
            if task.status == "waiting" and task.cancel_requested:
                self._end(task, "cancelled", "stopped as asked")
        self.log.catch_up()

    def _take_back(self, task: Task) -> None:
        """A task whose worker is dead waits again, or has failed if that happened too often."""
        delay = retries.delay_s("WorkerLost", task.attempt)
        what = f"its worker on {identity.host_of(task.worker)} is gone"
        again = {"status": "failed", "finished_at": time.time()} if delay is None else {"status": "waiting"}
        values = {**again, "error": what, "kind": "WorkerLost", "not_before": time.time() + (delay or 0)}
        if queue.take_back(self.history, task, **values):
            self.history.add_event(
                self.record.id, f"{task.subject}: {task.step}: {what}", "warning", task.subject, task.step
            )
        self.in_flight.pop(task.id, None)
        self._put(self.history.tasks_called([task.id]))

    def _give_up_hopeless(self) -> None:
        for task, why in list(self.agenda.hopeless()):
            self._end(task, "skipped", why)

    def _end(self, task: Task, status: str, reason: str) -> None:
        queue.leave_out(self.history, task.id, status, reason)
        self._put(self.history.tasks_called([task.id]))

    def _put(self, tasks: list[Task]) -> None:
        for task in tasks:
            before = self.agenda.tasks.get(task.id)
            self.agenda.put([task])
            if before is None or (before.status, before.progress) != (task.status, task.progress):
                self.listen(task)

    def _check_stopped(self) -> None:
        if self.order == "lost":
            raise self._lost()
        if (unheard := self.unheard) and time.monotonic() - unheard[0] > UNHEARD_S:
            raise unheard[1]
        if self.stop.is_set():
            self.history.stop_run(self.record.id, STOPPED)
        if self.order == "cancel" or self.stop.is_set():
            raise Cancelled

    def _lost(self) -> LeaseLost:
        return LeaseLost(f"run {self.record.id} belongs to another process now; see: vidlib status {self.record.id}")

    def _end_all(self, lanes: Lanes) -> None:
        """Have the lanes end what they do, and wait for it; what was taken over ends by itself."""
        until = time.monotonic() + STOP_S
        with suppress(VidlibError):  # the history may be the reason
            self.history.stop_run(self.record.id)
        while self.in_flight.keys() - lanes.ended(0.0) and time.monotonic() < until:
            lanes.ended(POLL_S)
        with suppress(VidlibError):
            self._put(self.history.tasks_called([*self.in_flight]))
