"""The downloads in the history: every offered link, the state of its download, and the process that works on it.

All spellings of a link are one row, even if several processes offer it at the same moment.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Insert, Update, case, delete, func, or_, select, update
from sqlalchemy.orm import Session

from vidlib.errors import UsageError
from vidlib.files import sha256_text
from vidlib.ingest.offers import DownloadOffer
from vidlib.ingest.urls import HANDLE, key_of, normalized, redacted
from vidlib.runner.store import identity
from vidlib.runner.store.database import Database, changed_rows
from vidlib.runner.store.models import TO_COME, Download, Project
from vidlib.runner.store.queue import renew

State = Literal["known", "waiting", "downloading", "paused", "done", "failed", "manual", "cancelled"]
STATES: tuple[State, ...] = ("known", "waiting", "downloading", "paused", "done", "failed", "manual", "cancelled")
PRUNABLE: tuple[State, ...] = ("failed", "cancelled")
"""The states of rows that can be removed without a second download of the same file."""

BATCH = 500
"""The most offers in one transaction: other processes wait for its end."""

OFFER_COLUMNS = ("key", "proxy_key", "proxy_url", "name", "offered_at")

Change = Literal["new", "changed", "same"]
Row = dict[str, Any]
"""Values of a download by column."""

Request = Literal["waiting", "paused", "cancelled", "known"]
"""The states that a user can request."""


@dataclass(frozen=True)
class OfferCounts:
    """How many offers were new, changed a row (an earlier time, a copy, a name), or changed nothing."""

    new: int = 0
    changed: int = 0
    same: int = 0


def add_offers(
    history: Database, offers: Iterable[tuple[DownloadOffer, State]], *, dry_run: bool = False
) -> OfferCounts:
    """Add offers, each with the state for a new row; a known row gets the earliest time, and a copy and a name.

    Each transaction adds at most BATCH offers. With ``dry_run`` it only counts. Raises RefusedInput for an invalid
    link, before it adds anything.
    """
    rows = [_new_row(offer, state) for offer, state in offers]
    counts: dict[Change, int] = {"new": 0, "changed": 0, "same": 0}
    known: dict[str, Row] = {}
    for first in range(0, len(rows), BATCH):
        batch = rows[first : first + BATCH]
        with history.reading() if dry_run else history.writing() as session:
            _look_up(session, batch, known)
            changes = [_change(known, row) for row in batch]
            to_write = [row for _, row in changes if row]
            if to_write and not dry_run:
                session.execute(_upsert(session), to_write)
        for change, _ in changes:
            counts[change] += 1
    return OfferCounts(**counts)


def find_or_add(history: Database, link: str) -> Download:
    """Return the row of a link, or of the link that it is a copy of; a new link gets the state ``known``."""
    add_offers(history, [(DownloadOffer(link, time.time()), "known")])
    if (row := find(history, link)) is None:
        raise UsageError(f"{redacted(link)} was removed from the downloads just now; try again")
    return row


def find(history: Database, link: str) -> Download | None:
    """Return the row of a link, or of the link that it is a copy of."""
    with history.reading() as session:
        return _row_of(session, key_of(link))


def link_of(history: Database, link: str) -> str:
    """Return the link that a handle names; any other text is returned as it is.

    Raises UsageError for an unknown handle.
    """
    if (match := HANDLE.fullmatch(link.strip())) is None:
        return link
    query = select(Download.original_url).where(Download.key.startswith(match[1])).limit(2)
    with history.reading() as session:
        links = list(session.scalars(query))
    if len(links) != 1:
        raise UsageError(
            f"the history has {len(links)} links with the handle {link.strip()}; see: vidlib downloads list"
        )
    return links[0]


def get(history: Database, key: str) -> Download:
    """Return the row with a key; raises UsageError if there is none."""
    with history.reading() as session:
        return _existing(session.get(Download, key), key)


def search(
    history: Database, text: str = "", states: Sequence[str] = (), limit: int | None = None
) -> list[tuple[Download, str | None]]:
    """Return downloads with the name of their project, the latest offer first.

    Only those that contain ``text`` in a column, and only those in one of ``states`` if any is given.
    """
    query = select(Download, Project.name).outerjoin(Project, Project.sha256 == Download.sha256)
    query = query.order_by(Download.offered_at.desc(), Download.key).limit(limit)
    if text:
        columns = (Download.url, Download.original_url, Download.proxy_url, Download.name, Download.file, Project.name)
        matches = [column.icontains(text, autoescape=True) for column in columns]
        query = query.where(or_(*matches, Download.sha256.startswith(text, autoescape=True)))
    if states:
        query = query.where(Download.state.in_(states))
    with history.reading() as session:
        return [(row, project) for row, project in session.execute(query)]


def count(history: Database) -> int:
    """Return the number of downloads in any state."""
    with history.reading() as session:
        return session.scalar(select(func.count()).select_from(Download)) or 0


def find_same_content(history: Database, sha256: str, but: str) -> Download | None:
    """Return another download than that with the key ``but`` whose file has the same bytes and still exists."""
    same = select(Download).where(Download.sha256 == sha256, Download.state == "done", Download.key != but)
    with history.reading() as session:
        rows = list(session.scalars(same.order_by(Download.finished_at)))
    return next((row for row in rows if row.file and Path(row.file).is_file()), None)


def next_waiting(history: Database, now: float) -> Download | None:
    """Return the next download that may start at ``now``: few attempts first, then early offers.

    Downloads of dead processes count as waiting.
    """
    requeue_lost(history)
    query = select(Download).where(Download.state == "waiting", Download.not_before <= now)
    with history.reading() as session:
        return session.scalar(query.order_by(Download.attempts, Download.offered_at, Download.key).limit(1))


def claim(history: Database, key: str, states: Sequence[str]) -> Download | None:
    """Take a download that is in one of ``states`` or whose worker is dead; None if another process has it."""
    with history.writing() as session:
        row = session.get(Download, key, with_for_update=True)
        if row is None or not (row.state in states or _is_lost(row)):
            return None
        row.state, row.worker, row.heartbeat_at, row.asked = "downloading", identity.this_process(), time.time(), None
        row.attempts, row.error, row.rate, row.finished_at = row.attempts + 1, None, None, None
        return row


def heartbeat(history: Database, key: str, **progress: Any) -> str | None:
    """Renew the claim on a download and write its ``progress`` (columns).

    Returns the state that somebody requested, ``lost`` if another process has claimed it, or None to continue.
    """
    with history.writing() as session:
        if not renew(session, _own_row(key), **progress):
            return "lost"
        return session.scalar(select(Download.asked).where(Download.key == key))


def finish(history: Database, key: str, state: State, **values: Any) -> bool:
    """Write the outcome of a download of this process; False, without a change, if another process has claimed it."""
    outcome = {"state": state, "asked": None, "worker": None, "finished_at": time.time(), **values}
    with history.writing() as session:
        return bool(changed_rows(session, _own_row(key).values(**outcome)))


def record_outcome(history: Database, link: str, state: State, **values: Any) -> None:
    """Write the outcome of a link that a run downloaded, unless another process is downloading it now."""
    outcome = {"state": state, "error": None, "finished_at": time.time(), **values}
    idle = update(Download).where(Download.key == key_of(link), Download.state != "downloading")
    with history.writing() as session:
        session.execute(idle.values(**outcome))


def request_state(history: Database, key: str, state: Request) -> str:
    """Bring a download into ``state`` and return its state now; a running download changes at its next heartbeat.

    A download that has ended can only wait again, or become known if a person fetched it. Raises UsageError for
    any other change of it.
    """
    with history.writing() as session:
        row = _existing(session.get(Download, key, with_for_update=True), key)
        if row.state == "downloading" and not _is_lost(row):
            row.asked = None if state == "waiting" else state
        elif state == "waiting" or row.state in TO_COME or (row.state == "manual" and state != "paused"):
            row.state, row.not_before, row.error = state, 0.0, None
        else:
            raise UsageError(
                f"{redacted(row.url)} is {row.state}; expected a download that is waiting, running or manual"
            )
        return row.state


def requeue_lost(history: Database) -> list[str]:
    """Set downloads of dead processes back to waiting; return their keys."""
    with history.reading() as session:
        running = session.scalars(select(Download).where(Download.state == "downloading"))
        lost = [row for row in running if _is_lost(row)]
    requeued = []
    for row in lost:
        unchanged = (Download.key == row.key, Download.state == "downloading", Download.worker == row.worker)
        requeue = update(Download).where(*unchanged, Download.heartbeat_at == row.heartbeat_at)
        with history.writing() as session:
            if changed_rows(session, requeue.values(state="waiting", worker=None)):
                requeued.append(row.key)
    return requeued


def prune(
    history: Database, before: float, states: Sequence[str] = PRUNABLE, *, dry_run: bool = False
) -> list[Download]:
    """Remove downloads that ended in one of ``states`` before a time in seconds since 1970; return them.

    With ``dry_run`` nothing is removed.
    """
    old = (Download.state.in_(states), func.coalesce(Download.finished_at, Download.offered_at) < before)
    with history.writing() as session:
        rows = list(session.scalars(select(Download).where(*old)))
        if not dry_run:
            session.execute(delete(Download).where(*old))
    return rows


def _new_row(offer: DownloadOffer, state: State) -> Row:
    url, proxy = normalized(offer.link), offer.proxy and normalized(offer.proxy)
    return {
        "key": sha256_text(url),
        "url": url,
        "original_url": offer.link.strip(),
        "proxy_url": offer.proxy,
        "proxy_key": proxy and sha256_text(proxy),
        "provider": offer.provider,
        "name": offer.name,
        "offered_at": offer.offered_at,
        "state": state,
        "attempts": 0,
        "not_before": 0.0,
        "bytes_done": 0,
    }


def _look_up(session: Session, rows: Sequence[Row], known: dict[str, Row]) -> None:
    """Add the existing rows for ``rows`` to ``known``, by the key of the link and by that of its copy."""
    keys = {key for row in rows for key in (row["key"], row["proxy_key"]) if key}
    query = select(*(getattr(Download, name) for name in OFFER_COLUMNS))
    query = query.where(or_(Download.key.in_(keys), Download.proxy_key.in_(keys)))
    for row in session.execute(query.order_by(Download.offered_at, Download.key)).mappings():
        _remember(known, dict(row))


def _remember(known: dict[str, Row], row: Row) -> None:
    """Add a row by its own key, which takes precedence over copies, and by the key of its copy."""
    if known.get(row["key"], {}).get("key") != row["key"]:
        known[row["key"]] = row
    if row["proxy_key"]:
        known.setdefault(row["proxy_key"], row)


def _change(known: dict[str, Row], row: Row) -> tuple[Change, Row | None]:
    """Return what an offer changes, and the row to write; ``known`` is updated."""
    current = known.get(row["key"]) or known.get(row["proxy_key"])
    if current is None:
        _remember(known, {name: row[name] for name in OFFER_COLUMNS})
        return "new", row
    # the link may be known only as the copy of another one, which keeps its own copy
    takes_copy = row["key"] == current["key"] and current["proxy_url"] is None
    columns = ("proxy_url", "proxy_key", "name") if takes_copy else ("name",)
    news = {name: row[name] for name in columns if current[name] is None and row[name] is not None}
    if row["offered_at"] < current["offered_at"]:
        news["offered_at"] = row["offered_at"]
    if not news:
        return "same", None
    current.update(news)
    _remember(known, current)
    return "changed", {**row, **current}


def _upsert(session: Session) -> Insert:
    """Return an insert that gives existing rows the earliest time, and the copy and name that they lack."""
    insert = import_module(f"sqlalchemy.dialects.{session.get_bind().dialect.name}").insert
    current = Download.__table__.c
    adding = insert(Download.__table__)
    new = adding.excluded
    earliest = case((new.offered_at < current.offered_at, new.offered_at), else_=current.offered_at)
    lacking = {name: func.coalesce(current[name], new[name]) for name in ("proxy_url", "proxy_key", "name")}
    upsert: Insert = adding.on_conflict_do_update(index_elements=["key"], set_={"offered_at": earliest, **lacking})
    return upsert


def _row_of(session: Session, key: str) -> Download | None:
    """Return the row with a key, or the earliest row whose copy has it."""
    if row := session.get(Download, key):
        return row
    query = select(Download).where(Download.proxy_key == key)
    return session.scalar(query.order_by(Download.offered_at, Download.key).limit(1))


def _existing(row: Download | None, key: str) -> Download:
    if row is None:
        raise UsageError(f"there is no download {key[:12]}; see: vidlib downloads list")
    return row


def _is_lost(row: Download) -> bool:
    """Return whether the process that downloads it is dead."""
    return row.state == "downloading" and not (
        row.worker and row.heartbeat_at is not None and identity.alive(row.worker, row.heartbeat_at)
    )


def _own_row(key: str) -> Update:
    """Return an update of a download as long as this process has claimed it."""
    own = (Download.key == key, Download.worker == identity.this_process(), Download.state == "downloading")
    return update(Download).where(*own)
