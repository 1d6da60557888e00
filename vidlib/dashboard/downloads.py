"""What was offered for download and what became of it, as plain data; no widgets."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from vidlib.dashboard.wording import in_bytes, readable, when
from vidlib.errors import RefusedInput
from vidlib.ingest.parts import name_of
from vidlib.ingest.urls import openable, shown
from vidlib.runner.downloads import store
from vidlib.runner.store.database import Database
from vidlib.runner.store.models import Download

DOWNLOADS_SHOWN = 20
MANUAL_SHOWN = 10
"""Of those that wait for a person at most so many are shown: the others are still to be seen below them."""

ASKS = {
    "known": "Download",
    "waiting": "Download",
    "paused": "Again",
    "failed": "Again",
    "cancelled": "Again",
    "manual": "Close",
}
"""What the button of a download in each state says; the other ones have none."""


@dataclass(frozen=True)
class DownloadView:
    """One file that was offered: its state, its name and its link for the eyes, and how much of it came.

    ``fraction`` is in [0, 1], None where nobody knows it; ``note`` says why it is not here. ``url``, of one that a
    person has to download, is the link to open.
    """

    key: str
    state: str
    name: str
    link: str = ""
    says: str = ""
    fraction: float | None = None
    note: str = ""
    url: str | None = None

    @property
    def asks(self) -> str | None:
        """What its button says, None if there is nothing to be done for it."""
        return ASKS.get(self.state)


def download_views(history: Database) -> Iterator[DownloadView]:
    """Those that wait for a person, those that come now, then the others; of each the latest offered first."""
    manual = store.found(history, states=["manual"], limit=MANUAL_SHOWN)
    coming = store.found(history, states=["downloading"], limit=DOWNLOADS_SHOWN - MANUAL_SHOWN)
    others = [state for state in store.STATES if state not in ("manual", "downloading")]
    room = DOWNLOADS_SHOWN - len(manual) - len(coming)
    rest = store.found(history, states=others, limit=room) if room else []
    for row, project in (*manual, *coming, *rest):
        yield download_view(row, project)


def download_view(row: Download, project: str | None = None) -> DownloadView:
    """One row of the history; ``project`` is what its file became."""
    known = row.state == "downloading" and row.bytes_total
    return DownloadView(
        key=row.key,
        state=row.state,
        name=readable(Path(row.file).name if row.file else row.name or name_of(row.original_url)),
        link=readable(shown(row.original_url)),
        says=readable(_says(row, project)),
        fraction=min(1.0, row.bytes_done / row.bytes_total) if known else None,
        note=readable(row.error or "") if row.state != "done" else "",
        url=_url(row.original_url) if row.state == "manual" else None,
    )


def _says(row: Download, project: str | None) -> str:
    """How much of it is here and at which rate, or when it ended or was offered."""
    if row.state == "downloading":
        rate = f"{in_bytes(int(row.rate))}/s" if row.rate else ""
        return " · ".join(filter(None, (_amount(row), rate))) or "begins"
    ended = when(row.finished_at) if row.finished_at else f"offered {when(row.offered_at)}"
    return " · ".join(filter(None, (_amount(row), ended, project and f"project {project}")))


def _amount(row: Download) -> str:
    if not row.bytes_done:
        return ""
    whole = row.bytes_total if row.state != "done" else None
    return f"{in_bytes(row.bytes_done)} of {in_bytes(whole)}" if whole else in_bytes(row.bytes_done)


def _url(link: str) -> str | None:
    with suppress(RefusedInput):
        return openable(link)
    return None
