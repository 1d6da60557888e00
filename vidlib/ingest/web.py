"""Questions to web servers that nobody vouches for: checked addresses and redirects, time limits, small answers."""

import json
import logging
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
from vidlib.http import retry_after_s
from vidlib.ingest.addresses import AddressPolicy, CheckedNetwork, Interrupt
from vidlib.ingest.urls import cleaned, redacted

CONNECT_S = 20.0
IDLE_S = 60.0  # without a byte from the server
MAX_REDIRECTS = 10
MAX_JSON_BYTES = 16 << 20
REDIRECTS = frozenset({301, 302, 303, 307, 308})
BUSY = frozenset({408, 425, 429})  # with 5xx: answers after which the same request may do better
MEANINGS = {
    401: "it wants a password; download it by hand",
    403: "it may not be downloaded, or no longer; ask for a new link",
    404: "nothing is there, or no longer; ask for a new link",
    410: "nothing is there any more; ask for a new link",
}

logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs whole addresses, with the keys in them


class CheckedTransport(httpx.HTTPTransport):
    """httpx's own transport, on a network that opens connections to permitted addresses only.

    httpx has no option for the network of its connection pool, so the pool is replaced.
    """

    def __init__(self, policy: AddressPolicy, interrupt: Interrupt):
        super().__init__(verify=_certificates(), trust_env=False)
        self._pool.close()
        self._pool = httpcore.ConnectionPool(
            ssl_context=_certificates(), network_backend=CheckedNetwork(policy, interrupt)
        )


@lru_cache(maxsize=1)
def _certificates() -> ssl.SSLContext:
    """Who is believed to be who they say; read once, which takes a while."""
    return httpx.create_ssl_context(trust_env=False)


class Web:
    """Asks web servers; a context manager that holds the connections.

    Proxies of the environment are not used: a proxy would look names up itself, and call what was never checked.
    """

    def __init__(self, policy: AddressPolicy, interrupt: Interrupt | None = None, idle_s: float = IDLE_S):
        """``interrupt`` is asked while a server is waited for; ``idle_s`` seconds without a byte end a connection."""
        version = metadata.version("vidlib")
        self.client = httpx.Client(
            transport=CheckedTransport(policy, interrupt or Interrupt()),
            timeout=httpx.Timeout(idle_s, connect=min(CONNECT_S, idle_s)),
            headers={"User-Agent": f"vidlib/{version}", "Accept-Encoding": "identity"},
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    @contextmanager
    def answer(
        self, url: str, headers: Mapping[str, str] | None = None, *, method: str = "GET", body: Any = None
    ) -> Iterator[httpx.Response]:
        """The answer to a request, after redirects; its body is not read yet. ``body`` is sent as JSON.

        Raises RefusedInput for an address that may not be called, also one that a redirect leads to, or redirects
        without an end; DownloadFailed if there is no answer, also while the block reads it.
        """
        with _explained(url):
            answer = self._after_redirects(cleaned(url), dict(headers or {}), method, body)
            try:
                yield answer
            finally:
                answer.close()

    def json(self, url: str, headers: Mapping[str, str] | None = None, *, method: str = "GET", body: Any = None) -> Any:
        """The JSON document at ``url``; raises as `answer` and `check_status`, and DownloadFailed for anything else."""
        with self.answer(url, headers, method=method, body=body) as answer:
            check_status(answer)
            return read_json(answer)

    def _after_redirects(self, url: str, headers: dict[str, str], method: str, body: Any) -> httpx.Response:
        seen = {url}
        while True:
            request = self.client.build_request(method, url, headers=headers, json=body)
            answer = self.client.send(request, stream=True)
            if answer.status_code not in REDIRECTS or "location" not in answer.headers:
                return answer
            answer.close()
            target = _redirected(url, answer.headers["location"])
            if target in seen or len(seen) > MAX_REDIRECTS:
                raise RefusedInput(f"{redacted(url)} redirects in a circle, or more than {MAX_REDIRECTS} times")
            if urlsplit(target).netloc != urlsplit(url).netloc:
                headers = {name: value for name, value in headers.items() if name.lower() != "authorization"}
            seen.add(target)
            url = target
            if answer.status_code not in (307, 308):
                method, body = "GET", None


def check_status(answer: httpx.Response, now: Callable[[], float] = time.time) -> None:
    """Raise DownloadFailed, which says whether trying again may help and when, unless the answer is a good one.

    ``now`` gives seconds since 1970, for a Retry-After that is a date.
    """
    code = answer.status_code
    if answer.is_success:
        return
    meaning = MEANINGS.get(code, answer.reason_phrase or "no good answer")
    busy = code >= 500 or code in BUSY
    after_s = retry_after_s(answer.headers.get("retry-after"), now()) if busy else None
    raise DownloadFailed(f"{redacted(str(answer.url))}: answered {code}: {meaning}", busy, after_s)


def read_json(answer: httpx.Response) -> Any:
    """The document in an answer of at most MAX_JSON_BYTES; raises DownloadFailed for one that is none."""
    body = b""
    for chunk in answer.iter_raw():
        body += chunk
        if len(body) > MAX_JSON_BYTES:
            raise DownloadFailed(f"{redacted(str(answer.url))}: the answer is longer than {MAX_JSON_BYTES} bytes")
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        what = f"expected JSON, got {body[:60]!r}"
        raise DownloadFailed(f"{redacted(str(answer.url))}: {what}") from error


def _redirected(url: str, location: str) -> str:
    try:
        target = cleaned(urljoin(url, location))
    except RefusedInput as error:
        raise RefusedInput(f"{redacted(url)} redirects to what is not fetched: {error}") from error
    except ValueError as error:
        raise RefusedInput(f"{redacted(url)} redirects to what is no link: {error}") from error
    if url.startswith("https:") and target.startswith("http:"):
        raise RefusedInput(f"{redacted(url)} redirects from https to http, where anybody on the way may change a file")
    return target


@contextmanager
def _explained(url: str) -> Iterator[None]:
    """What httpx raises in the block as DownloadFailed, without the parameters of the address."""
    try:
        yield
    except httpx.TimeoutException as error:
        raise DownloadFailed(f"{redacted(url)}: no answer in time ({type(error).__name__})", True) from error
    except httpx.HTTPError as error:
        lasting = isinstance(error, httpx.UnsupportedProtocol) or _is_certificate(error)
        raise DownloadFailed(f"{redacted(url)}: {error or type(error).__name__}", not lasting) from error
    except httpx.InvalidURL as error:
        raise RefusedInput(f"{redacted(url)}: {error}") from error


def _is_certificate(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False
