"""Histories of earlier versions: they open, and everything that they say is still there."""

from collections.abc import Callable
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, insert, select, table
from sqlalchemy.sql import column

from vidlib.files import sha256_text
from vidlib.runner.downloads import store
from vidlib.runner.store import database, identity, queue
from vidlib.runner.store.models import Base, Download, Lease
from vidlib.runner.store.runs import History

HERE = "host/namespace/7/1"

RUNS = [
    {
        "id": "20261129-200000-aaaa",
        "status": "partial",
        "paths": ["/in/Sendung 12.zip"],
        "params": {"scenes": {"threshold": 0.4}},
        "asked": {"layers": [], "steps": [], "force": False},
        "owner": HERE,
        "beat_at": 1000.5,
        "started_at": 900.0,
        "finished_at": 1001.0,
        "cancel_requested": False,
        "error": None,
    },
    {
        "id": "20261129-210000-bbbb",
        "status": "cancelled",
        "paths": ["/in/b.mp4"],
        "params": {},
        "asked": {"layers": [], "steps": ["convert"], "force": True},
        "owner": HERE,
        "beat_at": 2000.25,
        "started_at": 1900.0,
        "finished_at": 2001.0,
        "cancel_requested": True,
        "error": "stopped by a signal; to go on: vidlib resume",
    },
]
TASK = {
    "id": 3,
    "run_id": "20261129-200000-aaaa",
    "project": "Sendung 12",
    "subject": "broken ä.mp4",
    "sha256": "ab" * 32,
    "step": "convert",
    "origin": "/in/Sendung 12.zip",
    "source": "/projects/Sendung 12/docs/broken ä.mp4",
    "stem": "broken ä",
    "params": {"crf": 18},
    "status": "refused",
    "cached": False,
    "reason": "it has not run for this input yet",
    "folder": "/work/abab/convert-0123456789ab.failed-1",
    "error": "no readable video",
    "kind": "MediaError",
    "attempt": 2,
    "not_before": 950.0,
    "cancel_requested": False,
    "worker": HERE,
    "beat_at": 999.75,
    "progress": 0.5,
    "work_done": 10.0,
    "work_total": 20.0,
    "started_at": 990.0,
    "finished_at": 1000.0,
}
LEASE = {"key": "abab/convert-0123456789ab", "fence": 5, "owner": HERE, "beat_at": 999.5}
EVENTS = [
    {
        "id": 1,
        "run_id": TASK["run_id"],
        "at": 901.0,
        "level": "info",
        "message": "begun",
        "subject": None,
        "step": None,
    },
    {
        "id": 2,
        "run_id": TASK["run_id"],
        "at": 1000.0,
        "level": "error",
        "message": "broken ä.mp4: no readable video",
        "subject": "broken ä.mp4",
        "step": "convert",
    },
]
DOWNLOAD = {
    "key": sha256_text("https://h.example/film.zip"),
    "url": "https://h.example/film.zip",
    "original_url": "https://h.example/film.zip?x=1",
    "proxy_url": None,
    "proxy_key": None,
    "provider": "direct",
    "name": "film.zip",
    "offered_at": 100.0,
    "state": "done",
    "asked": None,
    "file": "/in/film.zip",
    "sha256": "ef" * 32,
    "error": None,
    "attempts": 1,
    "not_before": 0.0,
    "bytes_done": 10**13,
    "bytes_total": 10**13,
    "rate": 2.5,
    "worker": None,
    "beat_at": 150.0,
    "finished_at": 151.0,
}
RENAMED = {"beat_at": "heartbeat_at", "subject": "label", "kind": "error_type"}


def made_at(url: str, revision: str, fill: Callable[[Connection], None]) -> None:
    """A history as the version with this ``revision`` left it, filled by ``fill``."""
    database.open_engine(url).dispose()
    config = Config()
    config.set_main_option("script_location", str(Path(database.__file__).with_name("migrations")))
    config.attributes["url"] = url
    command.upgrade(config, revision)
    engine = database.open_engine(url)
    with engine.begin() as connection:
        fill(connection)
    engine.dispose()


