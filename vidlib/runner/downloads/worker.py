"""Downloads of this process: claim one in the history, fetch its file, and write the outcome."""

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

from vidlib.errors import Cancelled, DownloadFailed, NeedsOperator, UsageError, VidlibError
from vidlib.ingest import providers
from vidlib.ingest.fetch import DownloadedFile, DownloadRules, Timing
from vidlib.ingest.providers import ServiceUrls
from vidlib.ingest.urls import redacted
from vidlib.progress import Report, quiet
from vidlib.runner.downloads import store
from vidlib.runner.execution.periodic import periodic
from vidlib.runner.store.database import Database
from vidlib.runner.store.identity import HEARTBEAT_S, pid_of
from vidlib.runner.store.models import Download
from vidlib.settings import Settings

log = logging.getLogger("vidlib.downloads")

MAX_ATTEMPTS = 5
"""How often the monitor starts a download before it counts as failed."""

FIRST_PAUSE_S, LONGEST_PAUSE_S = 300.0, 4 * 3600.0
"""The pause before the second attempt; it doubles with each further attempt up to the longest."""

STARTABLE = ("known", "waiting", "paused", "failed", "manual", "cancelled")
"""The states from which a user can start a download."""


@dataclass(frozen=True)
class DownloadOptions:
    """How to download: setting ``stop`` pauses it, ``report`` receives its bytes, ``folder`` defaults to the inbox.

    Tests set ``timing`` and ``service_urls``.
    """

    settings: Settings
    stop: threading.Event = field(default_factory=threading.Event)
    report: Report = quiet
    timing: Timing = field(default_factory=Timing)
    service_urls: ServiceUrls = field(default_factory=ServiceUrls)
    folder: Path | None = None

    @property
    def target(self) -> Path:
        """The folder for the files."""
        return self.folder or self.settings.inbox


@dataclass(frozen=True)
class DownloadResult:
    """A download as it is in the history now, with the error that ended it; ``known`` if its file existed before."""

    row: Download
    error: VidlibError | None = None
    known: bool = False


def download(history: Database, link: str, options: DownloadOptions, *, again: bool = False) -> DownloadResult:
    """Download the file of ``link`` (or of its handle) unless it exists; with ``again``, download it in any case.

    Raises RefusedInput for an invalid link, and UsageError if another process is downloading it or if its file was
    downloaded before and is gone.
    """
    row = store.find_or_add(history, store.link_of(history, link))
    if row.state == "done" and not again:
        return _existing(row)
    if (claimed := store.claim(history, row.key, (*STARTABLE, "done"))) is None:
        now = store.get(history, row.key)
        process = f" by process {pid_of(now.worker)}" if now.worker else ""
        raise UsageError(f"{redacted(row.url)} is already being downloaded{process}; see: vidlib downloads list")
    return run_claimed(history, claimed, options)


def download_waiting(history: Database, options: DownloadOptions, now: float) -> Sequence[DownloadResult]:
    """Run every download that may start at ``now``, those with few attempts first; return the results."""
    results = []
    while not options.stop.is_set() and (row := store.next_waiting(history, now)):
        if claimed := store.claim(history, row.key, ("waiting",)):
            results.append(run_claimed(history, claimed, options, max_attempts=MAX_ATTEMPTS))
    return results


def run_claimed(history: Database, row: Download, options: DownloadOptions, *, max_attempts: int = 1) -> DownloadResult:
    """Fetch the file of a download that this process has claimed, and write the outcome.

    After an error that may pass it waits for its next attempt, unless ``max_attempts`` are over.
    """
    tracker = ProgressTracker(history, row.key, options)
    rules, timing = DownloadRules.from_settings(options.settings), replace(options.timing, stop=tracker.stop)
    try:
        with periodic(tracker.heartbeat, HEARTBEAT_S):
            fetched = providers.download(
                row.links,
                options.target,
                rules,
                service_urls=options.service_urls,
                report=tracker.report,
                timing=timing,
            )
    except Exception as error:  # noqa: BLE001 a bug at one file must not end the downloads of the others
        return _finish_failed(history, row, _expected(error, options.target), tracker, max_attempts)
    return _finish_done(history, row.key, fetched, tracker)


