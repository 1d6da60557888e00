"""The history of runs: requests, tasks and events. Only the modules of `store` and `downloads.store` contain SQL."""

import math
import secrets
import time
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from pathlib import Path, PurePath
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from vidlib.errors import LeaseLost, UsageError
from vidlib.runner.store import identity
from vidlib.runner.store.database import Database, changed_rows
from vidlib.runner.store.models import ACTIVE, Event, Project, Run, Task, Video

STOPPED_BY_SIGNAL = "stopped by a signal; to go on: vidlib resume"
"""The reason of a run that a signal stopped. A run that a person cancelled has no reason."""

NOTICE = "notice"
"""The level of an event that a run tells people at its end."""


CANCELLED = "stopped as asked"
"""Why a task was cancelled."""

CLOSED = {
    "cancelled": CANCELLED,
    "skipped": "the run ended before it began",
    "interrupted": "the process of the run is gone",
}
"""``{status: why a task has it that had not ended when its run was closed}``."""


class FinishedStep(NamedTuple):
    """A task that left a result in ``folder``, with the columns of `Task` that say of what."""

    run_id: str
    step: str
    project: str
    label: str
    sha256: str
    stem: str
    folder: str


class History(Database):
    """Reads and changes the database; each method is a transaction of its own."""

    def start_run(
        self, paths: Sequence[Path | str], params: dict[str, Any], asked: dict[str, Any] | None = None
    ) -> Run:
        """Create a run that belongs to this process."""
        now = time.time()
        run = Run(
            id=f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime(now))}-{secrets.token_hex(4)}",
            status="running",
            paths=[str(path) for path in paths],
            params=params,
            asked=asked or {},
            owner=identity.this_process(),
            heartbeat_at=now,
            started_at=now,
        )
        with self.writing() as session:
            session.add(run)
        return run

    def take_run(self, run_id: str, task_ids: Collection[int] | None = None) -> Run:
        """Let this process continue a run that has ended; its unfinished tasks wait again, or those in ``task_ids``.

        Raises UsageError for an unknown run, and for one that a living process drives.
        """
        self.run(run_id)
        with self.writing() as session:
            run = session.get_one(Run, run_id, with_for_update=True)
            if run.status == "running" and identity.alive(run.owner, run.heartbeat_at):
                raise UsageError(f"run {run_id} is running already, in process {identity.pid_of(run.owner)}")
            run.status, run.owner, run.heartbeat_at = "running", identity.this_process(), time.time()
            run.finished_at, run.error, run.cancel_requested = None, None, False
            # these depend on all other tasks of a video, which may end otherwise this time
            unfinished = or_(Task.status != "done", Task.step.in_(("finalize", "report")))
            _let_wait(session, run_id, unfinished if task_ids is None else Task.id.in_(task_ids))
            # a delivery that could not be taken up has no content yet, and is taken up anew
            session.execute(delete(Task).where(Task.run_id == run_id, Task.status == "waiting", Task.sha256 == ""))
        return run

    def requeue_tasks(self, run_id: str, task_ids: Collection[int]) -> bool:
        """Let ended tasks of a run wait again; returns False, without a change, unless a living process drives it."""
        with self.writing() as session:
            run = session.get_one(Run, run_id, with_for_update=True)
            if run.status != "running" or not identity.alive(run.owner, run.heartbeat_at):
                return False
            _let_wait(session, run_id, Task.id.in_(task_ids) & Task.status.not_in(ACTIVE))
        return True

    def finish_run(self, run_id: str, status: str, error: str | None = None) -> str | None:
        """Close a run of this process and return its final status; None if it is not this process' run any more.

        A run without an ``error`` ends as cancelled, whatever ``status`` says, if somebody asked it to stop before now.
        Its unfinished tasks become cancelled too. Those of any other run become skipped.
        """
        with self.writing() as session:
            run = session.get(Run, run_id, with_for_update=True)
            if run is None or not _is_own(run):
                return None
            run.status = "cancelled" if run.cancel_requested and not error else status
            run.error, run.finished_at = error or run.error, time.time()
            _close_tasks(session, run_id, "cancelled" if run.status == "cancelled" else "skipped")
            return run.status

    def mark_interrupted(self) -> list[str]:
        """Close the runs whose process is dead, and return their ids."""
        with self.reading() as session:
            running = session.scalars(select(Run).where(Run.status == "running"))
            dead = [run for run in running if not identity.alive(run.owner, run.heartbeat_at)]
        for run in dead:
            with self.writing() as session:
                # unless another process resumed it meanwhile
                same = update(Run).where(Run.id == run.id, Run.owner == run.owner, Run.heartbeat_at == run.heartbeat_at)
                if changed_rows(session, same.values(status="interrupted", finished_at=time.time())):
                    _close_tasks(session, run.id, "interrupted")
        return [run.id for run in dead]

    def add_tasks(self, tasks: Sequence[Task]) -> list[Task]:
        """Add planned tasks, in order; raises LeaseLost if another process took their run over."""
        with self.writing() as session:
            for run_id in {task.run_id for task in tasks}:
                if not _is_own(session.get_one(Run, run_id, with_for_update=True)):
                    raise LeaseLost(f"run {run_id} belongs to another process now; see: vidlib status {run_id}")
            session.add_all(tasks)
        return list(tasks)

    def update_task(self, task_id: int, **values: Any) -> None:
        """Change some columns of a task."""
        with self.writing() as session:
            session.execute(update(Task).where(Task.id == task_id).values(**values))

    def add_event(
        self, run_id: str, message: str, level: str = "info", label: str | None = None, step: str | None = None
    ) -> None:
        """Add a line to the log of a run."""
        event = Event(run_id=run_id, at=time.time(), level=level, message=message, label=label, step=step)
        with self.writing() as session:
            session.add(event)

    def remember_project(self, sha256: str, name: str, source: Path) -> None:
        """Record the name of a project; a known project keeps its name."""
        self._add_once(Project(sha256=sha256, name=name, source=str(source), created_at=time.time()))

    def remember_video(self, sha256: str, path: Path, duration_s: float | None = None) -> None:
        """Record where a video was last seen."""
        seen = {"path": str(path), "name": path.name, "duration_s": duration_s}
        self._add_once(Video(sha256=sha256, first_seen_at=time.time(), **seen))
        with self.writing() as session:
            session.execute(update(Video).where(Video.sha256 == sha256).values(**seen))

    def _add_once(self, row: Project | Video) -> None:
        """Add a row unless it exists; if several processes try at the same moment, one of them adds it."""
        with suppress(IntegrityError), self.writing() as session:
            if session.get(type(row), row.sha256) is None:
                session.add(row)

    def request_cancel(
        self, run_id: str, video: str | None = None, step: str | None = None, source: str | None = None
    ) -> int:
        """Ask a run to stop, or only its tasks for a ``video`` or a ``step``; returns the number of tasks that stop.

        Two videos of a run may have the same name; ``source`` is the file of one of them.

        Raises UsageError for an unknown run, one that has ended, and one without unfinished tasks of that name.
        """
        if (run := self.run(run_id)).status != "running":
            raise UsageError(f"run {run_id} has ended already ({run.status}); see: vidlib status {run_id}")
        unfinished = update(Task).where(Task.run_id == run_id, Task.status.in_(ACTIVE))
        for column, value in ((Task.label, video), (Task.step, step), (Task.source, source)):
            unfinished = unfinished if value is None else unfinished.where(column == value)
        with self.writing() as session:
            if video is None and step is None:
                session.execute(
                    update(Run).where(Run.id == run_id, Run.status == "running").values(cancel_requested=True)
                )
            n_tasks = changed_rows(session, unfinished.values(cancel_requested=True))
        if not n_tasks and (video or step):
            raise UsageError(f"run {run_id} has nothing left to do for {video or step!r}; see: vidlib status {run_id}")
        return n_tasks

    def stop_run(self, run_id: str, reason: str | None = None) -> None:
        """Ask a run of this process to stop with all its tasks, for ``reason``; an earlier request keeps its reason."""
        own = update(Run).where(Run.id == run_id, Run.owner == identity.this_process(), Run.status == "running")
        unfinished = update(Task).where(Task.run_id == run_id, Task.status.in_(ACTIVE))
        with self.writing() as session:
            first = own.where(Run.cancel_requested.is_(False))
            if changed_rows(session, first.values(cancel_requested=True, error=reason)):
                session.execute(unfinished.values(cancel_requested=True))

    def cancel_requested(self, run_id: str) -> bool:
        with self.reading() as session:
            return bool(session.scalar(select(Run.cancel_requested).where(Run.id == run_id)))

    def run(self, run_id: str) -> Run:
        """One run; raises UsageError for an unknown one."""
        with self.reading() as session:
            if (run := session.get(Run, run_id)) is None:
                raise UsageError(f"there is no run {run_id!r}; see: vidlib status")
            return run

    def runs(self, limit: int = 20, status: str | None = None) -> list[Run]:
        """The last ``limit`` runs, newest first; only those with ``status`` if it is given."""
        newest = select(Run).order_by(Run.started_at.desc(), Run.id.desc()).limit(limit)
        with self.reading() as session:
            return list(session.scalars(newest if status is None else newest.where(Run.status == status)))

    def tasks(self, run_id: str) -> list[Task]:
        """The tasks of a run, in the order of the plan."""
        with self.reading() as session:
            return list(session.scalars(select(Task).where(Task.run_id == run_id).order_by(Task.id)))

    def tasks_by_id(self, ids: Collection[int]) -> list[Task]:
        """The present state of the tasks with these ids."""
        with self.reading() as session:
            return list(session.scalars(select(Task).where(Task.id.in_(ids)).order_by(Task.id)))

    def waiting(self, run_id: str) -> dict[int, bool]:
        """The ids of the waiting tasks of a run, each with whether somebody cancelled it."""
        waiting = select(Task.id, Task.cancel_requested).where(Task.run_id == run_id, Task.status == "waiting")
        with self.reading() as session:
            return {task.id: task.cancel_requested for task in session.execute(waiting)}

    def reports(self, name: str) -> list[Task]:
        """The finished report tasks of a run (by id) or of a video, newest first.

        A video is known by its name, with or without the suffix, and by the start of its SHA-256.
        """
        begins = (Task.sha256.startswith(name, autoescape=True), Task.label.startswith(f"{name}.", autoescape=True))
        named = or_(Task.run_id == name, Task.label == name, *begins)
        done = select(Task).where(Task.step == "report", Task.status == "done", named)
        with self.reading() as session:
            found = list(session.scalars(done.order_by(Task.id.desc())))
        return [task for task in found if not task.label.startswith(f"{name}.") or PurePath(task.label).stem == name]

    def complete_runs(self, sha256: str, steps: Collection[str]) -> list[str]:
        """The runs, newest first, in which all ``steps`` of a video are done; not those that made a variant."""
        done = (Task.sha256 == sha256, Task.status == "done", Task.step.in_(list(steps)))
        runs = select(Run.id).join(Task, Task.run_id == Run.id).where(*done, _makes_no_variant()).group_by(Run.id)
        complete = runs.having(func.count(Task.step.distinct()) == len(steps)).order_by(func.max(Task.id).desc())
        with self.reading() as session:
            return list(session.scalars(complete))

    def results(
        self, steps: Iterable[str], *, sha256: str | None = None, run_id: str | None = None, variants: bool = False
    ) -> list[Task]:
        """The tasks of these ``steps`` that left a result, newest first; only those of a video or a run, if given.

        Tasks of runs that made a variant are left out, unless ``variants`` or their run is asked for.
        """
        wanted = select(Task).where(*_left_a_result(steps))
        if not variants and run_id is None:
            wanted = wanted.join(Run, Run.id == Task.run_id).where(_makes_no_variant())
        for column, value in ((Task.sha256, sha256), (Task.run_id, run_id)):
            wanted = wanted if value is None else wanted.where(column == value)
        with self.reading() as session:
            return list(session.scalars(wanted.order_by(Task.id.desc())))

    def finished_steps(self, steps: Iterable[str], sha256: str | None = None) -> list[FinishedStep]:
        """As `results`, of all videos or of one, without what only the scheduler needs, and so faster."""
        columns = [getattr(Task, name) for name in FinishedStep._fields]
        wanted = select(*columns).join(Run, Run.id == Task.run_id).where(*_left_a_result(steps), _makes_no_variant())
        wanted = wanted if sha256 is None else wanted.where(Task.sha256 == sha256)
        with self.reading() as session:
            return [FinishedStep(*row) for row in session.execute(wanted.order_by(Task.id.desc()))]

    def videos(self) -> list[Video]:
        """Every video that was ever taken up, by name."""
        with self.reading() as session:
            return list(session.scalars(select(Video).order_by(Video.name, Video.sha256)))

    def notices(self, run_id: str) -> list[str]:
        """What a run tells people at its end, each notice once, in order."""
        notices = select(Event.message).where(Event.run_id == run_id, Event.level == NOTICE).order_by(Event.id)
        with self.reading() as session:
            return list(dict.fromkeys(session.scalars(notices)))

    def events(self, run_id: str, limit: int = 100) -> list[Event]:
        """The last ``limit`` events of a run, oldest first."""
        newest = select(Event).where(Event.run_id == run_id).order_by(Event.id.desc()).limit(limit)
        with self.reading() as session:
            return list(session.scalars(newest))[::-1]

    def events_after(self, run_id: str, event_id: int, limit: int = 1000) -> list[Event]:
        """The next ``limit`` events of a run after the event ``event_id``, oldest first."""
        following = select(Event).where(Event.run_id == run_id, Event.id > event_id).order_by(Event.id).limit(limit)
        with self.reading() as session:
            return list(session.scalars(following))

    def has_content(self, sha256: str) -> bool:
        """Whether any run had a task for this content."""
        with self.reading() as session:
            return session.scalar(select(Task.id).where(Task.sha256 == sha256).limit(1)) is not None

    def lengths_s(self, run_id: str) -> dict[str, float | None]:
        """The lengths in seconds of the videos of a run, by their SHA-256; None for a file without a length."""
        videos = select(Video.sha256, Video.duration_s).where(
            Video.sha256.in_(select(Task.sha256).where(Task.run_id == run_id))
        )
        with self.reading() as session:
            return {video.sha256: video.duration_s for video in session.execute(videos)}

    def mean_durations(
        self, steps: Iterable[str], host: str, before: float = math.inf
    ) -> dict[str, tuple[float | None, float]]:
        """The mean durations of steps on ``host``, as ``{step: (seconds per second of video, seconds)}``.

        The first value is None for a step that only ran for files without a length. Only tasks that ended ``before``
        (seconds since 1970) count.
        """
        took = Task.finished_at - Task.started_at
        ran = (Task.status == "done", Task.cached.is_(False), Task.step.in_(list(steps)), Task.worker.startswith(host))
        rows = (
            select(Task.step, func.avg(took), func.sum(took).filter(Video.duration_s > 0), func.sum(Video.duration_s))
            .outerjoin(Video, Video.sha256 == Task.sha256)
            .where(*ran, *([] if before == math.inf else [Task.finished_at < before]))
            .group_by(Task.step)
        )
        with self.reading() as session:
            means = session.execute(rows).all()
        return {step: (of_videos / length_s if length_s else None, mean) for step, mean, of_videos, length_s in means}


