"""Requests to untrusted web servers: checked addresses and redirects, time limits, limited answers."""

import json
import logging
import math
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from importlib import metadata
from typing import Any, Self
from urllib.parse import urljoin, urlsplit

import httpcore
import httpx

from vidlib.errors import DownloadFailed, RefusedInput
from vidlib.http import is_busy, retry_after_s
from vidlib.ingest.addresses import AddressPolicy, CheckedNetwork, Interrupt
from vidlib.ingest.urls import cleaned, redacted
from vidlib.text import one_line, printable

CONNECT_S = 20.0
IDLE_S = 60.0
"""A connection ends after this many seconds without a byte from the server."""

MAX_REDIRECTS = 10
MAX_REASON_CHARS = 100
MAX_JSON_BYTES = 16 << 20
MAX_DIGITS = 18
"""The longest integer in foreign JSON; it fits into the columns of every database."""

LOCATION = "vidlib_location"
"""The extension of an answer that holds its Location header."""

BROKEN_OFF = ("closed connection", "disconnected")
"""In the messages of httpcore and h11 about a server that ended the connection too early."""

REDIRECTS = frozenset({301, 302, 303, 307, 308})
MEANINGS = {
    401: "it needs a password; download it by hand",
    403: "the download is not allowed, or no longer; ask for a new link",
    404: "nothing is there, or no longer; ask for a new link",
    410: "nothing is there any more; ask for a new link",
}

logging.getLogger("httpx").setLevel(logging.WARNING)  # at INFO it logs whole addresses, with their keys


class CheckedTransport(httpx.HTTPTransport):
    """httpx's transport with a network that opens connections to allowed addresses only.

    httpx has no option for the network of its connection pool, so this replaces the pool.
    """

    def __init__(self, policy: AddressPolicy, interrupt: Interrupt):
        super().__init__(verify=_tls_context(), trust_env=False)
        self._pool.close()
        network = CheckedNetwork(policy, interrupt)
        self._pool = httpcore.ConnectionPool(ssl_context=_tls_context(), network_backend=network)


@lru_cache(maxsize=1)
def _tls_context() -> ssl.SSLContext:
    """Return a context with the trusted certificates, which take a while to read."""
    return httpx.create_ssl_context(trust_env=False)


