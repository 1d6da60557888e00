"""The offers of the webhook: a JSON list of links in an old and a new form. Malformed records are named and skipped.

Old records are ``{url, timestamp, source, url_type}``; new ones are ``{source_url, r2_url, provider, created_at,
original_filename}``. ``r2_url`` is a copy on our own proxy: downloads try it first, then the source.
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
from vidlib.files import sha256_text, write_text
from vidlib.ingest.addresses import AddressPolicy, Interrupt
from vidlib.ingest.fetch import Timing
from vidlib.ingest.offers import DownloadOffer
from vidlib.ingest.providers import MANUAL_PROVIDERS, PLAIN, PROVIDERS
from vidlib.ingest.urls import cleaned, normalized
from vidlib.ingest.web import Web, check_status, read_json
from vidlib.settings import Settings
from vidlib.text import one_line

ANSWER_S = 120.0
"""The time limit of one request in seconds."""

MILLISECONDS = 1e11
"""A larger time is in milliseconds since 1970: in seconds, it would be after the year 5138."""

LONGEST_PAUSE_S = 3600.0
LONGEST_RETRY_AFTER_S = 86400.0
"""A longer Retry-After of the webhook is cut to this."""

LATEST_S = 4102444800.0
"""The latest time of an offer: 2100-01-01, UTC."""

MAX_NAME_CHARS = 250
SHOWN_CHARS = 200

log = logging.getLogger("vidlib.webhook")


@dataclass(frozen=True)
class AutoDownloadRule:
    """Selects the offers that are downloaded automatically: by provider, pattern of the name, and age."""

    providers: frozenset[str]
    names: tuple[str, ...]
    max_age_s: float

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Return the rule of the settings VIDLIB_MONITOR_*; raises UnknownName for an unknown provider."""
        known = {provider.name for provider in (*PROVIDERS, PLAIN)}
        providers = frozenset(_comma_separated(settings.monitor_providers))
        for name in providers - known:
            raise UnknownName("a provider of VIDLIB_MONITOR_PROVIDERS", name, known)
        return cls(providers, tuple(_comma_separated(settings.monitor_names)), settings.monitor_max_age_days * 86400)

    def matches(self, offer: DownloadOffer, now: float) -> bool:
        """Return whether to download ``offer`` at ``now``, seconds since 1970. Patterns ignore case."""
        name = (offer.name or unquote(urlsplit(offer.link).path).rpartition("/")[2]).lower()
        wanted = any(fnmatchcase(name, pattern.lower()) for pattern in self.names)
        recent = now - offer.offered_at <= self.max_age_s
        # a link that only a person can open is no obstacle if our proxy has a copy
        possible = offer.provider in self.providers or (offer.provider in MANUAL_PROVIDERS and offer.proxy is not None)
        return wanted and recent and possible


