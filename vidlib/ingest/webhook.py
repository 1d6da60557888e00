"""What the webhook offers: a JSON list of links, old records and new ones; what is malformed is named and left out.

Old: ``{url, timestamp, source, url_type}``. New: ``{source_url, r2_url, provider, created_at, original_filename}``,
where ``r2_url`` is a copy that our own proxy made; it is asked first, the source is the fallback.
"""

import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote, urlsplit

from vidlib.errors import Cancelled, DownloadFailed, RefusedInput, SettingError, UnknownName
from vidlib.files import sha256_text, write_json
from vidlib.ingest.addresses import AddressPolicy, Interrupt
from vidlib.ingest.fetch import Timing
from vidlib.ingest.providers import MANUAL_PROVIDERS, PLAIN, PROVIDERS, provider_of
from vidlib.ingest.urls import cleaned
from vidlib.ingest.web import Web, check_status, read_json
from vidlib.settings import Settings

ANSWER_S = 120.0
"""How long one look at the webhook may take as a whole, in seconds."""

MILLISECONDS = 1e11  # a number above is no second since 1970 of this millennium
LONGEST_PAUSE_S = 3600.0
SHOWN_CHARS = 200

log = logging.getLogger("vidlib.webhook")


@dataclass(frozen=True)
class DownloadOffer:
    """A file that somebody offers: its link as it came, when that was (seconds since 1970), a copy and a name."""

    link: str
    offered_at: float
    proxy: str | None = None
    name: str | None = None

    @property
    def links(self) -> tuple[str, ...]:
        """Where the file is to be had, in the order in which it is tried."""
        return (self.proxy, self.link) if self.proxy else (self.link,)

    @property
    def provider(self) -> str:
        return provider_of(self.link).name


@dataclass(frozen=True)
class AutoDownloadRule:
    """Which offers are downloaded without being asked for."""

    providers: frozenset[str]
    names: tuple[str, ...]
    max_age_s: float

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """The rule of this machine; raises UnknownName for a provider that does not exist."""
        known = {provider.name for provider in (*PROVIDERS, PLAIN)}
        providers = frozenset(_listed(settings.monitor_providers))
        for name in providers - known:
            raise UnknownName("a provider of VIDLIB_MONITOR_PROVIDERS", name, known)
        return cls(providers, tuple(_listed(settings.monitor_names)), settings.monitor_max_age_days * 86400)

    def matches(self, offer: DownloadOffer, now: float) -> bool:
        """Whether ``offer`` is downloaded by itself at ``now``, seconds since 1970; its patterns know no case."""
        name = (offer.name or unquote(urlsplit(offer.link).path).rpartition("/")[2]).lower()
        wanted = any(fnmatchcase(name, pattern.lower()) for pattern in self.names)
        recent = now - offer.offered_at <= self.max_age_s
        # what a person is needed for may still be had from our own copy
        possible = offer.provider in self.providers or (offer.provider in MANUAL_PROVIDERS and offer.proxy is not None)
        return wanted and recent and possible


@dataclass
class Webhook:
    """Asks the webhook again and again; the last answer is kept in ``cache``, so that most times nothing is sent."""

    url: str
    token: str | None
    policy: AddressPolicy
    cache: Path
    every_s: float = 300.0
    failures: int = 0
    after_s: float = 0.0

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """The webhook of this machine, whose host may lie anywhere; raises SettingError where none is set."""
        if settings.webhook_url is None:
            raise SettingError("VIDLIB_WEBHOOK_URL is not set; expected the address that lists what is offered")
        url = settings.webhook_url.get_secret_value()
        try:
            host = urlsplit(cleaned(url)).hostname or ""
        except RefusedInput:
            wrong = "expected an address that begins with https:// (its value is secret and not shown)"
            raise SettingError(f"VIDLIB_WEBHOOK_URL: {wrong}") from None
        token = settings.webhook_token.get_secret_value() if settings.webhook_token else None
        policy = AddressPolicy(settings.private_hosts() | {host})
        return cls(url, token, policy, settings.workspace / "webhook.json", settings.webhook_every_s)

    def offers(
        self, now: Callable[[], float] = time.time, timing: Timing | None = None
    ) -> tuple[list[DownloadOffer], list[str]]:
        """What is offered, and what is malformed, one line each.

        Raises DownloadFailed where it cannot be asked, Cancelled once ``timing.stop`` is set.
        """
        try:
            document = self._document(now, timing or Timing())
        except DownloadFailed as error:
            self.failures, self.after_s = self.failures + 1, error.retry_after_s or 0.0
            raise DownloadFailed(
                f"the webhook cannot be read: {error}", error.retryable, error.retry_after_s
            ) from error
        self.failures, self.after_s = 0, 0.0
        return parse_offers(document, now())

    def pause_s(self) -> float:
        """Seconds until it is to be asked again: longer each time that it failed, and as long as it says."""
        ours = self.every_s * 2 ** min(self.failures, 10)
        return max(self.after_s, min(ours, max(LONGEST_PAUSE_S, self.every_s)))

    def _document(self, now: Callable[[], float], timing: Timing) -> Any:
        kept = self._kept()
        headers = {"Accept": "application/json", **({"Authorization": f"Bearer {self.token}"} if self.token else {})}
        if kept.get("etag"):
            headers["If-None-Match"] = kept["etag"]
        elif kept.get("modified"):
            headers["If-Modified-Since"] = kept["modified"]
        with Web(self.policy, _within(ANSWER_S, timing)) as web, web.answer(self.url, headers) as answer:
            if answer.status_code == 304 and kept:
                return kept["document"]
            check_status(answer, now)
            document = read_json(answer)
            etag, modified = answer.headers.get("etag"), answer.headers.get("last-modified")
        if not isinstance(document, list):
            raise DownloadFailed(f"it sent {type(document).__name__}, expected a list of records")
        if etag or modified:
            said = {"etag": etag, "modified": modified, "document": document}
            write_json(self.cache, {"of": sha256_text(self.url), **said}, indent=None)
        return document

    def _kept(self) -> dict[str, Any]:
        with suppress(OSError, ValueError):
            kept = json.loads(self.cache.read_text())
            if isinstance(kept, dict) and kept.get("of") == sha256_text(self.url):
                return kept if isinstance(kept.get("document"), list) else {}
        return {}


