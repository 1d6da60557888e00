"""The history: what is written by one process is read by another, and nothing is lost."""

import subprocess
import sys
import time
from multiprocessing.synchronize import Barrier
from pathlib import Path

import psutil
import pytest
from sqlalchemy import text

from tests.runner.processes import at_once
from tests.runner.store import writers
from tests.waiting import wait_until
from vidlib.errors import LeaseLost, SettingError, UsageError, VidlibError
from vidlib.runner.downloads import history_import
from vidlib.runner.runlog import RunLog
from vidlib.runner.store import identity, queue
from vidlib.runner.store.models import Run, Task
from vidlib.runner.store.runs import History
from vidlib.settings import load

N_PROCESSES, N_EVENTS = 4, 25  # 16 processes with 500 events each are part of `make soak`


def new_task(run: Run, step: str, **values) -> Task:
    return Task(run_id=run.id, project="p", label="clip.mp4", sha256="ab" * 32, step=step, **values)


def test_two_connections_share_a_history(url):
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


def owned_by(history: History, run: Run, owner: str, heartbeat_at: float | None = None) -> None:
    """Make ``owner`` the process that a run belongs to."""
    with history.writing() as session:
        known = session.get(Run, run.id)
        known.owner, known.heartbeat_at = owner, known.heartbeat_at if heartbeat_at is None else heartbeat_at


def test_a_run_whose_process_is_gone_is_interrupted_and_one_that_lives_is_not(url):
    host, place, pid, start = identity.this_process().split("/")
    with History(url) as history:
        mine, dead, reused, elsewhere, silent = (history.start_run([], {}) for _ in range(5))
        history.add_tasks([new_task(dead, "audio", status="running")])
        owned_by(history, dead, f"{host}/{place}/{2**22 + 1}/{start}")  # above the largest number that Linux gives
        owned_by(history, reused, f"{host}/{place}/{pid}/{int(start) - 1}")  # this process' number, given again
        owned_by(history, elsewhere, f"other/{place}-2/{pid}/1")  # whatever runs here under that number
        owned_by(history, silent, f"other/{place}-2/{pid}/1", heartbeat_at=time.time() - 2 * identity.LEASE_S)
        assert set(history.mark_interrupted()) == {dead.id, reused.id, silent.id}
        assert {history.run(run.id).status for run in (mine, elsewhere)} == {"running"}
        assert history.tasks(dead.id)[0].status == "interrupted"


@pytest.mark.slow
def test_events_of_many_processes_are_all_kept_once(url):
    assert writers.written(url, N_PROCESSES, N_EVENTS) == writers.all_of(N_PROCESSES, N_EVENTS)


def open_new_histories(number: int, together: Barrier, urls: list[str]) -> None:
    for url in urls:
        together.wait()
        with History(url) as history:
            history.start_run([], {})


@pytest.mark.slow
def test_processes_that_open_a_new_history_at_the_same_moment_all_succeed(new_url):
    urls = [new_url() for _ in range(5)]
    at_once(N_PROCESSES, open_new_histories, urls)
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
        with pytest.raises(VidlibError, match=r"cannot be used: .*tasks"):
            history.tasks("any")


def test_a_run_whose_process_ended_unseen_by_its_parent_is_interrupted(url):
    with History(url) as history, subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        host, place, _, _ = identity.this_process().split("/")
        start = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[19]
        run = history.start_run([], {})
        owned_by(history, run, f"{host}/{place}/{process.pid}/{start}")
        assert history.mark_interrupted() == []
        process.stdin.close()
        wait_until(lambda: psutil.Process(process.pid).status() == psutil.STATUS_ZOMBIE)
        assert history.mark_interrupted() == [run.id]


def test_an_ended_run_is_resumed_with_its_unfinished_tasks(url):
    with History(url) as history:
        run = history.start_run([], {})
        steps = {"convert": "done", "scenes": "failed", "audio": "waiting", "report": "done"}
        history.add_tasks([new_task(run, step, status=status, cached=True) for step, status in steps.items()])
        with pytest.raises(UsageError, match="is running already, in process"):
            history.take_run(run.id)
        history.request_cancel(run.id)
        assert history.finish_run(run.id, "done") == "cancelled"
        again = history.take_run(run.id)
        assert (again.status, again.cancel_requested, again.finished_at) == ("running", False, None)
        found = {task.step: task.status for task in history.tasks(run.id)}
        # the report tells of what has changed since
        assert found == {"convert": "done", "scenes": "waiting", "audio": "waiting", "report": "waiting"}


def test_a_run_is_not_closed_by_a_process_that_lost_it(url):
    with History(url) as history:
        run = history.start_run([], {})
        assert queue.heartbeat_run(history, run.id) == "continue"
        owned_by(history, run, "other/place/1/1")
        assert queue.heartbeat_run(history, run.id) == "lost"
        assert history.finish_run(run.id, "done") is None
        history.stop_run(run.id)
        assert not history.cancel_requested(run.id)
        with pytest.raises(LeaseLost):
            history.add_tasks([new_task(run, "scenes")])
        assert history.run(run.id).status == "running"


