"""What PostgreSQL does otherwise than SQLite: rows that are locked alone, connections that break, addresses."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import URL, func, select, text

from tests import postgresql
from vidlib.errors import LeaseLost, VidlibError
from vidlib.runner.store import database, queue
from vidlib.runner.store.models import Lease, Project, Task, Video
from vidlib.runner.store.runs import History

KEY = "0123456789abcdef/convert-0123456789ab"

pytestmark = pytest.mark.slow


@pytest.fixture
def url(server: URL) -> Iterator[str]:
    with postgresql.schema(server) as made:
        yield made


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg", "postgresql+psycopg2"])
def test_the_address_may_begin_as_other_programs_write_it(url, scheme):
    with History(url.replace("postgresql", scheme, 1)) as history:
        assert history.runs() == []


def test_a_connection_that_the_server_closed_is_replaced(url):
    with History(url) as history:
        run = history.start_run([], {})
        with History(url) as other, other.writing() as session:
            others = "pid <> pg_backend_pid() AND datname = current_database() AND backend_type = 'client backend'"
            session.execute(text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}"))
        assert history.run(run.id).status == "running"


def test_a_server_that_is_not_there_is_named_without_the_password(tmp_path):
    with pytest.raises(VidlibError, match=r"cannot be used: connection .* No such file") as raised:
        History(f"postgresql://vidlib:secret@/vidlib?host={tmp_path}&password=secret")
    assert "secret" not in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1


def test_a_task_is_locked_alone_while_it_is_taken(url):
    with History(url) as history:
        run = history.start_run([], {})
        of_run = {"run_id": run.id, "project": "p", "label": "s", "sha256": "a", "step": "convert"}
        first, second = history.add_tasks([Task(**of_run), Task(**of_run)])
        with history.writing() as session:
            session.get(Task, first.id, with_for_update=True)
            assert queue.claim(history, second.id).id == second.id


def test_a_process_that_wants_a_lease_waits_while_another_one_publishes_under_it(url):
    with History(url) as history, ThreadPoolExecutor(1) as beside:
        held, begun = queue.acquire_lease(history, KEY), threading.Event()

        def take() -> queue.HeldLease | None:
            begun.set()
            return queue.acquire_lease(history, KEY)

        with queue.publishing(history, held):
            asked = beside.submit(take)
            begun.wait()
            assert not asked.done()
        assert asked.result() is None  # it is held by a process that lives


def test_a_process_that_froze_while_it_published_does_not_hold_up_the_others(url, monkeypatch):
    with History(url) as history:
        monkeypatch.setattr(database, "IDLE_TIMEOUT_S", 1)
        with History(url) as frozen:
            late = queue.acquire_lease(frozen, KEY)
            with pytest.raises(VidlibError, match="idle-in-transaction timeout"), frozen.writing() as session:
                session.get(Lease, KEY, with_for_update=True)
                with history.writing() as other:  # waits until the server has given the frozen one up
                    other.get(Lease, KEY, with_for_update=True).owner = "far/away/7/1"
                session.execute(text("SELECT 1"))
            with pytest.raises(LeaseLost), queue.publishing(frozen, late):
                pass


def test_projects_and_videos_that_several_threads_record_are_kept_once(url):
    """A project and a video that both of them take up."""
    with History(url) as history, ThreadPoolExecutor(8) as several:
        for number in range(20):
            names = [f"{number}"] * 8
            list(several.map(lambda sha: history.remember_project(sha, sha, Path("clip.zip")), names))
            list(several.map(lambda sha: history.remember_video(sha, Path("clip.mp4"), 1.0), names))
        with history.reading() as session:
            assert [session.scalar(select(func.count()).select_from(kind)) for kind in (Project, Video)] == [20, 20]
