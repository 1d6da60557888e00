"""Watches the webhook: notes what is offered there, and downloads what the rule in the settings lets start."""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from vidlib.errors import Cancelled, DownloadFailed, NeedsOperator
from vidlib.ingest.fetch import Timing
from vidlib.ingest.providers import MANUAL_PROVIDERS
from vidlib.ingest.urls import redacted
from vidlib.ingest.webhook import AutoDownloadRule, DownloadOffer, Webhook
from vidlib.runner.downloads import store, worker
from vidlib.runner.downloads.worker import DownloadOptions, DownloadResult
from vidlib.runner.store.database import Database
from vidlib.runner.store.runs import History
from vidlib.settings import Settings

log = logging.getLogger("vidlib.monitor")


@dataclass
class Monitor:
    """What is done at each look at the webhook; ``named`` are the problems that the log knows already."""

    history: Database
    options: DownloadOptions
    webhook: Webhook
    rule: AutoDownloadRule
    now: Callable[[], float] = time.time
    named: set[str] = field(default_factory=set)

    def poll(self) -> bool:
        """Ask the webhook, and note what is new; whether it answered."""
        try:
            offers, problems = self.webhook.offers(self.now, Timing(stop=self.options.stop))
        except DownloadFailed as error:
            log.warning("%s; asked again in %.0f s", error, self.webhook.pause_s())
            return False
        for problem in set(problems) - self.named:
            log.warning("left out: %s", problem)
        self.named |= set(problems)
        noted = store.add_offers(self.history, [(offer, self._state(offer)) for offer in offers])
        if noted.new:
            log.info("%d new offers, %d were known", noted.new, noted.changed + noted.same)
        self._name_those_for_people(offers)
        return True

    def download_waiting(self) -> list[DownloadResult]:
        """Download what waits; what came of it."""
        results = list(worker.download_waiting(self.history, self.options, self.now()))
        for result in results:
            _say(result)
        return results

    def run(self) -> None:
        """Look and work until ``options.stop`` is set."""
        while not self.options.stop.is_set():
            with suppress(Cancelled):
                self.poll()
            self.download_waiting()
            self.options.stop.wait(self.webhook.pause_s())

    def _state(self, offer: DownloadOffer) -> store.State:
        now = self.now()
        if self.rule.matches(offer, now):
            return "waiting"
        by_hand = offer.provider in MANUAL_PROVIDERS and offer.proxy is None
        return "manual" if by_hand and now - offer.offered_at <= self.rule.max_age_s else "known"

    def _name_those_for_people(self, offers: Iterable[DownloadOffer]) -> None:
        by_hand = {store.key_of(offer.link) for offer in offers if offer.provider in MANUAL_PROVIDERS}
        for row, _ in store.search(self.history, states=["manual"]) if by_hand else []:
            if row.key in by_hand and row.key not in self.named:
                self.named.add(row.key)
                log.warning("a person is needed for %s", row.original_url)


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


def _say(result: DownloadResult) -> None:
    row = result.row
    if result.error is None:
        log.info("%s: %s, SHA-256 %s", redacted(row.url), row.file, row.sha256)
    elif isinstance(result.error, NeedsOperator):
        log.warning("a person is needed for %s: %s", row.original_url, result.error)
    else:
        log.warning("%s is %s: %s", redacted(row.url), row.state, result.error)
