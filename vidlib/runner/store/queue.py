"""The queue in the history: who does which task now, and who may publish which result.

A task is taken by one process, which gives signs of life until it is done. A result (a step's folder) is made under a
lease with a fencing number: of two runs that want the same, one makes it and the other waits; whoever was taken for
dead and comes back late holds an older number, and publishes nothing.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from vidlib.errors import LeaseLost
from vidlib.runner.store import identity
from vidlib.runner.store.models import Lease, Run, Task
from vidlib.runner.store.runs import History

Order = Literal["go on", "cancel", "lost"]
"""What whoever does a task is told when it gives a sign of life."""


CANCELLED = "stopped as asked"
"""Why a task was cancelled that nobody had begun."""


@dataclass(frozen=True)
class Held:
    """A lease that this process holds: for which result, under which fencing number."""

    key: str
    fence: int


def claim(history: History, task_id: int) -> Task | None:
    """Take a task that waits, or whose worker is dead; None if there is nothing to take.

    A task that somebody asked to stop, alone or with its run, is not taken but ends as cancelled.
    """
    with history.writing() as session:
        task = session.get(Task, task_id, with_for_update=True)
        if task is None or not (task.status == "waiting" or is_lost(task)):
            return None
        if task.cancel_requested or session.get(Run, task.run_id).cancel_requested:
            task.status, task.reason, task.finished_at = "cancelled", CANCELLED, time.time()
            return None
        task.status, task.worker, task.beat_at = "running", identity.me(), time.time()
        task.started_at, task.attempt = time.time(), task.attempt + 1
        task.error = task.kind = task.work_done = task.work_total = None
        task.progress = 0.0
        return task


def is_lost(task: Task) -> bool:
    """Whether a task is said to run, but its worker is dead."""
    return task.status == "running" and not identity.alive(task.worker, task.beat_at)


def beat_run(history: History, run_id: str) -> Order:
    """Give a sign of life for a run of this process."""
    mine = update(Run).where(Run.id == run_id, Run.owner == identity.me(), Run.status == "running")
    with history.writing() as session:
        if not session.execute(mine.values(beat_at=time.time())).rowcount:
            return "lost"
        return "cancel" if session.scalar(select(Run.cancel_requested).where(Run.id == run_id)) else "go on"


def beat(history: History, task_id: int, held: Held | None = None, **progress: Any) -> Order:
    """Give a sign of life for a task of this process and its lease, with its ``progress`` (columns of the task)."""
    me, now = identity.me(), time.time()
    mine = update(Task).where(Task.id == task_id, Task.worker == me, Task.status == "running")
    with history.writing() as session:
        if not session.execute(mine.values(beat_at=now, **progress)).rowcount:
            return "lost"
        if held and not session.execute(_held(held).values(beat_at=now)).rowcount:
            return "lost"
        asked = select(Task.cancel_requested, Run.cancel_requested).join(Run, Run.id == Task.run_id)
        return "cancel" if any(session.execute(asked.where(Task.id == task_id)).one()) else "go on"


def settle(history: History, task_id: int, **values: Any) -> bool:
    """Write down how a task of this process ended; False, and nothing is written, if it is this process' no more."""
    mine = update(Task).where(Task.id == task_id, Task.worker == identity.me(), Task.status == "running")
    with history.writing() as session:
        return bool(session.execute(mine.values(**values)).rowcount)


def leave_out(history: History, task_id: int, status: str, reason: str) -> None:
    """End a task that nobody has begun; one that somebody has is left alone."""
    waiting = update(Task).where(Task.id == task_id, Task.status == "waiting")
    with history.writing() as session:
        session.execute(waiting.values(status=status, reason=reason, finished_at=time.time()))


def take_back(history: History, task: Task, **values: Any) -> bool:
    """Change a task whose worker is dead; False, and nothing is written, if that worker gave a sign of life since."""
    same = update(Task).where(Task.id == task.id, Task.status == "running", Task.worker == task.worker)
    with history.writing() as session:
        return bool(session.execute(same.where(Task.beat_at == task.beat_at).values(**values)).rowcount)


def take_lease(history: History, key: str) -> Held | None:
    """The right to make the result ``key``; None while somebody else who is alive has it."""
    me, now = identity.me(), time.time()
    try:
        with history.writing() as session:
            lease = session.get(Lease, key, with_for_update=True)
            if lease is None:
                session.add(lease := Lease(key=key, fence=0))
            elif lease.owner and identity.alive(lease.owner, lease.beat_at):
                return None
            lease.fence, lease.owner, lease.beat_at = lease.fence + 1, me, now
            return Held(key, lease.fence)
    except IntegrityError:  # somebody else added the same row at this moment
        return None


def release(history: History, held: Held) -> None:
    """Give a lease back; one that was lost is not touched."""
    with history.writing() as session:
        session.execute(_held(held).values(owner=None))


@contextmanager
def publishing(history: History, held: Held) -> Iterator[None]:
    """While the block runs nobody can take the lease; raises LeaseLost if somebody has."""
    with history.writing() as session:
        # an update, so that the row is locked until the block has ended
        if not session.execute(_held(held).values(beat_at=time.time())).rowcount:
            raise LeaseLost(f"{held.key}: another process took over, this one gave no sign of life for too long")
        yield


def leased(history: History, key: str) -> bool:
    """Whether somebody who is alive makes the result ``key`` now."""
    with history.reading() as session:
        lease = session.get(Lease, key)
        return lease is not None and lease.owner is not None and identity.alive(lease.owner, lease.beat_at)


def _held(held: Held) -> Any:
    return update(Lease).where(Lease.key == held.key, Lease.fence == held.fence, Lease.owner == identity.me())
