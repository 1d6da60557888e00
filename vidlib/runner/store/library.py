"""All videos of the history, each with the state in which its newest run left it: the rows of lists and searches."""

from collections.abc import Collection
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, case, func, select, true

from vidlib.results.states import WORST
from vidlib.runner.store.models import ACTIVE, Run, Task
from vidlib.runner.store.runs import History

RANK = case({status: place for place, status in enumerate(WORST)}, value=Task.status)


class KnownVideo(NamedTuple):
    """One video, as the newest run that reports on it left it.

    ``report`` is the id of the task of its report in ``run``, and ``folder`` that of its result. ``at`` is the POSIX
    time at which it ended, else began; that of the run before it begins. ``state`` is one of
    `vidlib.results.states.OF_VIDEO`. A link or file that could not be read has no ``sha256``.
    """

    sha256: str
    name: str
    project: str
    source: str
    run: str
    report: int
    folder: str | None
    at: float
    state: str


class ReportTask(NamedTuple):
    """As much of the task of a report as the place of its page needs."""

    id: int
    run_id: str
    stem: str
    step: str


def known_videos(history: History) -> list[KnownVideo]:
    """Every video that a run reported on, in order of these reports. Runs that made a variant do not count."""
    variants = select(Run.id).where(Run.asked["variant"].as_string().is_not(None))
    content = func.coalesce(func.nullif(Task.sha256, ""), Task.source)
    reported = select(func.max(Task.id)).where(Task.step == "report", Task.run_id.not_in(variants)).group_by(content)
    unfinished = (
        select(Task.run_id, Task.source, func.min(RANK).label("rank"))
        .where(Task.status.in_(WORST))
        .group_by(Task.run_id, Task.source)
        .subquery()
    )
    state = case(
        *((unfinished.c.rank == place, status) for place, status in enumerate(WORST)),
        (Task.status.in_(ACTIVE), "running"),
        else_=Task.status,
    )
    at = func.coalesce(Task.finished_at, Task.started_at, Run.started_at)
    about = (Task.sha256, Task.label, Task.project, Task.source, Task.run_id, Task.id, Task.folder, at, state)
    same = (unfinished.c.run_id == Task.run_id) & (unfinished.c.source == Task.source)
    rows = (
        select(*about)
        .join(Run, Run.id == Task.run_id)
        .outerjoin(unfinished, same)
        .where(Task.id.in_(reported))
        .order_by(Task.id)
    )
    with history.reading() as session:
        return [KnownVideo(*row) for row in session.execute(rows)]


def problems(history: History, runs: Collection[str] | None = None) -> dict[tuple[str, str], str]:
    """The error that decides about the state of a video, by run and source; only of these ``runs``, if given."""
    unfinished = select(Task.run_id, Task.source, Task.error).where(Task.status.in_(WORST), _of(runs))
    with history.reading() as session:
        rows = session.execute(unfinished.order_by(RANK.desc(), Task.id.desc()))  # the last one of each stays
        return {(run, source): error or "" for run, source, error in rows}


def report_tasks(history: History, runs: Collection[str] | None = None) -> list[ReportTask]:
    """The tasks of all reports, in order; only of these ``runs``, if given."""
    columns = select(Task.id, Task.run_id, Task.stem, Task.step)
    rows = columns.where(Task.step == "report", _of(runs)).order_by(Task.id)
    with history.reading() as session:
        return [ReportTask(*row) for row in session.execute(rows)]


def _of(runs: Collection[str] | None) -> ColumnElement[bool]:
    return true() if runs is None else Task.run_id.in_(runs)


class ResultOfRun(NamedTuple):
    """The result of a video in one run; ``variant`` is None for the one beside the video."""

    run: str
    at: float
    variant: str | None
    params: dict[str, dict[str, Any]]
    folders: dict[str, str]


def results_of(history: History, sha256: str, steps: Collection[str]) -> list[ResultOfRun]:
    """The different results of a video with all of ``steps``, newest first; of equal ones, that of the newest run."""
    columns = select(Task.run_id, Run.started_at, Run.asked, Run.params, Task.step, Task.folder)
    done = columns.join(Run, Run.id == Task.run_id).where(Task.sha256 == sha256, Task.status == "done")
    rows = done.where(Task.step.in_(steps), Task.folder.is_not(None)).order_by(Run.started_at.desc(), Task.id)
    found: dict[str, ResultOfRun] = {}
    with history.reading() as session:
        for run, at, asked, params, step, folder in session.execute(rows):
            result = found.setdefault(run, ResultOfRun(run, at, asked.get("variant"), params, {}))
            result.folders[step] = folder
    complete = [result for result in found.values() if result.folders.keys() >= set(steps)]
    return list({tuple(sorted(result.folders.items())): result for result in reversed(complete)}.values())[::-1]


def with_steps(history: History, contents: Collection[str], steps: Collection[str]) -> set[str]:
    """Those of the videos with these SHA-256 of which some run finished each of ``steps``."""
    done = (Task.sha256.in_(contents), Task.status == "done", Task.step.in_(steps))
    rows = select(Task.sha256).where(*done).group_by(Task.sha256)
    with history.reading() as session:
        return set(session.scalars(rows.having(func.count(Task.step.distinct()) == len(steps))))
