"""An index in a SQLite file: only a memory of what else lies on the disk, so that it may be lost or damaged."""

import logging
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

BUSY_S = 5.0
"""Seconds to wait for another process that writes."""

MEMORY = ":memory:"

log = logging.getLogger(__name__)

Index = TypeVar("Index")


@dataclass(frozen=True)
class Schema:
    """The tables ``names`` of an index, which the script ``tables`` creates; ``version`` changes when they do."""

    version: int
    tables: str
    names: tuple[str, ...]

    def create(self, connection: sqlite3.Connection) -> None:
        """Make the tables anew, without rows, in one transaction."""
        drop = "".join(f"DROP TABLE IF EXISTS {name};" for name in self.names)
        version = f"PRAGMA user_version = {self.version};"
        connection.executescript(f"BEGIN IMMEDIATE; {drop} {self.tables} {version} COMMIT;")


def connect(file: str, schema: Schema) -> sqlite3.Connection:
    """Open ``file``; the tables of another version are made anew."""
    connection = sqlite3.connect(file, timeout=BUSY_S)
    try:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version != schema.version:
            if version:
                log.warning("%s is of another version of vidlib, and made anew", file)
            schema.create(connection)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def remove(path: Path) -> None:
    """Remove a file that is no index. The journal goes first: alone it would be applied to the next index."""
    path.with_name(f"{path.name}-journal").unlink(missing_ok=True)
    path.unlink(missing_ok=True)


def opened(path: Path | None, open_: Callable[[str], Index]) -> Index:
    """What ``open_`` makes of the file ``path``, or of an index in memory if there is none or it cannot be used.

    A damaged file is made anew.
    """
    return (_in_file(path, open_) if path else None) or open_(MEMORY)


def _in_file(path: Path, open_: Callable[[str], Index]) -> Index | None:
    try:
        try:
            return open_(str(path))
        except sqlite3.DatabaseError as error:
            missing_table = error.sqlite_errorcode == sqlite3.SQLITE_ERROR
            if isinstance(error, sqlite3.OperationalError) and not missing_table:  # locked, full, or not writable
                raise
            log.warning("%s is damaged, and made anew: %s", path, error)
            remove(path)
            return open_(str(path))
    except (sqlite3.Error, OSError) as error:
        log.info("%s is not used: %s", path, error)
        return None