def _left_a_result(steps: Iterable[str]) -> tuple[ColumnElement[bool], ...]:
    return Task.step.in_(list(steps)), Task.status == "done", Task.folder.is_not(None)


def _makes_no_variant() -> ColumnElement[bool]:
    # runs of earlier versions have no such key, which gives NULL as well
    return Run.asked["variant"].as_string().is_(None)


def _is_own(run: Run) -> bool:
    """Whether this process drives ``run``; another one may have taken it over or marked it as interrupted."""
    return run.owner == identity.this_process() and run.status == "running"


def _let_wait(session: Session, run_id: str, chosen: ColumnElement[bool]) -> None:
    """Let ``chosen`` tasks of a run wait as if they had never begun."""
    first = {"status": "waiting", "not_before": 0.0, "attempt": 0, "cancel_requested": False, "progress": 0.0}
    of_attempt = ("reason", "error", "error_type", "folder", "worker", "work_done", "work_total")
    empty = dict.fromkeys((*of_attempt, "started_at", "finished_at"))
    session.execute(update(Task).where(Task.run_id == run_id, chosen).values(**first, **empty, cached=False))


def _close_tasks(session: Session, run_id: str, status: str) -> None:
    unfinished = update(Task).where(Task.run_id == run_id, Task.status.in_(ACTIVE))
    session.execute(unfinished.values(status=status, reason=CLOSED[status], finished_at=time.time()))
