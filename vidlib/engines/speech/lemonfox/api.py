"""Client of the Lemonfox API (lemonfox.ai), which transcribes a sound file and names the speakers.

The client retries transient errors (too many requests, a server error, a lost connection). It waits as long as the
server requests, else for a random time that grows with each attempt. The API key is in one header and nowhere else: no
message contains it, not even one that quotes the server.
"""

import io
import ipaddress
import logging
import random
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, SecretStr, ValidationError

from vidlib.errors import EngineUnavailable, SettingError
from vidlib.http import is_busy, retry_after_s
from vidlib.text import one_line

MAX_UPLOAD_BYTES = 100_000_000
"""Largest file that Lemonfox accepts: 100 MB."""

MAX_RESPONSE_BYTES = 50_000_000
"""Largest response; an hour of speech with word times is about 2 MB."""

MAX_ATTEMPTS = 5

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0
"""Pauses of the client itself; those that the server requests are limited by the total time alone."""

Fields = Mapping[str, str | list[str]]
"""Form fields of a request."""


class ResponseModel(BaseModel):
    """A part of a response. Its validation errors hide the input, which may repeat what the client sent."""

    model_config = ConfigDict(hide_input_in_errors=True)


class Word(ResponseModel):
    """One word, with times in seconds; ``speaker`` is None where the service names nobody."""

    word: str = ""
    start: FiniteFloat = Field(ge=0)
    end: FiniteFloat = Field(ge=0)
    speaker: str | int | None = None


class TranscriptSegment(ResponseModel):
    """About one sentence, with times in seconds, and with its words if they were requested."""

    text: str = ""
    start: FiniteFloat = Field(ge=0)
    end: FiniteFloat = Field(ge=0)
    speaker: str | int | None = None
    words: list[Word] | None = None


class Transcript(ResponseModel):
    """The part of a ``verbose_json`` response that vidlib uses."""

    segments: list[TranscriptSegment]


@dataclass(frozen=True)
class Timeouts:
    """Seconds to wait for a connection, for the next byte, and for all attempts together."""

    connect_s: float = 10.0
    socket_s: float = 300.0
    total_s: float = 1200.0


@dataclass(frozen=True)
class Clock:
    """The time and chance that the client depends on, so that a test can replace them. ``random`` is in [0, 1)."""

    monotonic: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    random: Callable[[], float] = random.random


