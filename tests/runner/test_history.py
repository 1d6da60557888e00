"""The history: what is written by one process is read by another, and nothing is lost."""

import multiprocessing
import os
import subprocess
import sys
from multiprocessing.synchronize import Barrier
from pathlib import Path

import psutil
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from tests.waiting import wait_until
from vidlib.errors import UsageError, VidlibError
from vidlib.runner.history import Base, History, Run, Task

N_PROCESSES, N_EVENTS = 4, 25


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'deep' / 'vidlib.sqlite'}"


def new_task(run: Run, step: str, **values) -> Task:
    return Task(run_id=run.id, project="p", subject="clip.mp4", sha256="ab" * 32, step=step, **values)


def test_migrations_make_the_tables_that_the_code_expects(url):
    with History(url) as history, history.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_what_one_history_writes_another_reads(url):
    with History(url) as writer, History(url) as reader:
        run = writer.start_run([Path("a b.zip")], {"scenes": {"threshold": 0.4}})
        (task,) = writer.add_tasks([new_task(run, "convert")])
        writer.update_task(task.id, status="running", progress=0.5)
        writer.add_event(run.id, "begun")
        assert [(t.status, t.progress) for t in reader.tasks(run.id)] == [("running", 0.5)]
        assert [event.message for event in reader.events(run.id)] == ["begun"]
        assert reader.run(run.id).params == {"scenes": {"threshold": 0.4}}


def test_a_finished_run_leaves_no_task_waiting(url):
    with History(url) as history:
        run = history.start_run([], {})
        history.add_tasks([new_task(run, "convert", status="done"), new_task(run, "scenes")])
        history.finish_run(run.id, "cancelled")
        assert [task.status for task in history.tasks(run.id)] == ["done", "cancelled"]


def test_cancelling_is_seen_by_the_owner_and_refused_for_an_unknown_run(url):
    with History(url) as history:
        run = history.start_run([], {})
        assert not history.cancel_requested(run.id)
        history.request_cancel(run.id)
        assert history.cancel_requested(run.id)
        with pytest.raises(UsageError, match="no run 'nowhere'"):
            history.request_cancel("nowhere")


def test_a_run_whose_process_is_gone_is_interrupted_and_one_that_lives_is_not(url):
    with History(url) as history:
        mine, dead, reused = (history.start_run([], {}) for _ in range(3))
        history.add_tasks([new_task(dead, "audio", status="running")])
        with history.writing() as session:
            session.get(Run, dead.id).pid = 2**22 + 1  # above the largest number that Linux gives
            session.get(Run, reused.id).pid_started_at = 0.0  # the number is this process', which began later
        assert set(history.mark_interrupted()) == {dead.id, reused.id}
        assert history.run(mine.id).status == "running"
        assert history.tasks(dead.id)[0].status == "interrupted"


def write_events(url: str, run_id: str, worker: int) -> None:
    with History(url) as history:
        for number in range(N_EVENTS):
            history.add_event(run_id, f"{worker}/{number}")
    os._exit(0)


def test_events_of_many_processes_are_all_kept(url):
    with History(url) as history:
        run = history.start_run([], {})
        context = multiprocessing.get_context("spawn")
        workers = [context.Process(target=write_events, args=(url, run.id, n)) for n in range(N_PROCESSES)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        messages = {event.message for event in history.events(run.id, limit=1000)}
        assert messages == {f"{worker}/{number}" for worker in range(N_PROCESSES) for number in range(N_EVENTS)}


def open_new_histories(urls: list[str], together: Barrier) -> None:
    for url in urls:
        together.wait()
        with History(url) as history:
            history.start_run([], {})


def test_processes_that_open_a_new_history_at_the_same_moment_all_succeed(tmp_path):
    urls = [f"sqlite:///{tmp_path / str(number)}.sqlite" for number in range(15)]
    context = multiprocessing.get_context("spawn")
    together = context.Barrier(N_PROCESSES, timeout=60)
    workers = [context.Process(target=open_new_histories, args=(urls, together)) for _ in range(N_PROCESSES)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * N_PROCESSES
    for url in urls:
        with History(url) as history:
            assert len(history.runs()) == N_PROCESSES


def test_a_history_that_cannot_be_opened_is_named(tmp_path):
    (tmp_path / "vidlib.sqlite").write_text("this is no database, whatever it is called" * 100)
    with pytest.raises(VidlibError, match="cannot be used"):
        History(f"sqlite:///{tmp_path / 'vidlib.sqlite'}")


def test_a_history_that_breaks_while_it_is_open_is_named(url):
    with History(url) as history:
        with history.writing() as session:
            session.execute(text("DROP TABLE tasks"))
        with pytest.raises(VidlibError, match="cannot be used: no such table"):
            history.tasks("any")


def test_a_run_whose_process_ended_unseen_by_its_parent_is_interrupted(url):
    with History(url) as history, subprocess.Popen([sys.executable, "-c", ""]) as process:
        owner = psutil.Process(process.pid)
        run = history.start_run([], {})
        with history.writing() as session:
            session.get(Run, run.id).pid, session.get(Run, run.id).pid_started_at = owner.pid, owner.create_time()
        wait_until(lambda: owner.status() == psutil.STATUS_ZOMBIE)
        assert history.mark_interrupted() == [run.id]
