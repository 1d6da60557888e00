"""Fetching one file from a web server: it appears complete in a folder or not at all.

During the download its name is ``<name>.part`` (see `vidlib.ingest.parts`). If a connection breaks off, stalls or is
too slow, the next one requests the rest, as long as the server confirms that the file is still the same.
"""

import random
import re
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from functools import partial
from pathlib import Path
from typing import Self
from urllib.parse import unquote_to_bytes

import httpx
import tenacity

from vidlib.errors import Cancelled, DownloadFailed, RefusedInput
from vidlib.ingest.addresses import AddressPolicy, Interrupt
from vidlib.ingest.arrivals import arrived_name
from vidlib.ingest.content import check_complete, check_head
from vidlib.ingest.names import safe_name, split_name
from vidlib.ingest.parts import SYNC_BYTES, PartialFile, RemoteInfo, name_of, open_part
from vidlib.ingest.urls import redacted
from vidlib.ingest.web import IDLE_S, Web, check_status
from vidlib.progress import Report, quiet
from vidlib.settings import GIB, Settings

RATE_WINDOW_S = 60.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 2.0, 120.0
"""The pause after the first failure; it doubles with each further failure up to the longest."""

LONGEST_RETRY_AFTER_S = 3600.0
"""A download fails if the server asks for a longer pause."""

CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)", re.ASCII)
DISPOSITION = re.compile(r';\s*filename(\*?)\s*=\s*("(?:[^"\\]|\\.)*"|[^;\s]+)', re.IGNORECASE)


@dataclass(frozen=True)
class RemoteFile:
    """The address of a file with the headers of its request; ``name`` is used if the server sends none."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    name: str | None = None


@dataclass(frozen=True)
class DownloadRules:
    """The limits of a download.

    ``policy`` decides which hosts may be contacted. ``free_bytes`` stay free on the disk. ``timeout_s`` is for the
    whole download, ``idle_s`` for the silence of a server. ``min_rate`` is in bytes per second, measured over
    RATE_WINDOW_S. A download fails after ``attempts`` in a row without new bytes.
    """

    policy: AddressPolicy = field(default_factory=AddressPolicy)
    max_bytes: int = 200 * GIB
    free_bytes: int = GIB
    timeout_s: float = 24 * 3600
    idle_s: float = IDLE_S
    min_rate: float = 1024
    attempts: int = 6

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Return the rules that VIDLIB_* settings define."""
        return cls(
            policy=AddressPolicy(settings.private_hosts()),
            max_bytes=settings.max_download_bytes,
            free_bytes=settings.min_free_bytes,
            timeout_s=settings.download_timeout_s,
            min_rate=settings.min_download_rate,
            attempts=settings.download_attempts,
        )


@dataclass(frozen=True)
class Timing:
    """The stop signal, the clocks and the random delays of a download, which tests replace.

    ``clock`` is monotonic, ``now`` is in seconds since 1970, ``jitter`` returns 0 to 1. ``pause`` waits for seconds;
    by default it ends early when ``stop`` is set.
    """

    stop: threading.Event = field(default_factory=threading.Event)
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time
    jitter: Callable[[], float] = random.random
    pause: Callable[[float], object] | None = None

    def wait(self, seconds: float) -> None:
        """Wait before the next attempt."""
        (self.pause or self.stop.wait)(seconds)


@dataclass(frozen=True)
class DownloadedFile:
    """A complete file; an earlier attempt had left ``resumed_at`` of its bytes."""

    path: Path
    size: int
    sha256: str
    resumed_at: int = 0


def fetch(
    source: RemoteFile,
    folder: Path,
    rules: DownloadRules | None = None,
    *,
    link: str | None = None,
    report: Report = quiet,
    timing: Timing | None = None,
) -> DownloadedFile:
    """Download ``source`` into ``folder`` under a safe name that was free there.

    ``link`` identifies the partial file, by default the address. ``report`` receives the bytes so far and in total;
    if the server does not send the total, it receives the size limit.

    Raises Cancelled when ``timing.stop`` is set, and DownloadFailed; both leave the partial file for the next call.
    Raises RefusedInput for a forbidden address or size, a web page, and an incomplete archive.
    """
    rules, timing = rules or DownloadRules(), timing or Timing()
    watchdog = Watchdog(rules, timing)
    interrupt = Interrupt(watchdog.check, timing.clock)
    with (
        open_part(folder, link or source.url, watchdog.check) as part,
        Web(rules.policy, interrupt, rules.idle_s) as web,
    ):
        transfer = Transfer(source, rules, timing, watchdog, part, web, report)
        resumed_at = part.size
        transfer.run()
        return _finish(transfer, resumed_at)


