"""The queue in the history: which process executes which task, and which one may publish which result.

A process claims a task and sends heartbeats until the task ends. A result (the folder of a step) is made under a lease
with a fencing number. If two runs need the same result, one makes it and the other waits. A process that was taken for
dead and comes back late has an older number, and publishes nothing.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Update, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from vidlib.errors import LeaseLost
from vidlib.runner.store import identity
from vidlib.runner.store.database import changed_rows
from vidlib.runner.store.models import Lease, Run, Task
from vidlib.runner.store.runs import CANCELLED, History

Reply = Literal["continue", "cancel", "lost"]
"""The reply to a heartbeat: go on, stop because somebody asked for it, or stop because another process took over."""


@dataclass(frozen=True)
class HeldLease:
    """A lease of this process: the ``key`` of the result and the fencing number."""

    key: str
    fence: int


def renew(session: Session, own_row: Update, **values: Any) -> bool:
    """Set the heartbeat of a row of this process, with further ``values`` of its columns.

    ``own_row`` is an update of the row as long as this process owns it. Returns False if it does not any more.
    """
    return bool(changed_rows(session, own_row.values(heartbeat_at=time.time(), **values)))


def heartbeat_run(history: History, run_id: str) -> Reply:
    """Send a heartbeat for a run of this process."""
    own_run = update(Run).where(Run.id == run_id, Run.owner == identity.this_process(), Run.status == "running")
    with history.writing() as session:
        if not renew(session, own_run):
            return "lost"
        return "cancel" if session.scalar(select(Run.cancel_requested).where(Run.id == run_id)) else "continue"


def heartbeat(history: History, task_id: int, lease: HeldLease | None = None, **progress: Any) -> Reply:
    """Send a heartbeat for a task of this process and for its lease, with its ``progress`` (columns of the task)."""
    with history.writing() as session:
        if not renew(session, _own_task(task_id), **progress):
            return "lost"
        if lease and not renew(session, _own_lease(lease)):
            return "lost"
        cancels = select(Task.cancel_requested, Run.cancel_requested).join(Run, Run.id == Task.run_id)
        return "cancel" if any(session.execute(cancels.where(Task.id == task_id)).one()) else "continue"


def claim(history: History, task_id: int) -> Task | None:
    """Begin a task that waits, or whose worker is dead; None if there is no such task.

    A task that was cancelled, alone or with its run, does not begin: it becomes cancelled.
    """
    with history.writing() as session:
        task = session.get(Task, task_id, with_for_update=True)
        if task is None or not (task.status == "waiting" or is_lost(task)):
            return None
        if task.cancel_requested or session.get_one(Run, task.run_id).cancel_requested:
            task.status, task.reason, task.finished_at = "cancelled", CANCELLED, time.time()
            return None
        task.status, task.worker, task.heartbeat_at = "running", identity.this_process(), time.time()
        task.started_at, task.attempt = time.time(), task.attempt + 1
        task.reason = task.error = task.error_type = task.work_done = task.work_total = None
        task.progress = 0.0
        return task


def is_lost(task: Task) -> bool:
    """Whether a running task belongs to a worker that is dead."""
    return task.status == "running" and not identity.alive(task.worker, task.heartbeat_at)


def finish(history: History, task_id: int, **values: Any) -> bool:
    """Record how a task of this process ended; returns False, without a change, if the process lost the task."""
    with history.writing() as session:
        return bool(changed_rows(session, _own_task(task_id).values(**values)))


def skip(history: History, task_id: int, status: str, reason: str) -> None:
    """End a task that waits with ``status``, skipped or cancelled. A task that has begun stays as it is."""
    waiting = update(Task).where(Task.id == task_id, Task.status == "waiting")
    with history.writing() as session:
        session.execute(waiting.values(status=status, reason=reason, finished_at=time.time()))


def requeue(history: History, task: Task, **values: Any) -> bool:
    """Change a task whose worker is dead; returns False and changes nothing if the worker sent a heartbeat since."""
    unchanged = update(Task).where(Task.id == task.id, Task.status == "running", Task.worker == task.worker)
    with history.writing() as session:
        return bool(changed_rows(session, unchanged.where(Task.heartbeat_at == task.heartbeat_at).values(**values)))


def acquire_lease(history: History, key: str) -> HeldLease | None:
    """The right to make the result ``key``; None while another living process has it."""
    try:
        with history.writing() as session:
            lease = session.get(Lease, key, with_for_update=True)
            if lease is None:
                session.add(lease := Lease(key=key, fence=0))
            elif lease.owner and identity.alive(lease.owner, lease.heartbeat_at):
                return None
            lease.fence, lease.owner, lease.heartbeat_at = lease.fence + 1, identity.this_process(), time.time()
            return HeldLease(key, lease.fence)
    except IntegrityError:  # another process added the same row at this moment
        return None


def release_lease(history: History, lease: HeldLease) -> None:
    """Give a lease back. A lease that was lost is not touched."""
    with history.writing() as session:
        session.execute(_own_lease(lease).values(owner=None))


@contextmanager
def publishing(history: History, lease: HeldLease) -> Iterator[None]:
    """Keep other processes from taking the lease while the block runs; raises LeaseLost if one has it already."""
    with history.writing() as session:
        # an update locks the row until the block ends
        if not renew(session, _own_lease(lease)):
            raise LeaseLost(f"{lease.key}: another process took over, because this one sent no heartbeat for too long")
        yield


def is_leased(history: History, key: str) -> bool:
    """Whether a living process makes the result ``key`` now."""
    with history.reading() as session:
        lease = session.get(Lease, key)
        return lease is not None and lease.owner is not None and identity.alive(lease.owner, lease.heartbeat_at)


def _own_task(task_id: int) -> Update:
    """An update of a task as long as this process executes it."""
    own = (Task.id == task_id, Task.worker == identity.this_process(), Task.status == "running")
    return update(Task).where(*own)


def _own_lease(lease: HeldLease) -> Update:
    """An update of a lease as long as this process holds it."""
    own = (Lease.key == lease.key, Lease.fence == lease.fence, Lease.owner == identity.this_process())
    return update(Lease).where(*own)
