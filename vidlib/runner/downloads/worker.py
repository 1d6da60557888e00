"""Does downloads: takes one in the history, gets the file, and writes down what came of it."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from vidlib.errors import Cancelled, DownloadFailed, NeedsOperator, UsageError, VidlibError
from vidlib.ingest import providers
from vidlib.ingest.fetch import DownloadedFile, DownloadRules, Timing
from vidlib.ingest.providers import ServiceUrls
from vidlib.ingest.webhook import DownloadOffer
from vidlib.progress import Report, quiet
from vidlib.runner.downloads import store
from vidlib.runner.execution.periodic import periodic
from vidlib.runner.store.database import Database
from vidlib.runner.store.identity import HEARTBEAT_S, pid_of
from vidlib.runner.store.models import Download
from vidlib.settings import Settings

TRIES = 5
"""How often a download that nobody waits for is begun again."""

FIRST_PAUSE_S, LONGEST_PAUSE_S = 300.0, 4 * 3600.0  # between two of them; doubled each time
STARTABLE = ("known", "waiting", "paused", "failed", "manual", "cancelled")
"""States from which a download is begun when somebody asks for it."""


@dataclass(frozen=True)
class DownloadOptions:
    """How downloads are done: ``stop`` pauses them, ``report`` gets their bytes; tests set the last three fields."""

    settings: Settings
    stop: threading.Event = field(default_factory=threading.Event)
    report: Report = quiet
    timing: Timing = field(default_factory=Timing)
    service_urls: ServiceUrls = field(default_factory=ServiceUrls)
    folder: Path | None = None

    @property
    def target(self) -> Path:
        """The folder that files come into."""
        return self.folder or self.settings.inbox


@dataclass(frozen=True)
class DownloadResult:
    """A download as it stands in the history now, and why it is not done; ``known`` if its file was there already."""

    row: Download
    error: VidlibError | None = None
    known: bool = False


def download(history: Database, link: str, options: DownloadOptions, *, again: bool = False) -> DownloadResult:
    """The file behind ``link``, which is downloaded unless its file is there already; ``again`` does it anyway.

    Raises RefusedInput for what is no link, UsageError for one that another process downloads now, or that was
    downloaded before and whose file is gone.
    """
    store.add_offers(history, [(DownloadOffer(link, time.time()), "known")])
    row = store.find(history, link)
    if row.state == "done" and not again:
        return _known(row)
    if (taken := store.claim(history, row.key, (*STARTABLE, "done"))) is None:
        now = store.get(history, row.key)
        who = f", by process {pid_of(now.worker)}" if now.worker else ""
        raise UsageError(f"{row.url} is being downloaded already{who}; see: vidlib downloads list")
    return run_claimed(history, taken, options)


def run_claimed(history: Database, row: Download, options: DownloadOptions, *, tries: int = 1) -> DownloadResult:
    """Get the file of a download that this process has taken; one that may do better later waits, up to ``tries``."""
    tracker = ProgressTracker(history, row.key, options)
    timing = replace(options.timing, stop=tracker.halt)
    try:
        with periodic(tracker.tick, HEARTBEAT_S):
            fetched = providers.download(
                row.links,
                options.target,
                DownloadRules.from_settings(options.settings),
                service_urls=options.service_urls,
                report=tracker.report,
                timing=timing,
            )
    except (VidlibError, OSError) as error:
        problem = error if isinstance(error, VidlibError) else DownloadFailed(f"{options.target}: {error}")
        state, again = _fate(problem, tracker, row.attempts, tries)
        waits = {} if again is None else {"not_before": time.time() + again}
        if isinstance(problem, Cancelled):  # it was no attempt
            waits["attempts"] = row.attempts - 1
        store.finish(history, row.key, state, error=str(problem), **tracker.progress(), **waits)
        return DownloadResult(store.get(history, row.key), problem)
    return _arrived(history, row.key, fetched, tracker)


class ProgressTracker:
    """Gives signs of life of a download with its progress, and stops it when told to."""

    def __init__(self, history: Database, key: str, options: DownloadOptions):
        self.history, self.key, self.options = history, key, options
        self.halt = threading.Event()
        self.asked: str | None = None
        self.done, self.total, self.first = 0, None, None
        self.began = time.monotonic()

    def report(self, done: float, total: float) -> None:
        if self.first is None:
            self.first, self.began = done, time.monotonic()
        self.done, self.total = int(done), int(total) if total < self.options.settings.max_download_bytes else None
        self.options.report(done, total)

    def progress(self) -> dict[str, float | None]:
        """What the history says of it, once something came: bytes, and bytes per second since then."""
        if self.first is None:
            return {}
        passed = time.monotonic() - self.began
        rate = (self.done - self.first) / passed if passed > 0 else None
        return {"bytes_done": self.done, "bytes_total": self.total, "rate": rate}

    def tick(self) -> None:
        """What is done twice a second."""
        if self.options.stop.is_set():
            self.halt.set()
        try:
            asked = store.heartbeat(self.history, self.key, **self.progress())
        except VidlibError:  # the next one may get through
            return
        if asked:
            self.asked = asked
            self.halt.set()


def _known(row: Download) -> DownloadResult:
    if row.file and Path(row.file).is_file():
        return DownloadResult(row, known=True)
    where = f"its file {row.file} is gone" if row.file else "where its file is nobody knows"
    raise UsageError(f"{row.url} was downloaded before, but {where}; to download it again: --again")


def _fate(error: VidlibError, tracker: ProgressTracker, attempts: int, tries: int) -> tuple[store.State, float | None]:
    """The state that a download is left in after ``error``, and in options many seconds it begins again, if it does."""
    match error:
        case Cancelled() if tracker.asked in ("paused", "cancelled", "known"):
            return tracker.asked, None
        case Cancelled():  # whoever asked for it asks again; nobody asks for what began by itself
            return ("paused", None) if tries == 1 else ("waiting", 0.0)
        case NeedsOperator():
            return "manual", None
        case DownloadFailed() if error.retryable and attempts < tries:
            pause = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** (attempts - 1))
            return "waiting", max(pause, error.retry_after_s or 0.0)
    return "failed", None


def _arrived(history: Database, key: str, fetched: DownloadedFile, tracker: ProgressTracker) -> DownloadResult:
    """Write down what came; the same bytes in the same folder under another link are kept once."""
    path, other = fetched.path, store.find_same_content(history, fetched.sha256, key)
    if other and Path(other.file).parent == path.parent and Path(other.file).stat().st_size == fetched.size:
        path.unlink()
        path = Path(other.file)
    came = {"file": str(path), "sha256": fetched.sha256, "bytes_done": fetched.size, "bytes_total": fetched.size}
    store.finish(history, key, "done", error=None, **{**tracker.progress(), **came})
    return DownloadResult(store.get(history, key), known=path != fetched.path)


def download_waiting(history: Database, options: DownloadOptions, now: float) -> Sequence[DownloadResult]:
    """Do every download that may begin at ``now``, the one that was begun least first; what came of each."""
    results = []
    while not options.stop.is_set() and (row := store.next_waiting(history, now)):
        if taken := store.claim(history, row.key, ("waiting",)):
            results.append(run_claimed(history, taken, options, tries=TRIES))
    return results
