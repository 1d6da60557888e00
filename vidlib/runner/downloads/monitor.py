"""The monitor polls the webhook, adds its offers to the history, and downloads those that the settings select."""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from vidlib.errors import Cancelled, DownloadFailed, NeedsOperator, VidlibError
from vidlib.ingest.fetch import Timing
from vidlib.ingest.offers import DownloadOffer
from vidlib.ingest.providers import MANUAL_PROVIDERS
from vidlib.ingest.urls import redacted
from vidlib.ingest.webhook import AutoDownloadRule, Webhook
from vidlib.runner.downloads import store, worker
from vidlib.runner.downloads.worker import DownloadOptions, DownloadResult
from vidlib.runner.store.database import Database
from vidlib.runner.store.runs import History
from vidlib.settings import Settings

log = logging.getLogger("vidlib.monitor")


def run(settings: Settings, stop: threading.Event, *, once: bool) -> bool:
    """Download what the webhook offers, ``once`` or until ``stop`` is set. Returns False if something failed."""
    webhook, rule = Webhook.from_settings(settings), AutoDownloadRule.from_settings(settings)
    with History(settings.database) as history:
        monitor = Monitor(history, DownloadOptions(settings, stop), webhook, rule)
        if not once:
            monitor.run()
            return True
        answered, results = monitor.poll(), monitor.download_waiting()
    return answered and not any(result.error for result in results)


@dataclass
class Monitor:
    """Polls the webhook; ``logged`` are the problems and keys that the log contains already."""

    history: Database
    options: DownloadOptions
    webhook: Webhook
    rule: AutoDownloadRule
    now: Callable[[], float] = time.time
    logged: set[str] = field(default_factory=set)

    def poll(self) -> bool:
        """Ask the webhook once, and add its offers to the history. Returns whether it answered."""
        try:
            offers, problems = self.webhook.offers(self.now, Timing(stop=self.options.stop))
        except DownloadFailed as error:
            log.warning("%s; next attempt in %.0f s", error, self.webhook.pause_s())
            return False
        for problem in set(problems) - self.logged:
            log.warning("ignored: %s", problem)
        self.logged |= set(problems)
        counts = store.add_offers(self.history, [(offer, self._state(offer)) for offer in offers])
        if counts.new:
            log.info("new offers: %d, known offers: %d", counts.new, counts.changed + counts.same)
        self._log_manual(offers)
        return True

    def download_waiting(self) -> list[DownloadResult]:
        """Run the downloads that may start now; return their results."""
        results = list(worker.download_waiting(self.history, self.options, self.now()))
        for result in results:
            _log_result(result)
        return results

    def run(self) -> None:
        """Poll and download until ``options.stop`` is set."""
        while not self.options.stop.is_set():
            try:
                self.poll()
                self.download_waiting()
            except Cancelled:
                pass
            except VidlibError as error:  # such as a history that is away for a while
                log.error("%s; next attempt in %.0f s", error, self.webhook.pause_s())
            self.options.stop.wait(self.webhook.pause_s())

    def _state(self, offer: DownloadOffer) -> store.State:
        """Return the state of a new offer."""
        now = self.now()
        if self.rule.matches(offer, now):
            return "waiting"
        is_manual = offer.provider in MANUAL_PROVIDERS and offer.proxy is None
        return "manual" if is_manual and now - offer.offered_at <= self.rule.max_age_s else "known"

    def _log_manual(self, offers: Iterable[DownloadOffer]) -> None:
        """Log each offer that a person must download, once."""
        manual = {store.key_of(offer.link) for offer in offers if offer.provider in MANUAL_PROVIDERS}
        for row, _ in store.search(self.history, states=["manual"]) if manual else []:
            if row.key in manual and row.key not in self.logged:
                self.logged.add(row.key)
                log.warning("a person must download %s (%s)", redacted(row.original_url), row.handle)


def _log_result(result: DownloadResult) -> None:
    row = result.row
    if result.error is None:
        log.info("%s: %s, SHA-256 %s", redacted(row.url), row.file, row.sha256)
    elif isinstance(result.error, NeedsOperator):
        log.warning("a person must download %s: %s", row.handle, result.error)
    else:
        log.warning("%s is %s: %s", redacted(row.url), row.state, result.error)