@dataclass
class Watchdog:
    """Ends a download that was stopped, takes too long, or is too slow."""

    rules: DownloadRules
    timing: Timing

    def __post_init__(self) -> None:
        self.ends_at = self.timing.clock() + self.rules.timeout_s
        self.start_window()

    def start_window(self) -> None:
        """Measure the rate from now on."""
        self.since, self.n_bytes = self.timing.clock(), 0

    def check(self) -> None:
        """Raise Cancelled or DownloadFailed if the download must end. Connections call it while they wait, too."""
        if self.timing.stop.is_set():
            raise Cancelled("the download was stopped; what arrived is kept")
        now = self.timing.clock()
        if now > self.ends_at:
            raise DownloadFailed(
                f"the download took longer than {self.rules.timeout_s:g} s (VIDLIB_DOWNLOAD_TIMEOUT_S)"
            )
        if now - self.since >= RATE_WINDOW_S:
            rate = self.n_bytes / (now - self.since)
            if rate < self.rules.min_rate:
                raise DownloadFailed(f"the server is too slow: {rate:.0f} bytes per second", retryable=True)
            self.start_window()


@dataclass
class Transfer:
    """The attempts to download one file; ``failures`` counts those in a row without new bytes."""

    source: RemoteFile
    rules: DownloadRules
    timing: Timing
    watchdog: Watchdog
    part: PartialFile
    web: Web
    report: Report
    most_bytes: int = 0
    failures: int = 0

    def run(self) -> None:
        """Download the whole file; after a failure continue where it broke off, unless too many failed."""
        self.most_bytes = self.part.size
        attempts = tenacity.Retrying(
            retry=tenacity.retry_if_exception(lambda error: isinstance(error, DownloadFailed) and error.retryable),
            stop=lambda state: self.failures >= self.rules.attempts,
            wait=self._pause_s,
            sleep=self.timing.wait,
            reraise=True,
        )
        attempts(self._attempt)

    def _attempt(self) -> None:
        self.watchdog.start_window()
        self.watchdog.check()
        try:
            wanted_range = _range_headers(self.part)
            with self.web.answer(self.source.url, {**self.source.headers, **wanted_range}) as answer:
                if answer.status_code in (206, 416) and not wanted_range:
                    raise RefusedInput(
                        f"{redacted(self.source.url)}: the server answered {answer.status_code}, which is only valid "
                        "for a part of a file, although the whole file was requested"
                    )
                self._receive(answer)
        except DownloadFailed as error:
            self.failures = 0 if self.part.size > self.most_bytes else self.failures + 1
            self.most_bytes = max(self.most_bytes, self.part.size)
            if error.retry_after_s is not None and error.retry_after_s > LONGEST_RETRY_AFTER_S:
                raise DownloadFailed(f"{error}; the server asks for a pause of {error.retry_after_s:.0f} s") from error
            raise

    def _pause_s(self, state: tenacity.RetryCallState) -> float:
        """Return the seconds until the next attempt: the server's Retry-After plus a growing random pause.

        The random part keeps several machines from asking at the same moment.
        """
        error = state.outcome.exception() if state.outcome else None
        asked_s = error.retry_after_s if isinstance(error, DownloadFailed) else None
        pause_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(self.failures, 16))
        return (asked_s or 0.0) + pause_s * (0.5 + self.timing.jitter() / 2)

    def _receive(self, answer: httpx.Response) -> None:
        """Append the body of an answer to the partial file, or restart the file if the answer begins anew."""
        part = self.part
        if answer.status_code == 416 and part.about and part.about.total == part.size:
            return  # the partial file is complete
        if answer.status_code == 416:
            part.restart(None)
            raise DownloadFailed(f"{redacted(self.source.url)}: the file is shorter than before", retryable=True)
        check_status(answer, self.timing.now)
        about = _remote_info(answer, self.source)
        if answer.status_code == 206:
            _check_same(part, about, answer)
        else:
            part.restart(about)
        self._check_space(about.total)
        self._read(answer, part.about.total if part.about else None)

    def _read(self, answer: httpx.Response, total: int | None) -> None:
        part = self.part
        for chunk in answer.iter_raw():
            if not part.size:
                _with_link(self.source, partial(check_head, chunk))
            part.write(chunk)
            self.watchdog.n_bytes += len(chunk)
            self.report(part.size, total or self.rules.max_bytes)
            if part.size > self.rules.max_bytes:
                self._refuse_size(part.size)
            if part.size - part.synced >= SYNC_BYTES:
                part.sync()
                self._check_space(total)
        if total is not None and part.size != total:
            raise DownloadFailed(f"{redacted(self.source.url)}: {part.size} of {total} bytes came", retryable=True)

    def _check_space(self, total: int | None) -> None:
        """Raise unless the rest of the file is allowed and fits on the disk."""
        total = total or self.part.size
        if total > self.rules.max_bytes:
            self._refuse_size(total)
        needed = total - self.part.size + self.rules.free_bytes
        free = shutil.disk_usage(self.part.path.parent).free
        if needed > free:
            raise DownloadFailed(
                f"{self.part.path.parent} has {free} bytes free, but {needed} are needed; {self.rules.free_bytes} of "
                "them must stay free (VIDLIB_MIN_FREE_BYTES). Free some space and try again"
            )

    def _refuse_size(self, size: int) -> None:
        self.part.restart(None)
        raise RefusedInput(
            f"{redacted(self.source.url)} has {size} bytes or more, over the limit of {self.rules.max_bytes} "
            "(VIDLIB_MAX_DOWNLOAD_BYTES)"
        )


