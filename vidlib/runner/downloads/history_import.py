"""Import of download histories from elsewhere: nothing is lost, nothing is added twice.

It reads three formats: ``download_history.json`` (a list of links or objects, or ``{"urls": ...}``),
``download_history.sqlite3`` (a table ``download_history`` with ``url`` and ``timestamp``), and the export of
``vidlib downloads export``.
"""

import sqlite3
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, cast

from sqlalchemy import make_url

from vidlib.errors import RefusedInput, UsageError
from vidlib.ingest.offers import DownloadOffer
from vidlib.ingest.web import parse_json
from vidlib.ingest.webhook import parse_offer
from vidlib.runner.downloads import store
from vidlib.runner.store.database import Database, sqlite_file

SQLITE_HEAD = b"SQLite format 3\0"
UNFINISHED = frozenset({"downloading", "waiting", "paused"})
"""States that become ``known`` here, because the other machine continues these downloads."""

Entry = tuple[DownloadOffer, store.State]


@dataclass(frozen=True)
class ImportSummary:
    """The result of an import: entries ``read``, rows by outcome, malformed entries, and the backup's path.

    ``changed`` rows got an earlier time, a copy or a name. With ``dry_run`` nothing was written.
    """

    file: str
    read: int
    new: int
    changed: int
    same: int
    malformed: tuple[str, ...]
    backup: str | None
    dry_run: bool

    def as_json(self) -> dict[str, Any]:
        """Return the summary for programs."""
        return asdict(self)


def import_history(history: Database, file: Path, *, dry_run: bool = False) -> ImportSummary:
    """Add the entries of ``file`` to the history, after a backup of the database. Importing twice changes nothing.

    Raises UsageError if the file does not exist, and RefusedInput if it is not a download history.
    """
    entries, problems = read_entries(file)
    counts = store.add_offers(history, entries, dry_run=True)
    backup = None
    if (counts.new or counts.changed) and not dry_run:
        backup = back_up(history)
        counts = store.add_offers(history, entries)
    return ImportSummary(
        str(file), len(entries), **asdict(counts), malformed=tuple(problems), backup=backup, dry_run=dry_run
    )


def read_entries(file: Path) -> tuple[list[Entry], list[str]]:
    """Return the entries of a history in its order, and one line for each malformed entry."""
    if not file.is_file():
        raise UsageError(f"{file} is not a file; expected download_history.json or download_history.sqlite3")
    with open(file, "rb") as content:
        is_sqlite = content.read(len(SQLITE_HEAD)) == SQLITE_HEAD
    records = _sqlite_records(file) if is_sqlite else _json_records(file)
    # entries without a time get that of the file, so that a second import changes nothing
    default_time = file.stat().st_mtime
    entries: list[Entry] = []
    problems = []
    for number, record in enumerate(records, start=1):
        try:
            entries.append(_entry(record, default_time))
        except RefusedInput as error:
            problems.append(f"entry {number}: {error}")
    return entries, problems


def back_up(history: Database) -> str | None:
    """Copy the database to a file beside it, while others may use it. Returns the path, or None for no SQLite file."""
    url = make_url(history.url)
    if url.get_backend_name() != "sqlite":
        return None
    file = sqlite_file(history.url)
    target = file.with_name(f"{file.name}.backup-{time.strftime('%Y%m%d-%H%M%S')}")
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)
    target.chmod(file.stat().st_mode & 0o777)  # both contain links, which give access
    return str(target)


def _entry(record: object, default_time: float) -> Entry:
    """Return a record as an entry; raises RefusedInput if it is malformed."""
    record = {"url": record} if isinstance(record, str) else record
    offer = parse_offer(record, default_time)
    state = cast("Mapping[str, Any]", record).get("state", "done")
    if state not in store.STATES:
        raise RefusedInput(f"state: expected one of {', '.join(store.STATES)}, got {state!r}")
    store.key_of(offer.link)
    return replace(offer, link=offer.link.strip()), "known" if state in UNFINISHED else state


def _sqlite_records(file: Path) -> list[dict[str, Any]]:
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as database:
            database.text_factory = lambda text: text.decode(errors="surrogateescape")
            rows = database.execute("SELECT url, timestamp FROM download_history ORDER BY rowid").fetchall()
    except sqlite3.Error as error:
        raise RefusedInput(f"{file}: {error}; expected a table download_history with url and timestamp") from error
    return [{"url": url, "timestamp": timestamp} for url, timestamp in rows]


def _json_records(file: Path) -> list[Any]:
    try:
        document = parse_json(file.read_bytes())
    except (ValueError, RecursionError) as error:
        raise RefusedInput(f"{file}: {error}; expected JSON or SQLite") from error
    if isinstance(document, Mapping):
        document = document.get("urls")
    if isinstance(document, Mapping):  # {link: time}, or {link: record}
        document = [
            {"url": link, **(value if isinstance(value, Mapping) else {"timestamp": value})}
            for link, value in document.items()
        ]
    if not isinstance(document, list):
        raise RefusedInput(f"{file}: expected a list of links or objects, or an object with `urls`")
    return document