def _expected(error: Exception, folder: Path) -> VidlibError:
    """Return ``error`` as one of vidlib's own; the message of a bug could contain the link."""
    if isinstance(error, VidlibError):
        return error
    if isinstance(error, OSError):
        return DownloadFailed(f"{folder}: {error.strerror or error}")
    log.error("a download failed with %s; this is a bug of vidlib", type(error).__name__)
    return DownloadFailed(f"it failed with {type(error).__name__}; this is a bug of vidlib")


class ProgressTracker:
    """Renews the claim on a download with its progress, and stops the download on request."""

    def __init__(self, history: Database, key: str, options: DownloadOptions):
        self.history, self.key, self.options = history, key, options
        self.stop = threading.Event()
        self.requested: str | None = None
        self.n_bytes = 0
        self.total: int | None = None
        self.first_bytes: int | None = None
        self.started = time.monotonic()

    def report(self, done: float, total: float) -> None:
        """Take the bytes so far and in total; a total at the size limit means that the server did not tell it."""
        if self.first_bytes is None:
            self.first_bytes, self.started = int(done), time.monotonic()
        self.n_bytes = int(done)
        self.total = int(total) if total < self.options.settings.max_download_bytes else None
        self.options.report(done, total)

    def progress(self) -> dict[str, float | None]:
        """Return the progress for the history once bytes have arrived; the rate is in bytes per second."""
        if self.first_bytes is None:
            return {}
        passed_s = time.monotonic() - self.started
        rate = (self.n_bytes - self.first_bytes) / passed_s if passed_s > 0 else None
        return {"bytes_done": self.n_bytes, "bytes_total": self.total, "rate": rate}

    def heartbeat(self) -> None:
        """Write the progress, and stop the download if somebody requested it."""
        if self.options.stop.is_set():
            self.stop.set()
        try:
            requested = store.heartbeat(self.history, self.key, **self.progress())
        except VidlibError:  # the next heartbeat may succeed
            return
        if requested:
            self.requested = requested
            self.stop.set()


def _existing(row: Download) -> DownloadResult:
    if row.file and Path(row.file).is_file():
        return DownloadResult(row, known=True)
    reason = f"its file {row.file} is gone" if row.file else "the history does not name its file"
    raise UsageError(f"{redacted(row.url)} was downloaded before, but {reason}; to download it again, add --again")


def _finish_failed(
    history: Database, row: Download, error: VidlibError, tracker: ProgressTracker, max_attempts: int
) -> DownloadResult:
    """Write the outcome of an attempt that failed or was stopped."""
    state, wait_s = _state_after(error, tracker.requested, row.attempts, max_attempts)
    values = tracker.progress()
    if wait_s is not None:
        values["not_before"] = time.time() + wait_s
    if isinstance(error, Cancelled):  # a stopped attempt does not count
        values["attempts"] = row.attempts - 1
    store.finish(history, row.key, state, error=str(error), **values)
    return DownloadResult(store.get(history, row.key), error)


def _state_after(
    error: VidlibError, requested: str | None, attempts: int, max_attempts: int
) -> tuple[store.State, float | None]:
    """Return the state of a download after ``error``, and the seconds until its next attempt if it waits."""
    match error:
        case Cancelled() if requested in ("paused", "cancelled", "known"):
            return cast("store.State", requested), None
        case Cancelled():  # a user starts it again; the monitor continues it by itself
            return ("paused", None) if max_attempts == 1 else ("waiting", 0.0)
        case NeedsOperator():
            return "manual", None
        case DownloadFailed() if error.retryable and attempts < max_attempts:
            pause_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** (attempts - 1))
            return "waiting", max(pause_s, error.retry_after_s or 0.0)
    return "failed", None


def _finish_done(history: Database, key: str, fetched: DownloadedFile, tracker: ProgressTracker) -> DownloadResult:
    """Write the downloaded file; of the same bytes in the same folder, only the earlier file stays."""
    path = fetched.path
    other = store.find_same_content(history, fetched.sha256, key)
    if other and other.file and _is_duplicate(Path(other.file), fetched):
        path.unlink()
        path = Path(other.file)
    values = tracker.progress() | {"bytes_done": fetched.size, "bytes_total": fetched.size}
    store.finish(history, key, "done", error=None, file=str(path), sha256=fetched.sha256, **values)
    return DownloadResult(store.get(history, key), known=path != fetched.path)


def _is_duplicate(other: Path, fetched: DownloadedFile) -> bool:
    return other.parent == fetched.path.parent and other.stat().st_size == fetched.size