def _within(limit_s: float, timing: Timing) -> Interrupt:
    """Ends a connection after ``limit_s`` seconds, however busy it seems, or when somebody asks to stop."""
    ends_at = timing.clock() + limit_s

    def check() -> None:
        if timing.stop.is_set():
            raise Cancelled("stopped as asked")
        if timing.clock() > ends_at:
            raise DownloadFailed(f"no whole answer in {limit_s:g} s", retryable=True)

    return Interrupt(check, timing.clock)


def parse_offers(document: Sequence[Any], now: float) -> tuple[list[DownloadOffer], list[str]]:
    """The offers among the records of ``document``, and a line for each that is malformed.

    A record that does not say when it was made was made ``now``.

    >>> parse_offers([{"url": "https://h.example/a.zip"}, 7], now=9.0)[1]
    ['record 2: expected an object, got 7']
    """
    offers, problems = [], []
    for number, record in enumerate(document, start=1):
        try:
            offers.append(parse_offer(record, now))
        except RefusedInput as error:
            problems.append(f"record {number}: {error}")
    return offers, problems


def parse_offer(record: Any, now: float) -> DownloadOffer:
    """One record as an offer; raises RefusedInput, with the reason, for one that is malformed."""
    if not isinstance(record, Mapping):
        raise RefusedInput(f"expected an object, got {_short(record)}")
    link, proxy = _text(record, "source_url") or _text(record, "url"), _text(record, "r2_url")
    if not (link or proxy):
        raise RefusedInput(f"expected source_url, url or r2_url, got {_short(sorted(map(str, record)))}")
    for url in filter(None, (link, proxy)):
        cleaned(url)
    when = record.get("created_at") if record.get("created_at") is not None else record.get("timestamp")
    name = _text(record, "original_filename")
    return DownloadOffer(link or proxy, now if when is None else parse_time(when), proxy if link else None, name)


def parse_time(when: Any) -> float:
    """A moment as seconds since 1970: from a number of (milli)seconds, or ISO 8601, in UTC where it does not say.

    >>> parse_time("1970-01-01T01:00:00+01:00"), parse_time("1970-01-02"), parse_time(1700000000000)
    (0.0, 86400.0, 1700000000.0)
    """
    with suppress(ValueError, OverflowError, OSError):
        if isinstance(when, str) and when.strip().replace(".", "", 1).isdecimal():
            when = float(when)
        if isinstance(when, int | float) and not isinstance(when, bool) and 0 <= when < 1e14:
            return float(when) / 1000 if when > MILLISECONDS else float(when)
        if isinstance(when, str):
            found = datetime.fromisoformat(when.strip())
            return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    raise RefusedInput(f"expected a time such as 2026-01-31T12:00:00Z, got {_short(when)}")


def _text(record: Mapping[str, Any], name: str) -> str | None:
    value = record.get(name)
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if not isinstance(value, str):
        raise RefusedInput(f"{name}: expected text, got {_short(value)}")
    return value


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN_CHARS else f"{text[:SHOWN_CHARS]}…"


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