@dataclass(frozen=True)
class Client:
    """Client of the API at ``url`` with the API ``key``.

    Raises SettingError for an address that must not receive the key, and for a malformed key.
    """

    url: str
    key: SecretStr
    timeouts: Timeouts = Timeouts()
    clock: Clock = Clock()

    def __post_init__(self) -> None:
        key = self.key.get_secret_value()
        if not (key.isascii() and key.isprintable() and key and " " not in key):
            raise SettingError(
                "VIDLIB_LEMONFOX_KEY: expected printable ASCII characters without spaces (value not shown)"
            )
        if not _is_safe(self.url):
            raise SettingError(f"VIDLIB_LEMONFOX_URL={self.url!r}: expected an address that starts with https://")

    def transcribe(self, name: str, sound: bytes, fields: Fields) -> Transcript:
        """Transcribe a ``sound`` file called ``name``; ``fields`` are the other fields of the form.

        Raises EngineUnavailable with the response of the service and the remedy.
        """
        logging.getLogger("httpx").setLevel(logging.WARNING)  # httpx logs every request
        check_size(len(sound))
        deadline = self.clock.monotonic() + self.timeouts.total_s
        attempt = 1
        while True:
            try:
                return self._post(name, sound, fields, deadline)
            except TransientError as error:
                pause_s = self._pause_s(attempt, error.retry_after)
                if attempt == MAX_ATTEMPTS or self.clock.monotonic() + pause_s >= deadline:
                    raise EngineUnavailable(f"{error}; attempts: {attempt}. Try again later") from error
            attempt += 1
            self.clock.sleep(pause_s)

    def _post(self, name: str, sound: bytes, fields: Fields, deadline: float) -> Transcript:
        upload = Upload(sound, lambda: self._check(deadline))
        timeout = httpx.Timeout(self.timeouts.socket_s, connect=self.timeouts.connect_s)
        try:
            # httpx.stream follows no redirect: the key is for this host alone
            with httpx.stream(
                "POST",
                self.url,
                data=fields,
                files={"file": (name, upload)},
                auth=BearerAuth(self.key),
                timeout=timeout,
            ) as response:
                self._raise_for_status(response)
                body = b"".join(self._read(response, deadline))
        except httpx.TimeoutException as error:
            raise TransientError(f"lemonfox did not answer in time ({type(error).__name__})") from error
        except httpx.TransportError as error:
            raise TransientError(f"the connection to lemonfox failed: {self._quote(error)}") from error
        except httpx.HTTPError as error:
            raise EngineUnavailable(f"lemonfox sent an unreadable response: {self._quote(error)}") from error
        return self._parse(body)

    def _raise_for_status(self, response: httpx.Response) -> None:
        """Raise unless the status is 200; TransientError where another attempt may succeed."""
        status = response.status_code
        if status == 401:
            raise EngineUnavailable("lemonfox refused the key (401): correct VIDLIB_LEMONFOX_KEY")
        if status == 413:
            limit = f"{MAX_UPLOAD_BYTES // 10**6} MB"
            raise EngineUnavailable(f"the sound is too long for lemonfox (413); it accepts {limit}")
        if is_busy(status):
            raise TransientError(f"lemonfox answered {status}", response.headers.get("Retry-After"))
        if status != 200:
            start = next(response.iter_bytes(), b"")
            raise EngineUnavailable(f"lemonfox answered {status}: {self._quote(start)}")

    def _read(self, response: httpx.Response, deadline: float) -> Iterator[bytes]:
        n_bytes = 0
        for part in response.iter_bytes():
            self._check(deadline)
            n_bytes += len(part)
            if n_bytes > MAX_RESPONSE_BYTES:
                raise EngineUnavailable(f"the response of lemonfox is longer than {MAX_RESPONSE_BYTES // 10**6} MB")
            yield part

    def _parse(self, body: bytes) -> Transcript:
        try:
            return Transcript.model_validate_json(body)
        except ValidationError as error:
            problem = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(map(str, problem["loc"])) or "the document"
            raise EngineUnavailable(
                f"the response of lemonfox is not the expected JSON ({where}: {self._quote(problem['msg'])}): "
                f"{self._quote(body[:200])!r}. Check VIDLIB_LEMONFOX_URL"
            ) from error

    def _check(self, deadline: float) -> None:
        if self.clock.monotonic() >= deadline:
            raise EngineUnavailable(f"lemonfox took longer than {self.timeouts.total_s:g} s in all")

    def _pause_s(self, attempt: int, retry_after: str | None) -> float:
        """Seconds until the next attempt: those of Retry-After, else doubling, less a random part up to a half."""
        if (requested_s := retry_after_s(retry_after, self.clock.now())) is not None:
            return requested_s
        return min(FIRST_PAUSE_S * 2 ** (attempt - 1), LONGEST_PAUSE_S) * (1 - self.clock.random() / 2)

    def _quote(self, message: object) -> str:
        """A message from outside as one line of up to 150 printable characters, without the key."""
        text = message.decode(errors="replace") if isinstance(message, bytes) else str(message)
        return one_line(text.replace(self.key.get_secret_value(), "..."), max_chars=150)


class TransientError(EngineUnavailable):
    """An attempt failed, but a later one may succeed; ``retry_after`` is the header in which the server says when."""

    def __init__(self, message: str, retry_after: str | None = None):
        super().__init__(message, retry_after)
        self.retry_after = retry_after

    def __str__(self) -> str:
        return self.args[0]


class BearerAuth(httpx.Auth):
    """Adds the key as a header when the request is sent."""

    def __init__(self, key: SecretStr):
        self._key = key

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = f"Bearer {self._key.get_secret_value()}"
        yield request


class Upload(io.BytesIO):
    """A file that calls ``check`` before each part of it is sent."""

    def __init__(self, content: bytes, check: Callable[[], None]):
        super().__init__(content)
        self._check = check

    def read(self, size: int | None = -1) -> bytes:
        self._check()
        return super().read(size)


def check_size(n_bytes: int) -> None:
    """Raise EngineUnavailable for a file that Lemonfox would refuse, before any of it is sent."""
    if n_bytes > MAX_UPLOAD_BYTES:
        raise EngineUnavailable(
            f"the sound is too long for lemonfox: {n_bytes / 1e6:.0f} MB; it accepts {MAX_UPLOAD_BYTES // 10**6} MB. "
            "Cut the video, or use another engine"
        )


def _is_safe(url: str) -> bool:
    """Whether ``url`` may receive the key: it is encrypted or on this machine, and contains no password."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:  # the port is not a number, or brackets do not match
        return False
    if not host or "@" in parts.netloc or not url.isascii() or not url.isprintable():
        return False
    try:
        is_here = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_here = host == "localhost"
    return parts.scheme == "https" or (parts.scheme == "http" and is_here)
