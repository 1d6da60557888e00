"""The database of the history: opens it, migrates it, and gives sessions whose transactions wait for each other.

SQLite is the default, and a setting selects PostgreSQL. Any number of processes may read and write.
"""

import errno
import threading
import time
from collections.abc import Hashable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self, cast

from filelock import FileLock
from sqlalchemy import Connection, CursorResult, Engine, Executable, create_engine, event, inspect, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, IntegrityError
from sqlalchemy.orm import Session

from vidlib.errors import SettingError, VidlibError
from vidlib.runner.store.models import Base

BUSY_TIMEOUT_S = 60
"""Seconds to wait until another process commits its change."""

IDLE_TIMEOUT_S = 30
"""Seconds after which PostgreSQL rolls back the change of a process that froze in the middle of it."""

CONNECT_TIMEOUT_S = 10
REVISION = "0004"
"""The newest migration; a database at this revision needs none."""

EXPECTED = "expected sqlite:///FILE or postgresql://USER@HOST:PORT/DATABASE"
WRITABLE = "vidlib needs a folder that this user can write to: check its permissions, or choose another workspace"
NOT_WRITABLE = ("readonly database", "unable to open database file")
SQLITE_OPTIONS = frozenset({"cache", "cached_statements", "immutable", "mode", "timeout", "uri"})
"""The options of SQLite in a URL."""

ONE_THREAD = threading.Lock()
"""Alembic keeps what it works on in variables of its modules, so threads migrate one after the other."""

MIGRATION_LOCK = 0x7669646C6962  # "vidlib" in ASCII; a number that no other program on the server uses


class Database:
    """A database with the tables of the history."""

    def __init__(self, url: str):
        """Open the database at ``url`` (in SQLAlchemy's form), and create or migrate its tables."""
        self.url = url
        self.engine = open_engine(url)
        with self._explained():
            with self.engine.connect().execution_options(read_only=True) as connection:
                revision = _revision(connection)
            if revision != REVISION and not _create_tables(self.engine):
                _upgrade(url)

    def close(self) -> None:
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session that commits its changes together when the block ends."""
        with self._explained(), Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that takes no write lock."""
        with (
            self._explained(),
            self.engine.connect().execution_options(read_only=True) as connection,
            Session(connection, expire_on_commit=False) as session,
        ):
            yield session

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn errors of the database into VidlibError. IntegrityError, which a duplicate row raises, passes."""
        try:
            yield
        except IntegrityError:
            raise
        except DatabaseError as error:
            message = " ".join(str(error.orig).split())
            if any(words in message for words in NOT_WRITABLE):
                message += f"; {WRITABLE}"
            raise VidlibError(f"the history {self.engine.url.set(query={})} cannot be used: {message}") from error
        except OSError as error:  # of the lock file beside the database
            if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
                raise
            raise VidlibError(
                f"the history {self.engine.url.set(query={})} cannot be used: {error.strerror}; {WRITABLE}"
            ) from error


def changed_rows(session: Session, statement: Executable) -> int:
    """Execute a statement that changes rows, and return their number."""
    return cast("CursorResult[Any]", session.execute(statement)).rowcount


def open_engine(url: str) -> Engine:
    """SQLAlchemy's engine for a ``url`` of SQLite or PostgreSQL; raises SettingError for any other."""
    scheme = url.partition(":")[0].partition("+")[0]
    if scheme not in ("sqlite", "postgresql", "postgres"):
        raise SettingError(f"VIDLIB_DATABASE_URL begins with {scheme!r}; {EXPECTED}")
    try:
        parsed = make_url(url)
    except (ValueError, ArgumentError) as error:  # the URL may contain a password, and the message parts of it
        raise SettingError(f"VIDLIB_DATABASE_URL cannot be read: {EXPECTED}, where a port is a number") from error
    return _sqlite(url) if parsed.get_backend_name() == "sqlite" else _postgresql(url)


def sqlite_file(url: str) -> Path:
    """The file of a ``url`` of SQLite; raises SettingError if the URL names none, or an unknown option."""
    parsed = make_url(url)
    options = {pair.partition("=")[0] for pair in url.partition("?")[2].split("&") if pair}
    if unknown := options - SQLITE_OPTIONS:
        raise SettingError(
            f"VIDLIB_DATABASE_URL has the unknown option {min(unknown)!r}; in the name of a file, write ? as %3F"
        )
    if not parsed.database or parsed.database == ":memory:":
        raise SettingError(f"VIDLIB_DATABASE_URL names no file; {EXPECTED}")
    return Path(parsed.database)


def change_marker(url: str) -> Hashable:
    """A value that changes with the database at ``url``, without a look into it; that of PostgreSQL always changes."""
    if make_url(url).get_backend_name() != "sqlite":
        return time.monotonic()
    file = sqlite_file(url)
    return tuple(_state(path) for path in (file, file.with_name(f"{file.name}-wal")))


def _state(path: Path) -> tuple[int, int, int] | None:
    with suppress(FileNotFoundError):
        about = path.stat()
        return about.st_ino, about.st_size, about.st_mtime_ns
    return None


def _sqlite(url: str) -> Engine:
    file = sqlite_file(url)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise VidlibError(f"the history {file} cannot be created: {error.strerror}; {WRITABLE}") from error
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_S})

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # or the driver begins transactions at times of its own
        with FileLock(file.with_name(f".{file.name}.lock")):
            # if several processes switch a new database at once, SQLite fails all but one in spite of the timeout
            connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        # a transaction that reads first and writes later can fail; one that takes the lock at once waits instead
        read_only = connection.get_execution_options().get("read_only")
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


def _postgresql(url: str) -> Engine:
    chosen = make_url(url.replace("postgres://", "postgresql://", 1)).set(drivername="postgresql+psycopg")
    query = {"connect_timeout": str(CONNECT_TIMEOUT_S), **chosen.query}
    # READ COMMITTED: a transaction that waited for a row sees its new values, as behind SQLite's lock
    engine = create_engine(chosen.set(query=query), pool_pre_ping=True, isolation_level="READ COMMITTED")

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SET lock_timeout = '{BUSY_TIMEOUT_S}s'")
            cursor.execute(f"SET idle_in_transaction_session_timeout = '{IDLE_TIMEOUT_S}s'")
        connection.commit()

    return engine


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()


def _create_tables(engine: Engine) -> bool:
    """Create the tables of today, unless the database has a history already; returns whether it had none.

    The migrations lead to the same tables, but importing and running Alembic takes ten times as long.
    """
    with engine.begin() as connection:
        one_migration(connection)
        if _revision(connection):
            return False
        Base.metadata.create_all(connection, checkfirst=False)
        connection.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
        connection.exec_driver_sql(f"INSERT INTO alembic_version VALUES ('{REVISION}')")
        return True


def one_migration(connection: Connection) -> None:
    """Let other processes that create or migrate the tables wait until the transaction of ``connection`` ends."""
    if connection.dialect.name == "postgresql":  # SQLite's transactions exclude each other anyway
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})")


def _upgrade(url: str) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.attributes["url"] = url
    with ONE_THREAD:
        command.upgrade(config, "head")
