"""The Lemonfox API (lemonfox.ai): one sound file goes out, who says what when comes back.

What may pass (too many requests, a server in trouble, a lost connection) is tried again after a pause that grows and is
drawn by lot, or after the one that the server asks for. The key is in one header and nowhere else: no message, not even
one that repeats what the server said, holds it.
"""

import io
import ipaddress
import logging
import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, SecretStr, ValidationError

from vidlib.errors import EngineUnavailable, SettingError
from vidlib.http import retry_after_s
from vidlib.text import one_line

MAX_UPLOAD_BYTES = 100_000_000
"""Lemonfox takes files of up to 100 MB."""

MAX_ANSWER_BYTES = 50_000_000
"""An hour of speech with times for each word is about 2 MB."""

ATTEMPTS = 5
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 30.0
"""Of our own pauses; how long the server may ask for is limited by the total."""

PASSING = frozenset({408, 425, 429})
"""Answers below 500 that a later attempt may do better than (RFC 9110, 15.5; RFC 8470; RFC 6585)."""

Fields = Mapping[str, str | list[str]]


class Told(BaseModel):
    """A part of an answer. What is wrong in one is not repeated by the error: it may be what we sent."""

    model_config = ConfigDict(hide_input_in_errors=True)


class Word(Told):
    """One word, in seconds; ``speaker`` is None where the service does not say."""

    word: str = ""
    start: FiniteFloat = Field(ge=0)
    end: FiniteFloat = Field(ge=0)
    speaker: str | int | None = None


class Segment(Told):
    """A sentence or so, in seconds, with its words where they were asked for."""

    text: str = ""
    start: FiniteFloat = Field(ge=0)
    end: FiniteFloat = Field(ge=0)
    speaker: str | int | None = None
    words: list[Word] | None = None


class Answer(Told):
    """What of ``verbose_json`` is used."""

    segments: list[Segment]


@dataclass(frozen=True)
class Limits:
    """How long to wait, in seconds: to be connected, for the next byte, and for all attempts together."""

    connect_s: float = 10.0
    socket_s: float = 300.0
    total_s: float = 1200.0


@dataclass(frozen=True)
class Time:
    """Clocks, pauses and lots: what a test replaces. ``lot()`` is in [0, 1)."""

    clock: Callable[[], float] = time.monotonic
    date: Callable[[], float] = time.time
    pause: Callable[[float], None] = time.sleep
    lot: Callable[[], float] = random.random