class Web:
    """Sends requests; a context manager that holds the connections.

    It ignores the proxies of the environment: a proxy would resolve names itself and contact unchecked addresses.
    """

    def __init__(self, policy: AddressPolicy, interrupt: Interrupt | None = None, idle_s: float = IDLE_S):
        """``interrupt`` may end a connection; ``idle_s`` seconds without a byte from the server end it, too."""
        version = metadata.version("vidlib")
        self.client = httpx.Client(
            transport=CheckedTransport(policy, interrupt or Interrupt()),
            timeout=httpx.Timeout(idle_s, connect=min(CONNECT_S, idle_s)),
            headers={"User-Agent": f"vidlib/{version}", "Accept-Encoding": "identity"},
            trust_env=False,
            event_hooks={"response": [_take_location]},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    @contextmanager
    def answer(
        self, url: str, headers: Mapping[str, str] | None = None, *, method: str = "GET", body: Any = None
    ) -> Iterator[httpx.Response]:
        """Yield the answer to a request after redirects, with its body unread. ``body`` is sent as JSON.

        Raises RefusedInput for a forbidden address, also as the target of a redirect, and for endless redirects.
        Raises DownloadFailed without an answer, also while the block reads it.
        """
        with _explained(url):
            answer = self._after_redirects(cleaned(url), dict(headers or {}), method, body)
            try:
                yield answer
            finally:
                answer.close()

    def json(self, url: str, headers: Mapping[str, str] | None = None, *, method: str = "GET", body: Any = None) -> Any:
        """Return the JSON document at ``url``; raises like `answer`, `check_status` and `read_json`."""
        with self.answer(url, headers, method=method, body=body) as answer:
            check_status(answer)
            return read_json(answer)

    def _after_redirects(self, url: str, headers: dict[str, str], method: str, body: Any) -> httpx.Response:
        seen = {url}
        while True:
            request = self.client.build_request(method, url, headers=headers, json=body)
            answer = self.client.send(request, stream=True)
            if answer.status_code not in REDIRECTS or LOCATION not in answer.extensions:
                return answer
            answer.close()
            target = _redirect_target(url, answer.extensions[LOCATION])
            if target in seen or len(seen) > MAX_REDIRECTS:
                raise RefusedInput(f"{redacted(url)} redirects in a circle, or more than {MAX_REDIRECTS} times")
            if urlsplit(target).netloc != urlsplit(url).netloc:
                headers = {name: value for name, value in headers.items() if name.lower() != "authorization"}
            seen.add(target)
            url = target
            if answer.status_code not in (307, 308):
                method, body = "GET", None


def _take_location(answer: httpx.Response) -> None:
    """Move the target of a redirect to where httpx does not parse it: it would call a forbidden one a broken answer."""
    if (location := answer.headers.pop("location", None)) is not None:
        answer.extensions[LOCATION] = location


def check_status(answer: httpx.Response, now: Callable[[], float] = time.time) -> None:
    """Raise DownloadFailed unless the status is 2xx; the error tells whether and when another attempt may succeed.

    ``now`` returns seconds since 1970, for a Retry-After with a date.
    """
    code = answer.status_code
    if answer.is_success:
        return
    meaning = MEANINGS.get(code, printable(answer.reason_phrase) or "no success")
    busy = is_busy(code)
    pause_s = retry_after_s(answer.headers.get("retry-after"), now()) if busy else None
    raise DownloadFailed(f"{redacted(str(answer.url))}: answered {code}: {meaning}", busy, pause_s)


def read_json(answer: httpx.Response) -> Any:
    """Return the document in an answer; raises DownloadFailed over MAX_JSON_BYTES, and if it is not JSON."""
    body = b""
    for chunk in answer.iter_raw():
        body += chunk
        if len(body) > MAX_JSON_BYTES:
            raise DownloadFailed(f"{redacted(str(answer.url))}: the answer is longer than {MAX_JSON_BYTES} bytes")
    try:
        return parse_json(body)
    except (ValueError, RecursionError) as error:
        raise DownloadFailed(f"{redacted(str(answer.url))}: expected JSON, got {len(body)} other bytes") from error


def parse_json(text: str | bytes) -> Any:
    """Return a foreign JSON document, in which each number beyond the range of floats is null.

    Raises ValueError or RecursionError for any other text.

    >>> parse_json('[1, 1e999, NaN]') + parse_json("[" + "9" * 5000 + "]")
    [1, None, None, None]
    """
    return json.loads(text, parse_int=_bounded_int, parse_float=_bounded_float, parse_constant=lambda name: None)


def _bounded_int(digits: str) -> int | None:
    return int(digits) if len(digits) <= MAX_DIGITS else None


def _bounded_float(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None


def _redirect_target(url: str, location: str) -> str:
    try:
        target = cleaned(urljoin(url, location))
    except RefusedInput as error:
        raise RefusedInput(f"{redacted(url)} redirects to a forbidden address: {error}") from error
    except ValueError as error:
        raise RefusedInput(f"{redacted(url)} redirects to an invalid address: {error}") from error
    if url.startswith("https:") and target.startswith("http:"):
        raise RefusedInput(f"{redacted(url)} redirects from https to http, where others can change the file")
    return target


@contextmanager
def _explained(url: str) -> Iterator[None]:
    """Turn errors of httpx into DownloadFailed, without the parameters of the address."""
    try:
        yield
    except httpx.TimeoutException as error:
        raise DownloadFailed(f"{redacted(url)}: no answer in time ({type(error).__name__})", True) from error
    except httpx.LocalProtocolError:  # its message may show a header with a token
        raise DownloadFailed(f"{redacted(url)}: the request could not be sent; a header of it is malformed") from None
    except httpx.RemoteProtocolError as error:
        if any(words in str(error) for words in BROKEN_OFF):
            raise DownloadFailed(f"{redacted(url)}: {error}", True) from error
        reason = one_line(str(error), MAX_REASON_CHARS)
        raise RefusedInput(f"{redacted(url)}: the server does not answer in valid HTTP: {reason}") from error
    except httpx.HTTPError as error:
        lasting = isinstance(error, httpx.UnsupportedProtocol) or _is_certificate_error(error)
        raise DownloadFailed(f"{redacted(url)}: {error or type(error).__name__}", not lasting) from error
    except httpx.InvalidURL as error:
        raise RefusedInput(f"{redacted(url)}: {error}") from error


def _is_certificate_error(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False
