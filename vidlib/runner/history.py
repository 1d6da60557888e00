"""The history: what was asked, what ran, what came of it. The only file that talks to the database.

SQLite by default, PostgreSQL by setting; any number of processes may read and write. Times are seconds since 1970, UTC.
"""

import os
import secrets
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock
from sqlalchemy import JSON, Engine, ForeignKey, create_engine, event, inspect, or_, select, update
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from vidlib.errors import UsageError, VidlibError

ACTIVE = ("waiting", "running")
ENDED = ("done", "failed", "refused", "skipped")
"""States of a task that came to its own end; the other ones are cancelled and interrupted."""

BUSY_TIMEOUT_S = 30
REVISION = "0001"
"""The newest migration: a database that is at this one needs none."""


class Base(DeclarativeBase):
    """Tables of the history."""


class Project(Base):
    """One delivery: an archive, a folder or a single video, by the SHA-256 of its content."""

    __tablename__ = "projects"

    sha256: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    source: Mapped[str]
    created_at: Mapped[float]


class Video(Base):
    """One file, by the SHA-256 of its bytes as it arrived; ``path`` is where it was last seen."""

    __tablename__ = "videos"

    sha256: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    path: Mapped[str]
    first_seen_at: Mapped[float]


class Run(Base):
    """One request to process some paths; ``status`` is running, interrupted, or as `RunResult` says."""

    __tablename__ = "runs"

    id: Mapped[str] = mapped_column(primary_key=True)
    status: Mapped[str]
    paths: Mapped[list] = mapped_column(JSON)
    params: Mapped[dict] = mapped_column(JSON)
    host: Mapped[str]
    pid: Mapped[int]
    pid_started_at: Mapped[float]
    started_at: Mapped[float]
    finished_at: Mapped[float | None]
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    error: Mapped[str | None]


class Task(Base):
    """One step for one video or project (``subject``) in one run; ``progress`` is in [0, 1]."""

    __tablename__ = "tasks"

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"), index=True)
    project: Mapped[str]
    subject: Mapped[str]
    sha256: Mapped[str] = mapped_column(index=True)
    step: Mapped[str]
    status: Mapped[str] = mapped_column(default="waiting")
    cached: Mapped[bool] = mapped_column(default=False)
    reason: Mapped[str | None]
    folder: Mapped[str | None]
    error: Mapped[str | None]
    progress: Mapped[float] = mapped_column(default=0.0)
    started_at: Mapped[float | None]
    finished_at: Mapped[float | None]


class Event(Base):
    """Something worth a line in the log of a run."""

    __tablename__ = "events"

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"), index=True)
    at: Mapped[float]
    level: Mapped[str]
    message: Mapped[str]