def insert_rows(connection: Connection, name: str, rows: list[dict]) -> None:
    """Insert rows into a table that the code of today has no model for."""
    known = {column.name: column.type for column in Base.metadata.tables[name].columns}
    types = {name: known[RENAMED.get(name, name)] for name in rows[0]}
    connection.execute(insert(table(name, *(column(key, kind) for key, kind in types.items()))), rows)


def values_of(row: object) -> dict[str, object]:
    return {column.name: getattr(row, column.name) for column in row.__table__.columns}


def renamed(row: dict) -> dict[str, object]:
    return {RENAMED.get(name, name): value for name, value in row.items()}


def test_migrations_make_the_tables_that_the_code_expects(url):
    made_at(url, "head", lambda connection: None)
    with History(url) as history, history.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_a_new_history_is_one_that_alembic_has_nothing_to_do_for(url):
    with History(url) as history, history.engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert context.get_current_heads() == (database.REVISION,)
        assert compare_metadata(context, Base.metadata) == []


@pytest.fixture
def history_of_0003(url: str) -> str:
    """A history of version 0.1.0, whose columns had other names."""

    def fill(connection: Connection) -> None:
        for name, rows in (
            ("runs", RUNS),
            ("tasks", [TASK]),
            ("leases", [LEASE]),
            ("events", EVENTS),
            ("downloads", [DOWNLOAD]),
        ):
            insert_rows(connection, name, rows)

    made_at(url, "0003", fill)
    return url


def test_a_history_with_the_names_of_before_keeps_every_value(history_of_0003):
    with History(history_of_0003) as history:
        assert [values_of(run) for run in history.runs()] == [renamed(run) for run in reversed(RUNS)]
        assert [values_of(task) for task in history.tasks(TASK["run_id"])] == [renamed(TASK)]
        assert [values_of(event) for event in history.events(TASK["run_id"])] == [renamed(event) for event in EVENTS]
        with history.reading() as session:
            assert [values_of(lease) for lease in session.scalars(select(Lease))] == [renamed(LEASE)]
            assert [values_of(row) for row in session.scalars(select(Download))] == [renamed(DOWNLOAD)]
        with history.engine.connect() as connection:
            assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_a_history_with_the_names_of_before_is_worked_with(history_of_0003):
    """Its lease is taken with the next fencing number, its run is resumed, its download is known."""
    with History(history_of_0003) as history:
        assert queue.acquire_lease(history, LEASE["key"]).fence == LEASE["fence"] + 1
        assert history.has_content(TASK["sha256"])
        assert store.find(history, DOWNLOAD["url"]).state == "done"
        history.take_run(TASK["run_id"])
        assert queue.claim(history, TASK["id"]).worker == identity.this_process()
        assert queue.heartbeat(history, TASK["id"]) == "continue"


def test_a_history_of_the_first_version_is_brought_up_to_date(url):
    """A run that was interrupted, with a task."""

    def fill(connection: Connection) -> None:
        run = "('old', 'running', '[]', '{}', 'host', 1, 1.0, 1.0, FALSE)"
        columns = "id, status, paths, params, host, pid, pid_started_at, started_at, cancel_requested"
        connection.exec_driver_sql(f"INSERT INTO runs ({columns}) VALUES {run}")
        columns = "run_id, project, subject, sha256, step, status, cached, progress"
        connection.exec_driver_sql(
            f"INSERT INTO tasks ({columns}) VALUES ('old', 'p', 's', 'a', 'audio', 'done', FALSE, 1)"
        )

    made_at(url, "0001", fill)
    with History(url) as history:
        assert history.mark_interrupted() == ["old"]
        assert [(task.step, task.label, task.attempt, task.params) for task in history.tasks("old")] == [
            ("audio", "s", 0, {})
        ]
