"""The file of the cast: SQLite, in which every face, voice, picture and name is encrypted.

SHA-256 of videos, numbers, times and the names of operators are readable. SQLite overwrites what is deleted
(``secure_delete``), and keeps no write-ahead log. A transaction is kept whole or not at all, however a process ends.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from pydantic import TypeAdapter

from vidlib.cast.encryption import Cipher, open_cipher
from vidlib.cast.operations import OPERATIONS, Cast, Entry, Operation, check, fold
from vidlib.cast.records import Appearance
from vidlib.corrections.anchors import TrackAnchor
from vidlib.errors import BrokenOutput, UsageError
from vidlib.settings import Settings

FILE = "cast.sqlite"
VERSION = 1
"""The form of the tables."""

BUSY_S = 10.0
"""Seconds to wait for another process that writes."""

CHECKED = b"the cast of vidlib"
"""A text that only the right key decrypts."""

PRAGMAS = ("secure_delete = ON", "journal_mode = DELETE", "synchronous = FULL", "temp_store = MEMORY")
"""Deleted rows are overwritten, nothing stays in a log or a temporary file, and what was recorded outlives a crash."""

TABLES = """
CREATE TABLE checked (data BLOB NOT NULL);
CREATE TABLE appearance (id INTEGER PRIMARY KEY AUTOINCREMENT, video TEXT NOT NULL, collected_at TEXT NOT NULL,
    data BLOB NOT NULL, picture BLOB NOT NULL);
CREATE INDEX appearance_of ON appearance (video);
CREATE TABLE log (id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, by TEXT NOT NULL, action TEXT NOT NULL,
    data BLOB);
