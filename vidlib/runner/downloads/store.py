"""The downloads in the history: which links were ever offered, what became of each, and who downloads which now.

A link is one row whatever its spelling, however many processes offer it at the same moment.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Insert, case, delete, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from vidlib.errors import UsageError
from vidlib.files import sha256_text
from vidlib.ingest.urls import normalized
from vidlib.ingest.webhook import DownloadOffer
from vidlib.runner.store import identity
from vidlib.runner.store.database import Database
from vidlib.runner.store.models import TO_COME, Download, Project

State = Literal["known", "waiting", "downloading", "paused", "done", "failed", "manual", "cancelled"]
STATES: tuple[State, ...] = ("known", "waiting", "downloading", "paused", "done", "failed", "manual", "cancelled")
PRUNABLE: tuple[State, ...] = ("failed", "cancelled")
"""States whose rows may be cleaned away without a file being downloaded twice."""

BATCH = 500
"""Offers that are kept in one transaction: others wait for its end."""

OFFER_COLUMNS = ("key", "proxy_key", "proxy_url", "name", "offered_at")


@dataclass(frozen=True)
class OfferCounts:
    """What came of offers: rows that are new, that got an earlier time or a copy, and that stayed as they were."""

    new: int = 0
    changed: int = 0
    same: int = 0


def key_of(link: str) -> str:
    """What a link is kept under; raises RefusedInput for what is no link."""
    return sha256_text(normalized(link))


def add_offers(history: Database, offers: Iterable[tuple[DownloadOffer, State]], *, dry: bool = False) -> OfferCounts:
    """Keep offers, each with the state that it gets if it is new; of a known one, the earliest time and a copy.

    Of many offers, BATCH at a time. A ``dry`` call only says what it would do. Raises RefusedInput, keeping none, for
    an offer whose link is none.
    """
    rows = [_row(offer, state) for offer, state in offers]
    counts = {"new": 0, "changed": 0, "same": 0}
    known: dict[str, dict[str, Any]] = {}
    for first in range(0, len(rows), BATCH):
        batch = rows[first : first + BATCH]
        with history.reading() if dry else history.writing() as session:
            _look_up(session, batch, known)
            changes = [_change(known, row) for row in batch]
            kept = [row for _, row in changes if row]
            if kept and not dry:
                session.execute(_upsert(session), kept)
        for verdict, _ in changes:
            counts[verdict] += 1
    return OfferCounts(**counts)


def find(history: Database, link: str) -> Download | None:
    """What is known of a link, or of what it is a copy of."""
    with history.reading() as session:
        return _row_of(session, key_of(link))


def get(history: Database, key: str) -> Download:
    """The row with this key; raises UsageError if there is none."""
    with history.reading() as session:
        if (row := session.get(Download, key)) is None:
            raise UsageError(f"there is no download {key[:12]}; see: vidlib downloads list")
        return row


def search(
    history: Database, text: str = "", states: Sequence[str] = (), limit: int | None = None
) -> list[tuple[Download, str | None]]:
    """Downloads, the latest offered first, with the project that each became; those that hold ``text`` somewhere."""
    wanted = select(Download, Project.name).outerjoin(Project, Project.sha256 == Download.sha256)
    wanted = wanted.order_by(Download.offered_at.desc(), Download.key).limit(limit)
    if text:
        columns = (Download.url, Download.original_url, Download.proxy_url, Download.name, Download.file, Project.name)
        holds = [column.icontains(text, autoescape=True) for column in columns]
        wanted = wanted.where(or_(*holds, Download.sha256.startswith(text, autoescape=True)))
    if states:
        wanted = wanted.where(Download.state.in_(states))
    with history.reading() as session:
        return [(row, project) for row, project in session.execute(wanted)]


def count(history: Database) -> int:
    with history.reading() as session:
        return session.scalar(select(func.count()).select_from(Download))


def find_same_content(history: Database, sha256: str, but: str) -> Download | None:
    """Another download, not that with the key ``but``, that brought the same bytes, and whose file is still there."""
    same = select(Download).where(Download.sha256 == sha256, Download.state == "done", Download.key != but)
    with history.reading() as session:
        rows = list(session.scalars(same.order_by(Download.finished_at)))
    return next((row for row in rows if row.file and Path(row.file).is_file()), None)


def next_waiting(history: Database, now: float) -> Download | None:
    """The download that waits longest and may begin at ``now``; those of dead processes count as waiting."""
    requeue_lost(history)
    wanted = select(Download).where(Download.state == "waiting", Download.not_before <= now)
    with history.reading() as session:
        return session.scalar(wanted.order_by(Download.attempts, Download.offered_at, Download.key).limit(1))


def claim(history: Database, key: str, states: Sequence[str]) -> Download | None:
    """Take a download that is in one of ``states``, or whose worker is dead; None if somebody else has it."""
    with history.writing() as session:
        row = session.get(Download, key, with_for_update=True)
        if row is None or not (row.state in states or _is_lost(row)):
            return None
        row.state, row.worker, row.heartbeat_at, row.asked = "downloading", identity.this_process(), time.time(), None
        row.attempts, row.error, row.rate, row.finished_at = row.attempts + 1, None, None, None
        return row


def heartbeat(history: Database, key: str, **progress: Any) -> str | None:
    """Give a sign of life with the ``progress`` (columns); the state that it is to be left in, None to go on.

    "lost" if another process has taken it.
    """
    with history.writing() as session:
        if not session.execute(_own_row(key).values(heartbeat_at=time.time(), **progress)).rowcount:
            return "lost"
        return session.scalar(select(Download.asked).where(Download.key == key))


def finish(history: Database, key: str, state: State, **values: Any) -> bool:
    """Write down options a download of this process ended; False, and nothing is written, if it is another's by now."""
    ended = {"state": state, "asked": None, "worker": None, "finished_at": time.time(), **values}
    with history.writing() as session:
        return bool(session.execute(_own_row(key).values(**ended)).rowcount)


