"""An index of the results archive: it finds entries by content, name, project and date without reading all of them.

The index is the file ``.index.sqlite`` in the archive. It is a cache: each search lists the metadata files on the disk,
reads those that are new or changed, and leaves out those that are gone. Without the file, or where it cannot be
written, the same search reads every entry. The index also remembers the SHA-256 of the videos that people look up.
"""

import logging
import os
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from vidlib import files
from vidlib.errors import BrokenOutput
from vidlib.files import FileState
from vidlib.progress import Report, quiet
from vidlib.results import archive_entry, index_file
from vidlib.results.archive import find, newest_first
from vidlib.results.archive_entry import METADATA, Entry
from vidlib.text import path_text, sha256_start

INDEX = ".index.sqlite"
FORMAT = 1
"""Raised whenever the tables change; an index of another format is made anew."""

MAX_HASHES = 100_000
"""Files whose SHA-256 the index remembers."""

TABLES = """
CREATE TABLE IF NOT EXISTS entries (
    folder BLOB PRIMARY KEY, state TEXT NOT NULL, gone INTEGER NOT NULL DEFAULT 0, damaged INTEGER NOT NULL DEFAULT 0,
    video_hash TEXT NOT NULL DEFAULT '', source_hash TEXT NOT NULL DEFAULT '', created_at TEXT NOT NULL DEFAULT '',
    words TEXT NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS hashes (state TEXT PRIMARY KEY, sha256 TEXT NOT NULL) WITHOUT ROWID;
"""
"""``folder`` is below the archive, in the bytes of the file system. ``words`` are names and project, case-folded."""

SCHEMA = index_file.Schema(FORMAT, TABLES, ("entries", "hashes"))

STAMP = re.compile(r" \d{4}-?\d\d-?\d\d([T_ -]?\d\d[\d:.-]*Z?)?$")
DATE = re.compile(r"\d{4}(-\d\d(-\d\d)?)?")

log = logging.getLogger(__name__)


def project_of(folder: Path) -> str:
    """The project of the entry in ``folder``: the name of the folder above, without the time.

    >>> project_of(Path("archive/Spring 2026-11-22T120000Z/ab")), project_of(Path("archive/Old 20240102_030405/ab"))
    ('Spring', 'Old')
    """
    return STAMP.sub("", folder.parent.name)


OnError = Callable[[Path, OSError], None]
"""Called with a folder that cannot be read."""


def _log(folder: Path, error: OSError) -> None:
    log.warning("%s is ignored because it cannot be read: %s", path_text(folder), error.strerror)


def entry_folders(root: Path, on_error: OnError = _log) -> Iterator[tuple[Path, os.stat_result | None]]:
    """Yield each folder of an entry, with the state of its metadata file; None where it is missing.

    A folder counts if it has a metadata file or the name of a SHA-256. Hidden folders do not count.
    """
    for key, state in _listing(root, on_error):
        yield root / key, state


def _listing(root: Path, on_error: OnError = _log) -> Iterator[tuple[str, os.stat_result | None]]:
    """As `entry_folders`, but with folders below ``root`` as text: thousands of `Path` take most of the time."""
    for project in _subfolders(str(root), on_error):
        for folder in _subfolders(f"{root}/{project}", on_error):
            try:
                yield f"{project}/{folder}", os.stat(f"{root}/{project}/{folder}/{METADATA}")  # noqa: PTH116
            except OSError:
                if re.fullmatch("[0-9a-fA-F]{64}", folder):
                    yield f"{project}/{folder}", None


def _subfolders(folder: str, on_error: OnError) -> list[str]:
    try:
        with os.scandir(folder) as items:
            return sorted(item.name for item in items if not item.name.startswith(".") and item.is_dir())
    except FileNotFoundError:
        return []
    except OSError as error:
        on_error(Path(folder), error)
        return []


@dataclass
class Search:
    """Entries that match, newest first; and a sentence for each folder of the archive that cannot be read."""

    entries: list[Entry]
    unreadable: list[str] = field(default_factory=list)