@dataclass(frozen=True)
class Service:
    """The API at ``url``, used with ``key``.

    Raises SettingError for an address that the key must not be sent to, or a key that cannot be one.
    """

    url: str
    key: SecretStr
    limits: Limits = Limits()
    time: Time = Time()

    def __post_init__(self) -> None:
        key = self.key.get_secret_value()
        if not (key.isascii() and key.isprintable() and key and " " not in key):
            raise SettingError("VIDLIB_LEMONFOX_KEY: expected printable characters without spaces; it is not shown")
        if not _is_safe(self.url):
            raise SettingError(f"VIDLIB_LEMONFOX_URL={self.url!r}: expected an address that begins with https://")

    def transcribe(self, name: str, sound: bytes, fields: Fields) -> Answer:
        """What the service says of a sound file called ``name``; ``fields`` are those of its form.

        Raises EngineUnavailable, with what it answered and what to do.
        """
        logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs every request
        check_size(len(sound))
        deadline = self.time.clock() + self.limits.total_s
        attempt = 1
        while True:
            try:
                return self._ask(name, sound, fields, deadline)
            except Passing as error:
                pause_s = self._pause_s(attempt, error.retry_after)
                if attempt == ATTEMPTS or self.time.clock() + pause_s >= deadline:
                    raise EngineUnavailable(f"{error}; attempts: {attempt}. Try again later") from error
            attempt += 1
            self.time.pause(pause_s)

    def _ask(self, name: str, sound: bytes, fields: Fields, deadline: float) -> Answer:
        upload, limits = Upload(sound, lambda: self._check(deadline)), self.limits
        timeout = httpx.Timeout(limits.socket_s, connect=limits.connect_s)
        try:
            # no redirect is followed: the key is for this host alone
            with httpx.stream(
                "POST", self.url, data=fields, files={"file": (name, upload)}, auth=Bearer(self.key), timeout=timeout
            ) as answer:
                self._refuse(answer)
                body = b"".join(self._body(answer, deadline))
        except httpx.TimeoutException as error:
            raise Passing(f"lemonfox did not answer in time ({type(error).__name__})") from error
        except httpx.TransportError as error:
            raise Passing(f"the connection to lemonfox failed: {self._shown(error)}") from error
        except httpx.HTTPError as error:
            raise EngineUnavailable(f"lemonfox sent what cannot be read: {self._shown(error)}") from error
        return self._understood(body)

    def _refuse(self, answer: httpx.Response) -> None:
        """Raise unless the answer is a good one: Passing if it may be another time."""
        code = answer.status_code
        if code == 401:
            raise EngineUnavailable("lemonfox refused the key (401): correct VIDLIB_LEMONFOX_KEY")
        if code == 413:
            most = f"{MAX_UPLOAD_BYTES // 10**6} MB"
            raise EngineUnavailable(f"the sound is too long for lemonfox (413); it takes {most}")
        if code >= 500 or code in PASSING:
            raise Passing(f"lemonfox answered {code}", answer.headers.get("Retry-After"))
        if code != 200:
            raise EngineUnavailable(f"lemonfox answered {code}: {self._shown(next(answer.iter_bytes(), b''))}")

    def _body(self, answer: httpx.Response, deadline: float) -> Iterator[bytes]:
        n_bytes = 0
        for part in answer.iter_bytes():
            self._check(deadline)
            n_bytes += len(part)
            if n_bytes > MAX_ANSWER_BYTES:
                raise EngineUnavailable(f"lemonfox's answer is longer than {MAX_ANSWER_BYTES // 10**6} MB")
            yield part

    def _understood(self, body: bytes) -> Answer:
        try:
            return Answer.model_validate_json(body)
        except ValidationError as error:
            problem = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(map(str, problem["loc"])) or "the whole"
            raise EngineUnavailable(
                f"lemonfox's answer is not the JSON that was expected ({where}: {self._shown(problem['msg'])}): "
                f"{self._shown(body[:200])!r}. Is VIDLIB_LEMONFOX_URL right?"
            ) from error

    def _check(self, deadline: float) -> None:
        if self.time.clock() >= deadline:
            raise EngineUnavailable(f"lemonfox took longer than {self.limits.total_s:g} s in all")

    def _pause_s(self, attempt: int, retry_after: str | None) -> float:
        """Seconds until the next attempt: what the server asks for, else twice as many each time, up to half less."""
        if (asked_s := retry_after_s(retry_after, self.time.date())) is not None:
            return asked_s
        return min(FIRST_PAUSE_S * 2 ** (attempt - 1), LONGEST_PAUSE_S) * (1 - self.time.lot() / 2)

    def _shown(self, said: object) -> str:
        """What somebody outside said, in one short line, without the key."""
        text = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
        return one_line(text.replace(self.key.get_secret_value(), "..."), max_chars=150)


class Passing(EngineUnavailable):
    """An attempt failed in a way that may pass; the server asked to be left alone until ``retry_after``."""

    def __init__(self, message: str, retry_after: str | None = None):
        super().__init__(message, retry_after)
        self.retry_after = retry_after

    def __str__(self) -> str:
        return self.args[0]


class Bearer(httpx.Auth):
    """The key as a header, which is written as the request leaves."""

    def __init__(self, key: SecretStr):
        self._key = key

    def auth_flow(self, request: httpx.Request) -> Iterator[httpx.Request]:
        request.headers["Authorization"] = f"Bearer {self._key.get_secret_value()}"
        yield request


class Upload(io.BytesIO):
    """A file that calls ``check`` before each piece of it is sent."""

    def __init__(self, content: bytes, check: Callable[[], None]):
        super().__init__(content)
        self._check = check

    def read(self, size: int | None = -1) -> bytes:
        self._check()
        return super().read(size)


def check_size(n_bytes: int) -> None:
    """Raise EngineUnavailable for a file that is not accepted, before any of it is sent."""
    if n_bytes > MAX_UPLOAD_BYTES:
        raise EngineUnavailable(
            f"the sound is too long for lemonfox: {n_bytes / 1e6:.0f} MB, {MAX_UPLOAD_BYTES // 10**6} MB are accepted. "
            "Cut the video, or use another engine"
        )


def _is_safe(url: str) -> bool:
    """Whether a key may be sent there: encrypted, or to this machine; and no other secret is in the address."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:  # a port that is no number, brackets that do not match
        return False
    if not host or "@" in parts.netloc or not url.isascii() or not url.isprintable():
        return False
    try:
        is_here = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_here = host == "localhost"
    return parts.scheme == "https" or (parts.scheme == "http" and is_here)
