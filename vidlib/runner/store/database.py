"""The database of the history: opened, brought up to date, and asked in transactions that wait for each other.

SQLite by default, PostgreSQL by setting; any number of processes may read and write.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from filelock import FileLock
from sqlalchemy import Engine, create_engine, event, inspect, make_url
from sqlalchemy.exc import DatabaseError, IntegrityError
from sqlalchemy.orm import Session

from vidlib.errors import SettingError, VidlibError

BUSY_TIMEOUT_S = 60
"""Seconds to wait for somebody else's change to be committed."""

IDLE_TIMEOUT_S = 30
"""Seconds after which PostgreSQL gives up the change of a process that is frozen in the middle of it."""

CONNECT_TIMEOUT_S = 10
REVISION = "0004"
"""The newest migration: a database that is at this one needs none."""

MIGRATION_LOCK = 0x7669646C6962  # "vidlib": any number that no other program on the server takes


class Database:
    """A database with the tables of the history."""

    def __init__(self, url: str):
        """Open the database at ``url`` (SQLAlchemy's form), making or upgrading its tables."""
        self.url = url
        self.engine = open_engine(url)
        with self._explained():
            if _revision(self.engine) != REVISION:
                _upgrade(url)

    def close(self) -> None:
        self.engine.dispose()

    def __enter__(self) -> Self:
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
            Session(connection, expire_on_commit=False) as session,
        ):
            yield session

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Make what the database says a problem that people understand; that a row is there is left to the caller."""
        try:
            yield
        except IntegrityError:
            raise
        except DatabaseError as error:
            what = " ".join(str(error.orig).split())
            raise VidlibError(f"the history {self.engine.url.set(query={})} cannot be used: {what}") from error


def open_engine(url: str) -> Engine:
    """SQLAlchemy's engine for ``url``; raises SettingError for one that is neither SQLite's nor PostgreSQL's."""
    kind = url.partition(":")[0].partition("+")[0]
    if kind == "sqlite":
        return _sqlite(url)
    if kind in ("postgresql", "postgres"):
        return _postgresql(url)
    raise SettingError(
        f"VIDLIB_DATABASE_URL begins with {kind!r}; expected sqlite:///FILE or postgresql://USER@HOST/DATABASE"
    )


def _sqlite(url: str) -> Engine:
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


def _postgresql(url: str) -> Engine:
    chosen = make_url(url.replace("postgres://", "postgresql://", 1)).set(drivername="postgresql+psycopg")
    query = {"connect_timeout": str(CONNECT_TIMEOUT_S), **chosen.query}
    # READ COMMITTED: whoever waited for a row sees what it was changed to, as behind SQLite's lock
    engine = create_engine(chosen.set(query=query), pool_pre_ping=True, isolation_level="READ COMMITTED")

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SET lock_timeout = '{BUSY_TIMEOUT_S}s'")
            cursor.execute(f"SET idle_in_transaction_session_timeout = '{IDLE_TIMEOUT_S}s'")
        connection.commit()

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