class History:
    """Questions to the database and changes of it, each in a transaction of its own."""

    def __init__(self, url: str):
        """Open the database at ``url`` (SQLAlchemy's form), making or upgrading its tables."""
        self.url = url
        self.engine = _engine(url)
        with self._explained():
            if _revision(self.engine) != REVISION:
                _upgrade(url)

    def close(self) -> None:
        self.engine.dispose()

    def __enter__(self) -> "History":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session whose changes are committed together when the block ends."""
        with self._explained(), Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that takes no write lock."""
        with (
            self._explained(),
            self.engine.connect().execution_options(read_only=True) as connection,
            Session(connection) as session,
        ):
            yield session

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Make what the database says a problem that people understand."""
        try:
            yield
        except DatabaseError as error:
            raise VidlibError(f"the history {self.engine.url!r} cannot be used: {error.orig}") from error

    def start_run(self, paths: Sequence[Path], params: dict[str, Any]) -> Run:
        """A new run that belongs to this process."""
        now = time.time()
        run = Run(
            id=f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime(now))}-{secrets.token_hex(2)}",
            status="running",
            paths=[str(path) for path in paths],
            params=params,
            host=socket.gethostname(),
            pid=os.getpid(),
            pid_started_at=psutil.Process().create_time(),
            started_at=now,
        )
        with self.writing() as session:
            session.add(run)
        return run

    def finish_run(self, run_id: str, status: str, error: str | None = None) -> None:
        """Close a run; what it still had to do gets the run's own fate."""
        now = time.time()
        left = "cancelled" if status == "cancelled" else "skipped"
        with self.writing() as session:
            session.execute(update(Run).where(Run.id == run_id).values(status=status, error=error, finished_at=now))
            session.execute(
                update(Task).where(Task.run_id == run_id, Task.status.in_(ACTIVE)).values(status=left, finished_at=now)
            )

    def add_tasks(self, tasks: Sequence[Task]) -> list[Task]:
        """Keep tasks that are to be done, in order."""
        with self.writing() as session:
            session.add_all(tasks)
        return list(tasks)

    def update_task(self, task_id: int, **values: Any) -> None:
        """Change some columns of a task."""
        with self.writing() as session:
            session.execute(update(Task).where(Task.id == task_id).values(**values))

    def add_event(self, run_id: str, message: str, level: str = "info") -> None:
        """Add a line to the log of a run."""
        with self.writing() as session:
            session.add(Event(run_id=run_id, at=time.time(), level=level, message=message))

    def remember_project(self, sha256: str, name: str, source: Path) -> None:
        """Keep what a project is called; one that is known keeps its name."""
        with self.writing() as session:
            if session.get(Project, sha256) is None:
                session.add(Project(sha256=sha256, name=name, source=str(source), created_at=time.time()))

    def remember_video(self, sha256: str, path: Path) -> None:
        """Keep where a video was last seen."""
        with self.writing() as session:
            if known := session.get(Video, sha256):
                known.path, known.name = str(path), path.name
            else:
                session.add(Video(sha256=sha256, name=path.name, path=str(path), first_seen_at=time.time()))

    def request_cancel(self, run_id: str) -> None:
        """Ask the process that owns a run to stop it; raises UsageError for a run that nobody knows."""
        self.run(run_id)
        with self.writing() as session:
            session.execute(update(Run).where(Run.id == run_id).values(cancel_requested=True))

    def cancel_requested(self, run_id: str) -> bool:
        with self.reading() as session:
            return bool(session.scalar(select(Run.cancel_requested).where(Run.id == run_id)))

    def run(self, run_id: str) -> Run:
        """One run; raises UsageError for one that nobody knows."""
        with self.reading() as session:
            if (run := session.get(Run, run_id)) is None:
                raise UsageError(f"there is no run {run_id!r}; see: vidlib status")
            return run

    def runs(self, limit: int = 20) -> list[Run]:
        """The newest runs first."""
        with self.reading() as session:
            return list(session.scalars(select(Run).order_by(Run.started_at.desc(), Run.id.desc()).limit(limit)))

    def tasks(self, run_id: str) -> list[Task]:
        """The tasks of a run, in the order in which they were planned."""
        with self.reading() as session:
            return list(session.scalars(select(Task).where(Task.run_id == run_id).order_by(Task.id)))

    def reports(self, subject: str) -> list[Task]:
        """The finished report tasks of a run, or of a video by name or start of SHA-256; newest first."""
        is_it = or_(Task.run_id == subject, Task.subject == subject, Task.sha256.startswith(subject, autoescape=True))
        done = select(Task).where(Task.step == "report", Task.status == "done", is_it)
        with self.reading() as session:
            return list(session.scalars(done.order_by(Task.id.desc())))

    def events(self, run_id: str, limit: int = 100) -> list[Event]:
        """The last ``limit`` events of a run, oldest first."""
        with self.reading() as session:
            newest = select(Event).where(Event.run_id == run_id).order_by(Event.id.desc()).limit(limit)
            return list(session.scalars(newest))[::-1]

    def mark_interrupted(self) -> list[str]:
        """Close the runs of this machine whose process is gone; their ids."""
        with self.reading() as session:
            mine = select(Run).where(Run.status == "running", Run.host == socket.gethostname())
            gone = [run.id for run in session.scalars(mine) if not _alive(run)]
        for run_id in gone:
            with self.writing() as session:
                for table, where in ((Run, Run.id == run_id), (Task, Task.run_id == run_id)):
                    session.execute(
                        update(table)
                        .where(where, table.status.in_(ACTIVE))
                        .values(status="interrupted", finished_at=time.time())
                    )
        return gone


def _alive(run: Run) -> bool:
    """Whether the process that owns a run still runs: its number may have gone to another one since.

    One that has ended and that nobody asked for its exit code (a zombie) does not.
    """
    try:
        owner = psutil.Process(run.pid)
        return abs(owner.create_time() - run.pid_started_at) < 1 and owner.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _engine(url: str) -> Engine:
    if not url.startswith("sqlite"):
        return create_engine(url, pool_pre_ping=True)
    file = Path(url.removeprefix("sqlite:///"))
    file.parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_S})

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # the driver would begin transactions by rules of its own
        with FileLock(file.with_name(f".{file.name}.lock")):
            # of several that switch a new database at once, SQLite fails all but one, whatever the timeout says
            connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        # a transaction that reads first and writes later can fail where one that takes the lock at once waits
        read_only = connection.get_execution_options().get("read_only")
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


def _revision(engine: Engine) -> str | None:
    with engine.connect().execution_options(read_only=True) as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()


def _upgrade(url: str) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.attributes["url"] = url
    command.upgrade(config, "head")