CREATE TABLE correction (id TEXT PRIMARY KEY, video TEXT NOT NULL, appearance INTEGER NOT NULL);
CREATE TABLE excluded (id INTEGER PRIMARY KEY, video TEXT NOT NULL, data BLOB NOT NULL);
CREATE TABLE erasure (id TEXT PRIMARY KEY, at TEXT NOT NULL, data BLOB NOT NULL);
"""
"""``correction`` has the corrections by which the cast named somebody in results. ``excluded`` has the places of erased
people, who are not collected again, and ``erasure`` the rest of each incomplete erasure."""


ANCHORS = TypeAdapter(tuple[TrackAnchor, ...])


class Store:
    """The open file of the cast; use `opened`."""

    def __init__(self, path: Path, cipher: Cipher):
        self.path, self.cipher = path, cipher
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))  # SQLite gives its journal the same mode
        self._connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)
        try:
            for pragma in PRAGMAS:
                self._connection.execute(f"PRAGMA {pragma}")
            self._prepare()
        except sqlite3.DatabaseError as error:
            self.close()
            if error.sqlite_errorcode not in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
                raise
            raise BrokenOutput(f"{path} is damaged: {error}; restore it from a backup") from error
        except BrokenOutput:
            self.close()
            raise

    def _prepare(self) -> None:
        with self.writing() as connection:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if not version:
                for statement in filter(str.strip, TABLES.split(";")):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {VERSION}")
                connection.execute("INSERT INTO checked VALUES (?)", (self.cipher.encrypt(CHECKED),))
            elif version != VERSION:
                raise BrokenOutput(f"{self.path} has the form {version}; this version of vidlib reads {VERSION}")
        self.cipher.decrypt(self._connection.execute("SELECT data FROM checked").fetchone()[0])

    def close(self) -> None:
        """Close the file; an open transaction is rolled back."""
        self._connection.close()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it is kept, or nothing."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield self._connection
        except BaseException:
            self._connection.rollback()
            raise
        self._connection.commit()

    def appearances(self, video: str | None = None) -> dict[int, Appearance]:
        """The people in all videos, or in one, by number."""
        query = "SELECT id, data FROM appearance WHERE :video IS NULL OR video = :video ORDER BY id"
        rows = self._connection.execute(query, {"video": video})
        return {number: Appearance.model_validate_json(self.cipher.decrypt(data)) for number, data in rows}

    def picture(self, appearance: int) -> bytes:
        """The face of an appearance, as JPEG."""
        row = self._connection.execute("SELECT picture FROM appearance WHERE id = ?", (appearance,)).fetchone()
        if row is None:
            raise UsageError(f"A{appearance} is no appearance of the cast; vidlib cast list shows those that there are")
        return self.cipher.decrypt(row[0])

    def add(self, connection: sqlite3.Connection, appearance: Appearance, picture: bytes) -> int:
        """Keep a person in a video; returns the number."""
        values = appearance.video, appearance.collected_at.isoformat(), self._sealed(appearance)
        query = "INSERT INTO appearance (video, collected_at, data, picture) VALUES (?, ?, ?, ?)"
        return connection.execute(query, (*values, self.cipher.encrypt(picture))).lastrowid or 0

    def replace(self, connection: sqlite3.Connection, number: int, appearance: Appearance) -> None:
        """Keep an appearance as it is in another analysis of its video."""
        connection.execute("UPDATE appearance SET data = ? WHERE id = ?", (self._sealed(appearance), number))

    def _sealed(self, record: Appearance | Operation) -> bytes:
        return self.cipher.encrypt(record.model_dump_json().encode())

    def log(self) -> list[Entry]:
        """All entries, in the order in which they were made."""
        rows = self._connection.execute("SELECT id, at, by, action, data FROM log ORDER BY id")
        return [
            Entry(
                number,
                datetime.fromisoformat(at),
                by,
                action,
                None if data is None else OPERATIONS.validate_json(self.cipher.decrypt(data)),
            )
            for number, at, by, action, data in rows
        ]

    def cast(self) -> Cast:
        """Who is who, after all decisions."""
        return fold(self.log())

    def record(self, *operations: Operation, by: str) -> list[Entry]:
        """Add decisions to the log, all or none; raises UsageError for one that contradicts the cast."""
        with self.writing() as connection:
            return [self._record(connection, operation, by) for operation in operations]

    def _record(self, connection: sqlite3.Connection, operation: Operation, by: str) -> Entry:
        numbers = {number for (number,) in connection.execute("SELECT id FROM appearance")}
        if operation.action not in ("event", "undo"):
            check(self.cast(), operation, numbers)
        return self.note(connection, operation, by)

    def note(self, connection: sqlite3.Connection, operation: Operation, by: str) -> Entry:
        """Add an entry to the log, without a check."""
        at = datetime.now(UTC).replace(microsecond=0)
        query = "INSERT INTO log (at, by, action, data) VALUES (?, ?, ?, ?)"
        values = at.isoformat(), by, operation.action, self._sealed(operation)
        return Entry(connection.execute(query, values).lastrowid or 0, at, by, operation.action, operation)

    def named_corrections(self) -> dict[str, tuple[str, int]]:
        """The corrections by which the cast named somebody: ``{id: (video, appearance)}``."""
        rows = self._connection.execute("SELECT id, video, appearance FROM correction")
        return {id_: (video, appearance) for id_, video, appearance in rows}

    def add_correction(self, id_: str, video: str, appearance: int) -> None:
        """Remember a correction by which the cast named somebody."""
        with self.writing() as connection:
            connection.execute("INSERT INTO correction VALUES (?, ?, ?)", (id_, video, appearance))

    def forget_correction(self, id_: str) -> None:
        """Forget a correction that was taken back."""
        with self.writing() as connection:
            connection.execute("DELETE FROM correction WHERE id = ?", (id_,))

    def excluded(self, video: str) -> list[tuple[TrackAnchor, ...]]:
        """Where erased people are seen in a video."""
        rows = self._connection.execute("SELECT data FROM excluded WHERE video = ? ORDER BY id", (video,))
        return [ANCHORS.validate_json(self.cipher.decrypt(data)) for (data,) in rows]

    def exclude(self, connection: sqlite3.Connection, appearances: Iterable[Appearance]) -> None:
        """Keep where people are seen, so that they are not collected again."""
        rows = [(one.video, self.cipher.encrypt(ANCHORS.dump_json(one.tracks))) for one in appearances]
        connection.executemany("INSERT INTO excluded (video, data) VALUES (?, ?)", rows)

    def erasures(self) -> list[bytes]:
        """The plans of erasures that are not complete, encrypted."""
        return [data for (data,) in self._connection.execute("SELECT data FROM erasure ORDER BY at")]

    def compact(self) -> None:
        """Write the file anew, so that no byte of deleted rows is left in it."""
        self._connection.execute("VACUUM")


def exists(settings: Settings) -> bool:
    """Whether anything was ever kept in the cast."""
    return (settings.cast / FILE).is_file()


@contextmanager
def opened(settings: Settings) -> Iterator[Store]:
    """Open the file of the cast, in a folder that only this user can read.

    Raises SettingError for a key that cannot be used, BrokenOutput for a file that the key does not decrypt.
    """
    cipher = open_cipher(settings)
    settings.cast.mkdir(parents=True, exist_ok=True, mode=0o700)
    with closing(Store(settings.cast / FILE, cipher)) as store:
        yield store