def test_a_video_or_a_step_is_cancelled_alone(url):
    with History(url) as history:
        run = history.start_run([], {})
        history.add_tasks([new_task(run, "scenes"), new_task(run, "audio"), new_task(run, "audio", status="done")])
        assert history.request_cancel(run.id, "clip.mp4", "audio") == 1
        assert not history.cancel_requested(run.id)
        (asked,) = history.tasks_by_id([task for task, asked in history.waiting(run.id).items() if asked])
        assert asked.step == "audio"
        with pytest.raises(UsageError, match=r"nothing left to do for 'other\.mp4'"):
            history.request_cancel(run.id, "other.mp4")


def test_how_long_steps_took_is_known_by_second_of_video(url):
    with History(url) as history:
        run, me = history.start_run([], {}), identity.this_process()
        times = {"started_at": 100.0, "finished_at": 130.0, "status": "done", "worker": me}
        history.remember_video("ab" * 32, Path("clip.mp4"), 60.0)
        history.add_tasks([new_task(run, "audio", **times), new_task(run, "audio", **times, cached=True)])
        (report,) = history.add_tasks([new_task(run, "report", **times)])
        history.update_task(report.id, sha256="no video")
        assert history.mean_durations(["audio", "report"], identity.host_of(me)) == {
            "audio": (0.5, 30.0),
            "report": (None, 30.0),
        }


@pytest.mark.parametrize("url", ["mysql://host/vidlib", "workspace/vidlib.sqlite"])
def test_an_unsupported_database_is_refused_with_the_supported_ones(url):
    with pytest.raises(SettingError, match="expected sqlite:///FILE or postgresql://"):
        History(url)


@pytest.mark.parametrize("folder", ["what?", "a?b=c", "100%", "50%25", "a#b", "sp ace", "über"])
def test_the_history_lies_in_the_workspace_whatever_its_name(tmp_path, folder):
    chosen = load(workspace=tmp_path / folder)
    with History(chosen.database) as history:
        history.start_run([], {})
        assert history_import.back_up(history)
    assert (tmp_path / folder / "vidlib.sqlite").is_file()
    assert [path.name for path in tmp_path.iterdir()] == [folder]


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("postgresql://vidlib:hush@db:port/vidlib", "where a port is a number"),
        ("postgresql://[::1/vidlib", "expected sqlite:///FILE"),
        ("sqlite:////nowhere/a?b/vidlib.sqlite", "write . as %3F"),
        ("sqlite:////nowhere/a?b=c/vidlib.sqlite", "write . as %3F"),
        ("sqlite://", "names no file"),
        ("mysql://db/vidlib", "begins with 'mysql'"),
    ],
)
def test_an_address_of_a_database_that_cannot_be_read_is_explained(url, why):
    with pytest.raises(SettingError, match=why) as raised:
        History(url)
    assert "hush" not in str(raised.value)


def test_a_workspace_that_cannot_be_made_is_explained(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(VidlibError, match="this user can write to"):
        History(load(workspace=tmp_path / "file" / "workspace").database)


@pytest.mark.slow
def test_the_history_keeps_the_permissions_that_the_umask_allows(tmp_path):
    code = "import os, sys; os.umask(0o077); from vidlib.runner.store.runs import History; History(sys.argv[1]).close()"
    subprocess.run([sys.executable, "-c", code, f"sqlite:///{tmp_path}/vidlib.sqlite"], check=True)
    assert {oct(path.stat().st_mode & 0o077) for path in tmp_path.iterdir()} == {"0o0"}


def test_a_heartbeat_in_the_future_is_no_sign_that_a_process_of_an_earlier_boot_lives():
    later = time.time() + 3600
    assert not identity.alive("host/0badb007-1/1/1", later)
    assert not identity.alive("nonsense", time.time())
    assert identity.alive(identity.this_process(), later)


def test_a_damaged_line_in_the_log_of_a_run_ends_nothing(tmp_path):
    with History(f"sqlite:///{tmp_path}/vidlib.sqlite") as history:
        run = history.start_run([], {})
        history.add_event(run.id, "first")
        RunLog(history, run.id, tmp_path / "run").catch_up()
        file = tmp_path / "run" / "run.log"
        file.write_bytes(file.read_bytes() + b"\0\0{damaged\n[]\n{}\n")
        history.add_event(run.id, "second")
        RunLog(history, run.id, tmp_path / "run").catch_up()
    assert [line.count(b'"message"') for line in file.read_bytes().splitlines()] == [1, 0, 0, 0, 1]


def test_results_of_variants_are_found_when_they_are_asked_for(url):
    asked = ({}, {"variant": None}, {"variant": "loose"})
    with History(url) as history:
        runs = [history.start_run([], {}, values) for values in asked]
        for run in runs:
            history.add_tasks([new_task(run, step, status="done", folder=f"/{step}") for step in ("convert", "scenes")])
        earlier, usual, loose = (run.id for run in runs)
        assert {task.run_id for task in history.results(["scenes"])} == {earlier, usual}
        assert [task.run_id for task in history.results(["scenes"], variants=True)] == [loose, usual, earlier]
        assert [task.run_id for task in history.results(["scenes"], run_id=loose)] == [loose]
        assert history.complete_runs("ab" * 32, ["convert", "scenes"]) == [usual, earlier]
        assert history.complete_runs("ab" * 32, ["convert", "scenes", "audio"]) == []


def test_each_notice_of_a_run_is_told_once(url):
    with History(url) as history:
        run = history.start_run([], {})
        for level, message in (("notice", "b"), ("info", "c"), ("notice", "a"), ("notice", "b")):
            history.add_event(run.id, message, level)
        assert history.notices(run.id) == ["b", "a"]
