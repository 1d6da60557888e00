"""The history: what was asked, what ran, what came of it. Only this file, `queue` and `downloads` contain SQL."""

import secrets
import time
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.exc import IntegrityError

from vidlib.errors import LeaseLost, UsageError
from vidlib.runner.store import identity
from vidlib.runner.store.database import Database
from vidlib.runner.store.models import ACTIVE, Event, Project, Run, Task, Video


class History(Database):
    """Questions to the database and changes of it, each in a transaction of its own."""

    def start_run(self, paths: Sequence[Path], params: dict[str, Any], asked: dict[str, Any] | None = None) -> Run:
        """A new run that belongs to this process."""
        now = time.time()
        run = Run(
            id=f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime(now))}-{secrets.token_hex(2)}",
            status="running",
            paths=[str(path) for path in paths],
            params=params,
            asked=asked or {},
            owner=identity.me(),
            beat_at=now,
            started_at=now,
        )
        with self.writing() as session:
            session.add(run)
        return run

    def take_run(self, run_id: str) -> Run:
        """A run that is over, for this process to go on with: what is not done in it waits again.

        Raises UsageError for a run that nobody knows or that somebody who is alive drives.
        """
        self.run(run_id)
        with self.writing() as session:
            run = session.get(Run, run_id, with_for_update=True)
            if run.status == "running" and identity.alive(run.owner, run.beat_at):
                raise UsageError(f"run {run_id} goes on already, in process {identity.pid_of(run.owner)}")
            run.status, run.owner, run.beat_at = "running", identity.me(), time.time()
            run.finished_at, run.error, run.cancel_requested = None, None, False
            again = {"status": "waiting", "not_before": 0.0, "attempt": 0, "cancel_requested": False, "progress": 0.0}
            nothing = dict.fromkeys(("error", "kind", "worker", "started_at", "finished_at", "folder"))
            unfinished = update(Task).where(Task.run_id == run_id, Task.status != "done")
            session.execute(unfinished.values(**again, **nothing))
            # they tell of tasks that have changed since
            late = update(Task).where(Task.run_id == run_id, Task.step.in_(("finalize", "report")))
            session.execute(late.values(**again, **nothing, cached=False))
        return run

    def finish_run(self, run_id: str, status: str, error: str | None = None) -> str | None:
        """Close a run of this process and return its final status; None if the run is not this process' any more.

        A run without an ``error`` that somebody asked to stop until now ends as cancelled, whatever ``status`` says.
        Its unfinished tasks become cancelled too; those of any other run become skipped.
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
        """Close the runs whose process is gone; their ids."""
        with self.reading() as session:
            running = session.scalars(select(Run).where(Run.status == "running"))
            gone = [run for run in running if not identity.alive(run.owner, run.beat_at)]
        for run in gone:
            with self.writing() as session:
                # unless somebody goes on with it meanwhile
                same = update(Run).where(Run.id == run.id, Run.owner == run.owner, Run.beat_at == run.beat_at)
                if session.execute(same.values(status="interrupted", finished_at=time.time())).rowcount:
                    _close_tasks(session, run.id, "interrupted")
        return [run.id for run in gone]

    def add_tasks(self, tasks: Sequence[Task]) -> list[Task]:
        """Keep tasks that are to be done, in order; raises LeaseLost for a run that is not this process' any more."""
        with self.writing() as session:
            for run_id in {task.run_id for task in tasks}:
                if not _is_own(session.get(Run, run_id, with_for_update=True)):
                    raise LeaseLost(f"run {run_id} does not belong to this process any more; its tasks are not added")
            session.add_all(tasks)
        return list(tasks)

    def update_task(self, task_id: int, **values: Any) -> None:
        """Change some columns of a task."""
        with self.writing() as session:
            session.execute(update(Task).where(Task.id == task_id).values(**values))

    def add_event(
        self, run_id: str, message: str, level: str = "info", subject: str | None = None, step: str | None = None
    ) -> None:
        """Add a line to the log of a run."""
        event = Event(run_id=run_id, at=time.time(), level=level, message=message, subject=subject, step=step)
        with self.writing() as session:
            session.add(event)

    def remember_project(self, sha256: str, name: str, source: Path) -> None:
        """Keep what a project is called; one that is known keeps its name."""
        self._add_once(Project(sha256=sha256, name=name, source=str(source), created_at=time.time()))

    def remember_video(self, sha256: str, path: Path, duration_s: float | None = None) -> None:
        """Keep where a video was last seen."""
        seen = {"path": str(path), "name": path.name, "duration_s": duration_s}
        self._add_once(Video(sha256=sha256, first_seen_at=time.time(), **seen))
        with self.writing() as session:
            session.execute(update(Video).where(Video.sha256 == sha256).values(**seen))

    def _add_once(self, row: Project | Video) -> None:
        """Add a row unless it is there; of several processes that add it at the same moment, one does."""
        with suppress(IntegrityError), self.writing() as session:
            if session.get(type(row), row.sha256) is None:
                session.add(row)

    def request_cancel(self, run_id: str, subject: str | None = None, step: str | None = None) -> int:
        """Ask whoever works on a run to stop it, or only what concerns a ``subject`` or a ``step``; how many tasks.

        Raises UsageError for a run that nobody knows or that has ended, or where nothing of that name is left to be
        done.
        """
        if (run := self.run(run_id)).status != "running":
            raise UsageError(f"run {run_id} has ended already ({run.status}); see: vidlib status {run_id}")
        wanted = update(Task).where(Task.run_id == run_id, Task.status.in_(ACTIVE))
        for column, value in ((Task.subject, subject), (Task.step, step)):
            wanted = wanted if value is None else wanted.where(column == value)
        with self.writing() as session:
            if subject is None and step is None:
                session.execute(
                    update(Run).where(Run.id == run_id, Run.status == "running").values(cancel_requested=True)
                )
            n = session.execute(wanted.values(cancel_requested=True)).rowcount
        if not n and (subject or step):
            raise UsageError(
                f"run {run_id} has nothing left to do for {subject or step!r}; see: vidlib status {run_id}"
            )
        return n

    def stop_run(self, run_id: str, reason: str | None = None) -> None:
        """Stop a run of this process with all its tasks for ``reason``; one that a person cancelled keeps that."""
        own = update(Run).where(Run.id == run_id, Run.owner == identity.me(), Run.status == "running")
        unfinished = update(Task).where(Task.run_id == run_id, Task.status.in_(ACTIVE))
        with self.writing() as session:
            first = own.where(Run.cancel_requested.is_(False))
            if session.execute(first.values(cancel_requested=True, error=reason)).rowcount:
                session.execute(unfinished.values(cancel_requested=True))

    def cancel_requested(self, run_id: str) -> bool:
        with self.reading() as session:
            return bool(session.scalar(select(Run.cancel_requested).where(Run.id == run_id)))

    def run(self, run_id: str) -> Run:
        """One run; raises UsageError for one that nobody knows."""
        with self.reading() as session:
            if (run := session.get(Run, run_id)) is None:
                raise UsageError(f"there is no run {run_id!r}; see: vidlib status")
            return run

    def runs(self, limit: int = 20, status: str | None = None) -> list[Run]:
        """The newest runs first; only those in ``status``, if that is given."""
        wanted = select(Run).order_by(Run.started_at.desc(), Run.id.desc()).limit(limit)
        with self.reading() as session:
            return list(session.scalars(wanted if status is None else wanted.where(Run.status == status)))

    def tasks(self, run_id: str) -> list[Task]:
        """The tasks of a run, in the order in which they were planned."""
        with self.reading() as session:
            return list(session.scalars(select(Task).where(Task.run_id == run_id).order_by(Task.id)))

    def tasks_called(self, ids: Collection[int]) -> list[Task]:
        """The tasks with these numbers, as they are now."""
        with self.reading() as session:
            return list(session.scalars(select(Task).where(Task.id.in_(ids)).order_by(Task.id)))

    def to_cancel(self, run_id: str) -> list[int]:
        """The numbers of the tasks of a run that wait, and that somebody asked to leave out."""
        wanted = select(Task.id).where(Task.run_id == run_id, Task.status == "waiting", Task.cancel_requested)
        with self.reading() as session:
            return list(session.scalars(wanted))

    def reports(self, subject: str) -> list[Task]:
        """The finished report tasks of a run, or of a video by name or start of SHA-256; newest first."""
        is_it = or_(Task.run_id == subject, Task.subject == subject, Task.sha256.startswith(subject, autoescape=True))
        done = select(Task).where(Task.step == "report", Task.status == "done", is_it)
        with self.reading() as session:
            return list(session.scalars(done.order_by(Task.id.desc())))

    def events(self, run_id: str, limit: int = 100) -> list[Event]:
        """The last ``limit`` events of a run, oldest first."""
        newest = select(Event).where(Event.run_id == run_id).order_by(Event.id.desc()).limit(limit)
        with self.reading() as session:
            return list(session.scalars(newest))[::-1]

    def events_after(self, run_id: str, event_id: int, limit: int = 1000) -> list[Event]:
        """The next ``limit`` events of a run after the one with the number ``event_id``, oldest first."""
        following = select(Event).where(Event.run_id == run_id, Event.id > event_id).order_by(Event.id).limit(limit)
        with self.reading() as session:
            return list(session.scalars(following))

    def knows(self, sha256: str) -> bool:
        """Whether something with this content was ever taken up."""
        with self.reading() as session:
            return session.scalar(select(Task.id).where(Task.sha256 == sha256).limit(1)) is not None

    def paces(self, steps: Iterable[str], host: str) -> dict[str, tuple[float | None, float]]:
        """How long steps took on ``host``: ``{step: (seconds per second of video, seconds)}``, means of all that ran.

        The first is None for a step that was only ever done for what has no length.
        """
        took = Task.finished_at - Task.started_at
        ran = (Task.status == "done", Task.cached.is_(False), Task.step.in_(list(steps)), Task.worker.startswith(host))
        rows = (
            select(Task.step, func.avg(took), func.sum(took).filter(Video.duration_s > 0), func.sum(Video.duration_s))
            .outerjoin(Video, Video.sha256 == Task.sha256)
            .where(*ran)
            .group_by(Task.step)
        )
        with self.reading() as session:
            found = session.execute(rows).all()
        return {step: (of_films / films if films else None, mean) for step, mean, of_films, films in found}


def _is_own(run: Run) -> bool:
    """Whether this process drives ``run``: nobody took it over or declared it interrupted."""
    return run.owner == identity.me() and run.status == "running"


def _close_tasks(session: Any, run_id: str, status: str) -> None:
    left = update(Task).where(Task.run_id == run_id, Task.status.in_(ACTIVE))
    session.execute(left.values(status=status, finished_at=time.time()))