def file_name(disposition: str) -> str | None:
    """Return the file name in a Content-Disposition header (RFC 6266) without folders, or None.

    >>> file_name("attachment; filename=a.zip; filename*=UTF-8''%e2%82%ac%20x.zip"), file_name("inline")
    ('€ x.zip', None)
    """
    values = {bool(star): value for star, value in DISPOSITION.findall(f";{disposition}")}
    if extended := values.get(True):
        charset, _, text = extended.strip('"').split("'", 2) if extended.count("'") >= 2 else ("utf-8", "", extended)
        encoding = charset.lower() if charset.lower() in ("utf-8", "iso-8859-1") else "utf-8"
        name = unquote_to_bytes(text).decode(encoding, "replace")
    elif plain := values.get(False):
        name = re.sub(r"\\(.)", r"\1", plain.strip('"')) if plain.startswith('"') else plain
        name = _decoded_words(name)
    else:
        return None
    return split_name(name)[-1] if name.strip() else None


def _decoded_words(name: str) -> str:
    """Decode a name in the form of mail headers (RFC 2047), as browsers do: ``=?UTF-8?Q?caf=C3=A9?=``."""
    if not name.startswith("=?"):
        return name
    try:
        return str(make_header(decode_header(name)))
    except (LookupError, ValueError, HeaderParseError):
        return name


def _range_headers(part: PartialFile) -> dict[str, str]:
    """Return headers that request the rest of a file, or none if nothing can confirm that it is still the same."""
    if part.size and part.about and part.about.validator:
        return {"Range": f"bytes={part.size}-", "If-Range": part.about.validator}
    return {}


def _remote_info(answer: httpx.Response, source: RemoteFile) -> RemoteInfo:
    """Return what an answer tells about the file; raises DownloadFailed if its body is compressed.

    Decompressed, a few kilobytes could fill the disk; compressed, they are not the file.
    """
    encoding = answer.headers.get("content-encoding", "identity").lower()
    name = file_name(answer.headers.get("content-disposition", "")) or source.name
    if encoding not in ("", "identity"):
        raise DownloadFailed(f"{redacted(source.url)}: the server compressed it with {encoding[:20]!r} unasked")
    length = answer.headers.get("content-length", "")
    if answer.status_code == 206:
        content_range = CONTENT_RANGE.fullmatch(answer.headers.get("content-range", ""))
        length = content_range[3] if content_range else ""
    total = int(length) if length.isdecimal() and len(length) < 20 else None
    return RemoteInfo(
        redacted(str(answer.url)), answer.headers.get("etag"), answer.headers.get("last-modified"), total, name
    )


def _check_same(part: PartialFile, about: RemoteInfo, answer: httpx.Response) -> None:
    """Restart the partial file and raise DownloadFailed unless the answer continues the same file at its end."""
    content_range = CONTENT_RANGE.fullmatch(answer.headers.get("content-range", ""))
    before = part.about
    if (
        content_range is None
        or before is None
        or int(content_range[1]) != part.size
        or before.total not in (None, about.total)
        or about.etag not in (None, before.etag)
        or about.modified not in (None, before.modified)
    ):
        part.restart(None)
        reason = "the file has changed since its first part came"
        raise DownloadFailed(f"{redacted(about.address)}: {reason}", retryable=True)


def _finish(transfer: Transfer, resumed_at: int) -> DownloadedFile:
    """Give the file its name; raises RefusedInput and leaves nothing if it is incomplete or a web page."""
    part = transfer.part
    given = safe_name(part.about.name) if part.about and part.about.name else name_of(transfer.source.url)
    name = arrived_name(given)
    part.file.flush()
    try:
        _with_link(transfer.source, partial(check_complete, part.path, name))
    except RefusedInput:
        part.restart(None)
        raise
    return DownloadedFile(part.finish(name), part.size, part.digest.hexdigest(), resumed_at)


def _with_link(source: RemoteFile, check: Callable[[], None]) -> None:
    """Call ``check``, and add the link to the message of its RefusedInput."""
    try:
        check()
    except RefusedInput as error:
        raise RefusedInput(f"{redacted(source.url)}: {error}") from error