@dataclass
class Webhook:
    """Polls the webhook. The file ``cache`` holds its last answer, so that an unchanged answer is not sent again.

    ``failures`` counts failed polls in a row.
    """

    url: str
    token: str | None
    policy: AddressPolicy
    cache: Path
    every_s: float = 300.0
    failures: int = 0
    retry_after_s: float = 0.0

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Return the webhook of VIDLIB_WEBHOOK_URL, whose host may be private; raises SettingError if it is not set."""
        if settings.webhook_url is None:
            raise SettingError("VIDLIB_WEBHOOK_URL is not set; expected the address of the list of offers")
        url = settings.webhook_url.get_secret_value()
        try:
            host = urlsplit(cleaned(url)).hostname or ""
        except RefusedInput:
            wrong = "expected an address that begins with https://; the value is secret and not shown"
            raise SettingError(f"VIDLIB_WEBHOOK_URL: {wrong}") from None
        token = settings.webhook_token.get_secret_value() if settings.webhook_token else None
        policy = AddressPolicy(settings.private_hosts() | {host})
        return cls(url, token, policy, settings.workspace / "webhook.json", settings.webhook_every_s)

    def offers(
        self, now: Callable[[], float] = time.time, timing: Timing | None = None
    ) -> tuple[list[DownloadOffer], list[str]]:
        """Return the offers, and one line for each malformed record.

        Raises DownloadFailed if the request fails, and Cancelled when ``timing.stop`` is set.
        """
        try:
            document = self._document(now, timing or Timing())
        except (DownloadFailed, RefusedInput) as error:
            failed = error if isinstance(error, DownloadFailed) else DownloadFailed(str(error))
            self.failures, self.retry_after_s = self.failures + 1, failed.retry_after_s or 0.0
            reason = f"the webhook cannot be read: {failed}"
            raise DownloadFailed(reason, failed.retryable, failed.retry_after_s) from error
        self.failures, self.retry_after_s = 0, 0.0
        return parse_offers(document, now())

    def pause_s(self) -> float:
        """Return the seconds until the next poll: more after each failure, and at least what the server asks for."""
        pause_s = min(self.every_s * 2.0 ** min(self.failures, 10), max(LONGEST_PAUSE_S, self.every_s))
        return max(pause_s, min(self.retry_after_s, LONGEST_RETRY_AFTER_S))

    def _document(self, now: Callable[[], float], timing: Timing) -> Any:
        cached = self._cached()
        headers = {"Accept": "application/json", **({"Authorization": f"Bearer {self.token}"} if self.token else {})}
        if cached.get("etag"):
            headers["If-None-Match"] = cached["etag"]
        elif cached.get("modified"):
            headers["If-Modified-Since"] = cached["modified"]
        with Web(self.policy, _within(ANSWER_S, timing)) as web, web.answer(self.url, headers) as answer:
            if answer.status_code == 304 and cached:
                return cached["document"]
            check_status(answer, now)
            document = read_json(answer)
            etag, modified = answer.headers.get("etag"), answer.headers.get("last-modified")
        if not isinstance(document, list):
            raise DownloadFailed(f"it sent {type(document).__name__}, expected a list of records")
        if etag or modified:
            answered = {"etag": etag, "modified": modified, "document": document}
            document_text = json.dumps({"of": sha256_text(self.url), **answered})  # ASCII holds even half a surrogate
            write_text(self.cache, document_text, private=True)
        return document

    def _cached(self) -> dict[str, Any]:
        """Return the last answer of this address with its validators, or nothing."""
        with suppress(OSError, ValueError):
            cached = json.loads(self.cache.read_text())
            if isinstance(cached, dict) and cached.get("of") == sha256_text(self.url):
                return cached if isinstance(cached.get("document"), list) else {}
        return {}


def _within(limit_s: float, timing: Timing) -> Interrupt:
    """Return an interrupt that ends a connection after ``limit_s`` seconds or when ``timing.stop`` is set."""
    ends_at = timing.clock() + limit_s

    def check() -> None:
        if timing.stop.is_set():
            raise Cancelled("stopped on request")
        if timing.clock() > ends_at:
            raise DownloadFailed(f"no complete answer in {limit_s:g} s", retryable=True)

    return Interrupt(check, timing.clock)


def parse_offers(document: Sequence[Any], now: float) -> tuple[list[DownloadOffer], list[str]]:
    """Return the offers in ``document``, and one line for each malformed record.

    A record without a time gets the time ``now``.

    >>> parse_offers([{"url": "https://h.example/a.zip"}, 7], now=9.0)[1]
    ['record 2: expected an object, got 7']
    """
    offers, problems = [], []
    for number, record in enumerate(document, start=1):
        try:
            offers.append(parse_offer(record, now))
        except RefusedInput as error:
            problems.append(f"record {number}: {error}")
        except Exception as error:  # noqa: BLE001 one record must not hide the others
            problems.append(f"record {number}: {type(error).__name__}; this is a bug of vidlib")
    return offers, problems


def parse_offer(record: object, now: float) -> DownloadOffer:
    """Return a record as an offer; raises RefusedInput with the reason if it is malformed."""
    if not isinstance(record, Mapping):
        raise RefusedInput(f"expected an object, got {_short(record)}")
    source, proxy = _text(record, "source_url") or _text(record, "url"), _text(record, "r2_url")
    if (link := source or proxy) is None:
        raise RefusedInput(f"expected source_url, url or r2_url, got {_short(sorted(map(str, record)))}")
    for url in filter(None, (source, proxy)):
        normalized(url)
    when = record.get("created_at") if record.get("created_at") is not None else record.get("timestamp")
    name = one_line(_text(record, "original_filename") or "", MAX_NAME_CHARS) or None
    return DownloadOffer(link, now if when is None else parse_time(when), proxy if source else None, name)


def parse_time(when: Any) -> float:
    """Return a time in seconds since 1970, from a number of seconds or milliseconds or from ISO 8601 (default UTC).

    Raises RefusedInput for anything else, and for a time before 1970 or after 2100: dates overflow at their limits.

    >>> parse_time("1970-01-01T01:00:00+01:00"), parse_time("1970-01-02"), parse_time(1700000000000)
    (0.0, 86400.0, 1700000000.0)
    """
    with suppress(ValueError, OverflowError, OSError):
        if isinstance(when, str) and when.strip().replace(".", "", 1).isdecimal():
            when = float(when)
        if isinstance(when, int | float) and not isinstance(when, bool):
            seconds = float(when) / 1000 if when > MILLISECONDS else float(when)
        else:
            parsed = datetime.fromisoformat(when.strip() if isinstance(when, str) else "")
            seconds = (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
        if 0 <= seconds <= LATEST_S:
            return seconds
    raise RefusedInput(f"expected a time such as 2026-01-31T12:00:00Z, from 1970 to 2100, got {_short(when)}")


def _text(record: Mapping[str, Any], name: str) -> str | None:
    value = record.get(name)
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if not isinstance(value, str):
        raise RefusedInput(f"{name}: expected text, got {_short(value)}")
    if "\0" in value or not _is_unicode(value):
        raise RefusedInput(f"{name}: expected text without NUL and unpaired surrogates")
    return value


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _short(value: Any) -> str:
    """Return a value for a message; one that may contain a link is replaced by its type."""
    text = ascii(value)
    if "//" in text:
        return f"{type(value).__name__} with a link"
    return text if len(text) <= SHOWN_CHARS else f"{text[:SHOWN_CHARS]}…"


def _comma_separated(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
