"""The history of downloads as people and programs use it: add, mark, search, export, clean, import."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from vidlib.errors import UnknownName
from vidlib.ingest import parts
from vidlib.ingest.offers import DownloadOffer
from vidlib.ingest.urls import redacted
from vidlib.runner.downloads import history_import, store
from vidlib.runner.downloads.history_import import ImportSummary
from vidlib.runner.downloads.store import STATES, OfferCounts
from vidlib.runner.store.models import Download
from vidlib.runner.store.runs import History
from vidlib.settings import Settings

ADDABLE: tuple[store.State, ...] = ("known", "waiting", "done", "manual")
MARKABLE: tuple[store.Request, ...] = ("waiting", "paused", "cancelled", "known")
CLEANABLE: tuple[store.State, ...] = tuple(state for state in STATES if state != "downloading")

DAY_S = 86400.0

Known = TypeVar("Known", bound=str)

Match = tuple[Download, str | None]
"""A download, and the name of the project that it became."""


@contextmanager
def opened(settings: Settings) -> Iterator[History]:
    """The history, in which downloads of dead processes wait again."""
    with History(settings.database) as history:
        store.requeue_lost(history)
        yield history


def _one_of(state: str, states: tuple[Known, ...]) -> Known:
    """``state`` if it is among ``states``; raises UnknownName otherwise."""
    for known in states:
        if known == state:
            return known
    raise UnknownName("a state that fits here", state, states)


def search(settings: Settings, text: str, states: Sequence[str], limit: int | None) -> list[Match]:
    """The downloads in one of ``states`` (empty: all) that contain ``text`` somewhere; the latest offered first."""
    chosen = [_one_of(state, STATES) for state in states]
    with opened(settings) as history:
        return store.search(history, text, chosen, limit)


def add(settings: Settings, links: Sequence[str], state: str) -> OfferCounts:
    """Add links; new links get ``state``, one of `ADDABLE`. Raises RefusedInput, and adds none, if one is no link."""
    chosen = _one_of(state, ADDABLE)
    with opened(settings) as history:
        return store.add_offers(history, [(DownloadOffer(link, time.time()), chosen) for link in links])


def mark(settings: Settings, link: str, state: str) -> str:
    """Request a state, one of `MARKABLE`, and return the state now: a running download changes within a second.

    Raises UsageError for an unknown link, or for a download that has ended.
    """
    chosen = _one_of(state, MARKABLE)
    with opened(settings) as history:
        return store.request_state(history, store.key_of(store.link_of(history, link)), chosen)


def export(settings: Settings) -> dict[str, Any]:
    """Every download, in the form that `import_file` reads."""
    with opened(settings) as history:
        return {"urls": [_exported(match) for match in store.search(history)]}


def clean(settings: Settings, older_than_days: float, states: Sequence[str] | None, *, dry_run: bool) -> list[str]:
    """Remove downloads that ended long ago with their partial files; ``states`` are failed and cancelled unless given.

    Returns the links that were removed, or would be.
    """
    chosen = [_one_of(state, CLEANABLE) for state in states or store.PRUNABLE]
    with opened(settings) as history:
        before = time.time() - older_than_days * DAY_S
        rows = store.prune(history, before, chosen, dry_run=dry_run)
    if not dry_run:
        for link in (link for row in rows for link in row.links):
            parts.delete_part(settings.inbox, link)
    return [row.url for row in rows]


def import_file(settings: Settings, file: Path, *, dry_run: bool) -> ImportSummary:
    """Import a download history from a file, after a backup of the database."""
    with opened(settings) as history:
        return history_import.import_history(history, file, dry_run=dry_run)


def table_row(match: Match) -> dict[str, str]:
    """One row of the table that people read."""
    row, project = match
    percent = f" {row.bytes_done / row.bytes_total:.0%}" if row.state == "downloading" and row.bytes_total else ""
    return {
        "offered": _local_time(row.offered_at),
        "state": f"{row.state}{percent}",
        "provider": row.provider,
        "project": project or "",
        "link": row.original_url if row.state == "manual" else f"{redacted(row.url)} {row.handle}",
        "file": row.file or "",
        "error": row.error or "",
    }


def as_json(match: Match) -> dict[str, Any]:
    """One download for programs."""
    row, project = match
    bytes_left = row.bytes_total - row.bytes_done if row.bytes_total and row.state == "downloading" else None
    columns = ("url", "original_url", "proxy_url", "provider", "name", "state", "file", "sha256", "error", "attempts")
    return (
        {"handle": row.handle}
        | {name: getattr(row, name) for name in columns}
        | {
            "project": project,
            "offered_at": _iso(row.offered_at),
            "finished_at": _iso(row.finished_at),
            "bytes_done": row.bytes_done,
            "bytes_total": row.bytes_total,
            "bytes_per_second": row.rate,
            "seconds_left": round(bytes_left / row.rate, 1) if bytes_left is not None and row.rate else None,
        }
    )


def _exported(match: Match) -> dict[str, Any]:
    row, project = match
    identity = {"url": row.original_url, "timestamp": row.offered_at, "state": row.state}
    names = {"r2_url": row.proxy_url, "original_filename": row.name, "provider": row.provider}
    return identity | names | {"file": row.file, "sha256": row.sha256, "project": project, "error": row.error}


def _local_time(at: float) -> str:
    try:
        return time.strftime("%Y-%m-%d %H:%M", time.localtime(at))
    except (ValueError, OverflowError, OSError):  # earlier versions recorded any time
        return "unknown"


def _iso(at: float | None) -> str | None:
    try:
        return None if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):  # earlier versions recorded any time
        return None
