"""The downloads on the operators' page as plain data."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from vidlib.dashboard.wording import readable
from vidlib.errors import RefusedInput
from vidlib.ingest.parts import name_of
from vidlib.ingest.urls import browser_link, redacted
from vidlib.runner.downloads import store
from vidlib.runner.store.database import Database
from vidlib.runner.store.models import Download
from vidlib.text import plain_message

DOWNLOADS_SHOWN = 20
MANUAL_SHOWN = 10
"""Limit of manual downloads on the page, so that the other ones stay visible below them."""

ACTIONS = {
    "known": "Download",
    "waiting": "Download",
    "paused": "Again",
    "failed": "Again",
    "cancelled": "Again",
    "manual": "Close",
}
"""Button label of a download in each state; a download in another state has no button."""


@dataclass(frozen=True)
class DownloadView:
    """One offered file: its state, its printable name and link, and its progress.

    ``bytes_done`` of ``bytes_total`` (None: unknown) have come, ``rate`` a second while it comes. ``ended_at`` is the
    time of its end, ``offered_at`` that of the offer. ``note`` is the reason why the file is missing. ``url`` is the
    link to open for a manual download, and ``project`` what was made from the file.
    """

    key: str
    state: str
    name: str
    link: str = ""
    bytes_done: int = 0
    bytes_total: int | None = None
    rate: float | None = None
    offered_at: float = 0.0
    ended_at: float | None = None
    project: str | None = None
    note: str = ""
    url: str | None = None

    @property
    def action(self) -> str | None:
        """The label of its button, or None if it has none."""
        return ACTIONS.get(self.state)


def download_views(history: Database) -> Iterator[DownloadView]:
    """Manual downloads, downloads in progress, then the others; within each group the latest offer comes first."""
    manual = store.search(history, states=["manual"], limit=MANUAL_SHOWN)
    coming = store.search(history, states=["downloading"], limit=DOWNLOADS_SHOWN - MANUAL_SHOWN)
    others = [state for state in store.STATES if state not in ("manual", "downloading")]
    room = DOWNLOADS_SHOWN - len(manual) - len(coming)
    rest = store.search(history, states=others, limit=room) if room else []
    for row, project in (*manual, *coming, *rest):
        yield download_view(row, project)


def download_view(row: Download, project: str | None = None) -> DownloadView:
    """The view of one row of the history; ``project`` is the project made from its file."""
    coming = row.state == "downloading"
    return DownloadView(
        key=row.key,
        state=row.state,
        name=readable(Path(row.file).name if row.file else row.name or name_of(row.original_url)),
        link=readable(redacted(row.original_url)),
        bytes_done=row.bytes_done or 0,
        bytes_total=row.bytes_total if row.state != "done" else None,
        rate=row.rate if coming else None,
        offered_at=row.offered_at,
        ended_at=row.finished_at,
        project=readable(project) if project else None,
        note=plain_message(row.error or "") if row.state != "done" else "",
        url=_url(row.original_url) if row.state == "manual" else None,
    )


def _url(link: str) -> str | None:
    with suppress(RefusedInput):
        return browser_link(link)
    return None
