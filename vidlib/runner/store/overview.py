"""Answers of the history for pages that show a part of many runs."""

from collections.abc import Collection

from sqlalchemy import func, select

from vidlib.runner.store.database import Database
from vidlib.runner.store.models import Run, Task

MAX_VARIABLES = 500
"""How many values one question may name; SQLite has a limit."""


def count_runs(history: Database) -> int:
    """The number of all runs."""
    with history.reading() as session:
        return session.scalar(select(func.count()).select_from(Run)) or 0


def runs_from(history: Database, start: int, n: int) -> list[Run]:
    """``n`` runs after the newest ``start``, newest first."""
    newest = select(Run).order_by(Run.started_at.desc(), Run.id.desc()).offset(start).limit(n)
    with history.reading() as session:
        return list(session.scalars(newest))


def last_runs_of(history: Database, origins: Collection[str]) -> dict[str, Run]:
    """The last run that took up each of these paths or links, by path or link; those that no run took up are not in."""
    found: dict[str, Run] = {}
    wanted = list(origins)
    with history.reading() as session:
        for first in range(0, len(wanted), MAX_VARIABLES):
            part = wanted[first : first + MAX_VARIABLES]
            newest = select(Task.origin, func.max(Task.id)).where(Task.origin.in_(part)).group_by(Task.origin)
            last = newest.subquery()
            rows = session.execute(
                select(last.c.origin, Run).join(Task, Task.id == last.c[1]).join(Run, Run.id == Task.run_id)
            )
            found |= {row[0]: row[1] for row in rows}
    return found