def record_outcome(history: Database, link: str, state: State, **values: Any) -> None:
    """Write down what came of a link that a run downloads; what another process downloads meanwhile is left alone."""
    ended = {"state": state, "error": None, "finished_at": time.time(), **values}
    idle = update(Download).where(Download.key == key_of(link), Download.state != "downloading")
    with history.writing() as session:
        session.execute(idle.values(**ended))


def request_state(history: Database, key: str, state: Literal["waiting", "paused", "cancelled", "known"]) -> str:
    """Have a download left in ``state``; what it is in now. Whoever downloads it is asked, and stops within a second.

    Raises UsageError for one that is over, unless it is to wait again; one that a person has brought may be closed.
    """
    with history.writing() as session:
        row = session.get(Download, key, with_for_update=True)
        if row is None:
            raise UsageError(f"there is no download {key[:12]}; see: vidlib downloads list")
        if row.state == "downloading" and not _is_lost(row):
            row.asked = None if state == "waiting" else state
        elif state == "waiting" or row.state in TO_COME or (row.state == "manual" and state != "paused"):
            row.state, row.not_before, row.error = state, 0.0, None
        else:
            raise UsageError(f"{row.url} is {row.state}; expected one that waits, is being downloaded or is manual")
        return row.state


def requeue_lost(history: Database) -> list[str]:
    """Have downloads whose process is dead wait again; their keys."""
    with history.reading() as session:
        running = session.scalars(select(Download).where(Download.state == "downloading"))
        lost = [row for row in running if _is_lost(row)]
    freed = []
    for row in lost:
        same = update(Download).where(Download.key == row.key, Download.state == "downloading")
        with history.writing() as session:
            again = same.where(Download.worker == row.worker, Download.heartbeat_at == row.heartbeat_at)
            if session.execute(again.values(state="waiting", worker=None)).rowcount:
                freed.append(row.key)
    return freed


