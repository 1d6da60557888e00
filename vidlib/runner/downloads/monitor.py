"""Watches the webhook: notes what is offered there, and downloads what the rule in the settings lets start."""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from vidlib.errors import Cancelled, DownloadFailed, NeedsOperator
from vidlib.ingest.fetch import Means
from vidlib.ingest.providers import BY_HAND
from vidlib.ingest.urls import shown
from vidlib.ingest.webhook import Offer, Rule, Webhook
from vidlib.runner.downloads import store, worker
from vidlib.runner.downloads.worker import Conditions, Result
from vidlib.runner.store.database import Database
from vidlib.runner.store.runs import History
from vidlib.settings import Settings

log = logging.getLogger("vidlib.monitor")


@dataclass
class Monitor:
    """What is done at each look at the webhook; ``named`` are the problems that the log knows already."""

    history: Database
    how: Conditions
    webhook: Webhook
    rule: Rule
    now: Callable[[], float] = time.time
    named: set[str] = field(default_factory=set)

    def look(self) -> bool:
        """Ask the webhook, and note what is new; whether it answered."""
        try:
            offers, problems = self.webhook.offers(self.now, Means(stop=self.how.stop))
        except DownloadFailed as error:
            log.warning("%s; asked again in %.0f s", error, self.webhook.pause_s())
            return False
        for problem in set(problems) - self.named:
            log.warning("left out: %s", problem)
        self.named |= set(problems)
        noted = store.note(self.history, [(offer, self._state(offer)) for offer in offers])
        if noted.new:
            log.info("%d new offers, %d were known", noted.new, noted.changed + noted.same)
        self._name_those_for_people(offers)
        return True

    def work(self) -> list[Result]:
        """Download what waits; what came of it."""
        results = list(worker.waiting(self.history, self.how, self.now()))
        for result in results:
            _say(result)
        return results

    def run(self) -> None:
        """Look and work until ``how.stop`` is set."""
        while not self.how.stop.is_set():
            with suppress(Cancelled):
                self.look()
            self.work()
            self.how.stop.wait(self.webhook.pause_s())

    def _state(self, offer: Offer) -> store.State:
        now = self.now()
        if self.rule.starts(offer, now):
            return "waiting"
        by_hand = offer.provider in BY_HAND and offer.proxy is None
        return "manual" if by_hand and now - offer.offered_at <= self.rule.max_age_s else "known"

    def _name_those_for_people(self, offers: Iterable[Offer]) -> None:
        by_hand = {store.key_of(offer.link) for offer in offers if offer.provider in BY_HAND}
        for row, _ in store.found(self.history, states=["manual"]) if by_hand else []:
            if row.key in by_hand and row.key not in self.named:
                self.named.add(row.key)
                log.warning("a person is needed for %s", row.original_url)


def run(settings: Settings, stop: threading.Event, *, once: bool) -> bool:
    """Download what the webhook offers, ``once`` or until ``stop`` is set. Returns False if something failed."""
    webhook, rule = Webhook.of(settings), Rule.of(settings)
    with History(settings.database) as history:
        monitor = Monitor(history, Conditions(settings, stop), webhook, rule)
        if not once:
            monitor.run()
            return True
        answered, results = monitor.look(), monitor.work()
    return answered and not any(result.error for result in results)


def _say(result: Result) -> None:
    row = result.row
    if result.error is None:
        log.info("%s: %s, SHA-256 %s", shown(row.url), row.file, row.sha256)
    elif isinstance(result.error, NeedsOperator):
        log.warning("a person is needed for %s: %s", row.original_url, result.error)
    else:
        log.warning("%s is %s: %s", shown(row.url), row.state, result.error)