class Index:
    """The open index of the archive in ``root``; use `opened`."""

    def __init__(self, root: Path, connection: sqlite3.Connection):
        self.root, self.connection = root, connection

    def update(self, report: Report = quiet) -> None:
        """Bring the index to the state of the disk. Entries that disappeared are marked as gone."""
        known = dict(self.connection.execute("SELECT folder, state FROM entries WHERE NOT gone").fetchall())
        present = {os.fsencode(key): _state(stat) for key, stat in _listing(self.root)}
        changed = [key for key, state in present.items() if not state or known.get(key) != state]
        gone = known.keys() - present.keys()
        rows = []
        for done, key in enumerate(changed, start=1):
            rows.append((key, present[key], *self._columns(key)))
            report(done, len(changed))
        if rows or gone:
            with self.connection:
                self.connection.executemany("UPDATE entries SET gone = 1 WHERE folder = ?", [(key,) for key in gone])
                self.connection.executemany("REPLACE INTO entries VALUES (?, ?, 0, ?, ?, ?, ?, ?)", rows)

    def _columns(self, key: bytes) -> "Columns":
        try:
            return _columns(archive_entry.read(self.folder(key)))
        except BrokenOutput:
            return 1, "", "", "", ""

    def close(self) -> None:
        """Close the file; an open transaction is rolled back."""
        self.connection.close()

    def folder(self, key: bytes) -> Path:
        return self.root / os.fsdecode(key)

    def search(self, text: str) -> Search:
        """The entries that ``text`` names: SHA-256 or its beginning, part of a name or project, or date (UTC)."""
        conditions = ["instr(words, ?) > 0"]
        values: list[object] = [text.casefold()]
        if digits := sha256_start(text):
            conditions += ["substr(video_hash, 1, ?) = ?", "substr(source_hash, 1, ?) = ?"]
            values += [len(digits), digits] * 2
        if DATE.fullmatch(text):
            conditions.append("substr(created_at, 1, ?) = ?")
            values += [len(text), text]
        return self._matches(f"({' OR '.join(conditions)})", values)

    def by_content(self, sha256: str) -> Search:
        """The entries whose delivered or original file has this SHA-256."""
        return self._matches("? IN (video_hash, source_hash)", [sha256])

    def all(self) -> Search:
        """Every entry."""
        return self._matches("1", [])

    def _matches(self, condition: str, values: list[object]) -> Search:
        columns = "folder, damaged, video_hash, source_hash, created_at, words"
        query = f"SELECT {columns} FROM entries WHERE NOT gone AND (damaged OR {condition}) ORDER BY folder"
        entries, problems = [], []
        for key, *row in self.connection.execute(query, values).fetchall():
            try:
                entry = archive_entry.read(self.folder(key))
            except BrokenOutput as error:
                problems.append(str(error))
                continue
            if tuple(row) != _columns(entry):
                raise IndexLies(f"the index and the metadata of {path_text(entry.folder)} differ")
            entries.append(entry)
        return Search(newest_first(entries), problems)

    def current(self) -> dict[bytes, str]:
        """``{folder: state}`` of the newest entry of each video; the same delivered or original file is one video."""
        query = """SELECT folder, state, video_hash, source_hash FROM entries WHERE NOT gone AND NOT damaged
            ORDER BY created_at DESC, folder"""
        known: set[str] = set()
        newest = {}
        for key, state, *hashes in self.connection.execute(query):
            if known.isdisjoint(hashes):
                newest[key] = state
            known.update(filter(None, hashes))
        return newest

    def damaged(self) -> list[Path]:
        """The folders whose metadata are damaged."""
        query = "SELECT folder FROM entries WHERE NOT gone AND damaged ORDER BY folder"
        return [self.folder(key) for (key,) in self.connection.execute(query)]

    def gone(self) -> list[Path]:
        """The folders of entries that disappeared since the index was made, and were not moved to another folder."""
        query = """SELECT folder FROM entries old WHERE gone AND NOT EXISTS (
            SELECT 1 FROM entries WHERE NOT gone AND video_hash = old.video_hash AND created_at = old.created_at)"""
        return sorted(self.folder(key) for (key,) in self.connection.execute(query))

    def forget(self, folder: Path) -> None:
        """Forget an entry that was removed on purpose."""
        with self.connection:
            key = os.fsencode(folder.relative_to(self.root))
            self.connection.execute("DELETE FROM entries WHERE folder = ?", (key,))

    def sha256(self, path: Path) -> str:
        """SHA-256 of a file; a file that has not changed since an earlier look-up is not read again."""
        before = FileState.from_stat(path.stat())
        query = "SELECT sha256 FROM hashes WHERE state = ?"
        if row := self.connection.execute(query, (_text_of(before),)).fetchone():
            files.remember_sha256(before, row[0])
            return str(row[0])
        digest = files.sha256(path)
        state = FileState.from_stat(path.stat())
        if files.known_sha256(state) == digest:
            with suppress(sqlite3.OperationalError), self.connection:
                self.connection.execute("REPLACE INTO hashes VALUES (?, ?)", (_text_of(state), digest))
                over = "SELECT state FROM hashes LIMIT max(0, (SELECT count(*) FROM hashes) - ?)"
                self.connection.execute(f"DELETE FROM hashes WHERE state IN ({over})", (MAX_HASHES,))
        return digest


