"""Histories of downloads from elsewhere: read, and taken over without losing or doubling anything.

Read are ``download_history.json`` (a list of links or objects, or ``{"urls": ...}``), ``download_history.sqlite3``
(a table ``download_history`` with ``url`` and ``timestamp``), and what ``vidlib downloads export`` writes.
"""

import json
import sqlite3
import time
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import make_url

from vidlib.errors import RefusedInput, UsageError
from vidlib.ingest.webhook import DownloadOffer, parse_offer
from vidlib.runner.downloads import store
from vidlib.runner.store.database import Database

SQLITE_HEAD = b"SQLite format 3\0"
OPEN = frozenset({"downloading", "waiting", "paused"})
"""States that are not taken over from another machine, where the download goes on by itself."""

Entry = tuple[DownloadOffer, store.State]


@dataclass(frozen=True)
class ImportSummary:
    """What came of an import: entries read, rows that are new, changed (an earlier time) or stayed, and problems."""

    file: str
    read: int
    new: int
    changed: int
    same: int
    malformed: tuple[str, ...]
    backup: str | None
    dry_run: bool

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def import_history(history: Database, file: Path, *, dry_run: bool = False) -> ImportSummary:
    """Add what ``file`` holds to the history; a backup is made before anything is changed.

    Doing it again changes nothing. Raises UsageError for a file that is not there, RefusedInput for one that is no
    history.
    """
    entries, problems = read(file)
    foreseen = store.add_offers(history, entries, dry=True)
    backup = None
    if (foreseen.new or foreseen.changed) and not dry_run:
        backup = back_up(history)
        foreseen = store.add_offers(history, entries)
    counts = asdict(foreseen)
    return ImportSummary(str(file), len(entries), **counts, malformed=tuple(problems), backup=backup, dry_run=dry_run)


def read(file: Path) -> tuple[list[Entry], list[str]]:
    """The entries of a history, in its order, and a line for each that is malformed."""
    if not file.is_file():
        raise UsageError(f"{file} is no file; expected download_history.json or download_history.sqlite3")
    with open(file, "rb") as content:
        is_sqlite = content.read(len(SQLITE_HEAD)) == SQLITE_HEAD
    records = _of_sqlite(file) if is_sqlite else _of_json(file)
    # all of one file that say no time get the same one, whenever it is read: doing it again changes nothing
    now, entries, problems = file.stat().st_mtime, [], []
    for number, record in enumerate(records, start=1):
        try:
            entries.append(_entry(record, now))
        except RefusedInput as error:
            problems.append(f"entry {number}: {error}")
    return entries, problems


def back_up(history: Database) -> str | None:
    """Copy the database beside itself, whole, while others may use it; its path. None for one that is no file."""
    url = make_url(history.url)
    if url.get_backend_name() != "sqlite" or not url.database:
        return None
    stamp = time.strftime("%Y%m%d-%H%M%S")
    target = Path(url.database).with_name(f"{Path(url.database).name}.backup-{stamp}")
    with closing(sqlite3.connect(url.database)) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)
    return str(target)


def _entry(record: Any, now: float) -> Entry:
    record = {"url": record} if isinstance(record, str) else record
    offer = parse_offer(record, now)
    state = record.get("state", "done")
    if state not in store.STATES:
        raise RefusedInput(f"state: expected one of {', '.join(store.STATES)}, got {state!r}")
    store.key_of(offer.link)
    return replace(offer, link=offer.link.strip()), "known" if state in OPEN else state


def _of_sqlite(file: Path) -> Iterable[Any]:
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as old:
            rows = old.execute("SELECT url, timestamp FROM download_history ORDER BY rowid").fetchall()
    except sqlite3.Error as error:
        raise RefusedInput(f"{file}: {error}; expected a table download_history with url and timestamp") from error
    return [{"url": url, "timestamp": when} for url, when in rows]


def _of_json(file: Path) -> Iterable[Any]:
    try:
        document = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        raise RefusedInput(f"{file}: {error}; expected JSON or SQLite") from error
    if isinstance(document, Mapping):
        document = document.get("urls")
    if isinstance(document, Mapping):  # {link: time}
        document = [
            {"url": link, **(said if isinstance(said, Mapping) else {"timestamp": said})}
            for link, said in document.items()
        ]
    if not isinstance(document, list):
        raise RefusedInput(f"{file}: expected a list of links or objects, or an object with `urls`")
    return document