def prune(history: Database, before: float, states: Sequence[str] = PRUNABLE, *, dry: bool = False) -> list[Download]:
    """Remove what ended in one of ``states`` before a time, in seconds since 1970; what was, or would be, removed."""
    old = (Download.state.in_(states), func.coalesce(Download.finished_at, Download.offered_at) < before)
    with history.writing() as session:
        rows = list(session.scalars(select(Download).where(*old)))
        if not dry:
            session.execute(delete(Download).where(*old))
    return rows


def _row(offer: DownloadOffer, state: State) -> dict[str, Any]:
    url, proxy = normalized(offer.link), offer.proxy and normalized(offer.proxy)
    copy = {"proxy_url": offer.proxy, "proxy_key": proxy and sha256_text(proxy)}
    what = {"provider": offer.provider, "name": offer.name, "offered_at": offer.offered_at, "state": state}
    fresh = {"attempts": 0, "not_before": 0.0, "bytes_done": 0}
    return {"key": sha256_text(url), "url": url, "original_url": offer.link.strip(), **copy, **what, **fresh}


def _look_up(session: Session, rows: Sequence[dict[str, Any]], known: dict[str, dict[str, Any]]) -> None:
    """Add to ``known`` what is there of ``rows``, by the key of the link and by that of its copy."""
    keys = {key for row in rows for key in (row["key"], row["proxy_key"]) if key}
    wanted = select(*(getattr(Download, name) for name in OFFER_COLUMNS))
    wanted = wanted.where(or_(Download.key.in_(keys), Download.proxy_key.in_(keys)))
    for found in session.execute(wanted.order_by(Download.offered_at, Download.key)).mappings():
        _remember(known, dict(found))


def _remember(known: dict[str, dict[str, Any]], row: dict[str, Any]) -> None:
    """Add a row under its own key, which comes before those of copies, and under that of its copy."""
    if known.get(row["key"], {}).get("key") != row["key"]:
        known[row["key"]] = row
    if row["proxy_key"]:
        known.setdefault(row["proxy_key"], row)


def _change(
    known: dict[str, dict[str, Any]], row: dict[str, Any]
) -> tuple[Literal["new", "changed", "same"], dict[str, Any] | None]:
    """What an offer is, and the row to be kept for it; ``known`` is brought up to date."""
    there = known.get(row["key"]) or known.get(row["proxy_key"])
    if there is None:
        _remember(known, {name: row[name] for name in OFFER_COLUMNS})
        return "new", row
    own = row["key"] == there["key"] and there["proxy_url"] is None  # it may be known under its copy's link
    news = {name: row[name] for name in ("proxy_url", "proxy_key", "name")[0 if own else 2 :] if there[name] is None}
    news = {name: value for name, value in news.items() if value is not None}
    if row["offered_at"] < there["offered_at"]:
        news["offered_at"] = row["offered_at"]
    if not news:
        return "same", None
    there.update(news)
    _remember(known, there)
    return "changed", {**row, **there}


def _upsert(session: Session) -> Insert:
    """Adds rows; of those that are there, the earliest time and what was not known of them yet."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    there = Download.__table__.c
    adding = dialect.insert(Download.__table__)
    new = adding.excluded
    earliest = case((new.offered_at < there.offered_at, new.offered_at), else_=there.offered_at)
    unknown = {name: func.coalesce(there[name], new[name]) for name in ("proxy_url", "proxy_key", "name")}
    return adding.on_conflict_do_update(index_elements=["key"], set_={"offered_at": earliest, **unknown})


def _row_of(session: Session, *keys: str | None) -> Download | None:
    """The row of a link, else the one that it is a copy of."""
    for key in filter(None, keys):
        if row := session.get(Download, key):
            return row
    wanted = select(Download).where(Download.proxy_key.in_([key for key in keys if key]))
    return session.scalar(wanted.order_by(Download.offered_at, Download.key).limit(1))


def _is_lost(row: Download) -> bool:
    return row.state == "downloading" and not identity.alive(row.worker, row.heartbeat_at)


def _own_row(key: str) -> Any:
    return update(Download).where(
        Download.key == key, Download.worker == identity.this_process(), Download.state == "downloading"
    )