class IndexLies(Exception):
    """The index contradicts the metadata on the disk."""


Columns = tuple[int, str, str, str, str]


def _columns(entry: Entry) -> Columns:
    """The columns from ``damaged`` on."""
    metadata = entry.metadata
    names = (metadata.video_stem, metadata.video_path.rpartition("/")[2], path_text(Path(project_of(entry.folder))))
    words = "\n".join(names).casefold()
    return 0, metadata.video_hash, metadata.source_hash or "", metadata.created_at.isoformat(), words


def _text_of(state: FileState) -> str:
    return ":".join(map(str, state))


def _state(stat: os.stat_result | None) -> str:
    """The state of a file as text. It is empty if a change might leave it the same: then the file is read again."""
    if stat is None:
        return ""
    state = FileState.from_stat(stat)
    return _text_of(state) if state.is_settled() else ""


@contextmanager
def opened(root: Path, *, create: bool = False, report: Report = quiet) -> Iterator[Index]:
    """Open the index of the archive in ``root``, brought to the state of the disk.

    ``create`` makes the file if there is none. Without a file that this user can write, the index is in memory only.
    """
    wanted = root.is_dir() and (create or (root / INDEX).exists())
    file = root / INDEX if wanted else None
    with closing(index_file.opened(file, lambda name: _updated(root, name, report))) as index:
        yield index


def _updated(root: Path, file: str, report: Report = quiet) -> Index:
    index = Index(root, index_file.connect(file, SCHEMA))
    try:
        index.update(report)
    except BaseException:
        index.close()
        raise
    return index


def search(root: Path, query: str, *, create: bool = False, report: Report = quiet) -> Search:
    """The entries that ``query`` names, newest first.

    ``query`` is a file (by its content), a SHA-256 or its beginning, a part of a name or project in any case, or a date
    (UTC) such as 2026, 2026-11 or 2026-11-22. ``create`` makes the index, if there is none.
    """

    def ask(index: Index) -> Search:
        return index.by_content(index.sha256(Path(query))) if _is_file(query) else index.search(query)

    try:
        with opened(root, create=create, report=report) as index:
            return ask(index)
    except IndexLies as error:
        log.warning("%s; the index is made anew", error)
    with suppress(OSError, BrokenOutput):
        rebuild(root)
    with closing(_updated(root, index_file.MEMORY)) as memory:
        return ask(memory)


def names_exactly(query: str) -> bool:
    """Whether ``query`` is a file, a date, or the beginning of a SHA-256 that has a digit."""
    is_hash = sha256_start(query) is not None and any(char.isdigit() for char in query)
    return is_hash or bool(DATE.fullmatch(query)) or _is_file(query)


def _is_file(query: str) -> bool:
    try:
        return Path(query).is_file()
    except (OSError, ValueError):  # a name that is too long, or has a NUL
        return False


def rebuild(root: Path, report: Report = quiet) -> Search:
    """Make the index from the entries alone, and return all of them.

    Another process sees the old index until the new one is complete. A process that dies leaves the old one. Raises
    OSError if there is no archive, and BrokenOutput if the index cannot be written.
    """
    root.stat()
    try:
        index = _emptied(root)
    except sqlite3.Error as error:
        raise BrokenOutput(f"the index {root / INDEX} cannot be written: {error}") from error
    with closing(index):
        index.update(report)
        index.connection.commit()
        return index.all()


def _emptied(root: Path) -> Index:
    """The index without rows, in a transaction that is not committed; a file that is no index is replaced."""
    try:
        index = Index(root, index_file.connect(str(root / INDEX), SCHEMA))
        index.connection.execute("BEGIN IMMEDIATE")
        index.connection.execute("DELETE FROM entries")
        index.connection.execute("DELETE FROM hashes")
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        index_file.remove(root / INDEX)
        return Index(root, index_file.connect(str(root / INDEX), SCHEMA))
    return index


def entries_of(root: Path, sha256: str) -> list[Entry]:
    """Every entry whose delivered or original file has this SHA-256, newest first; by the index, if there is one."""
    if not (root / INDEX).is_file():
        return find(root, sha256)
    try:
        with opened(root) as index:
            return index.by_content(sha256).entries
    except IndexLies:
        return find(root, sha256)
