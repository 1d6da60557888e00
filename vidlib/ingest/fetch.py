"""One file from a web server into a folder, whole or not at all; what arrived of it before is used again.

While it arrives it is called ``<name>.part`` (see `vidlib.ingest.parts`). A connection that breaks off, idles or drips
is given up and the rest asked for, as long as the server says that it is still the same file.
"""

import random
import re
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Self
from urllib.parse import unquote_to_bytes

import httpx
import tenacity

from vidlib.errors import Cancelled, DownloadFailed, RefusedInput
from vidlib.ingest.addresses import AddressPolicy, Interrupt
from vidlib.ingest.content import check_head, check_whole
from vidlib.ingest.names import safe_name, split_name
from vidlib.ingest.parts import SYNC_BYTES, PartialFile, RemoteInfo, name_of, open_part
from vidlib.ingest.urls import redacted
from vidlib.ingest.web import IDLE_S, Web, check_status
from vidlib.progress import Report, quiet
from vidlib.settings import GIB, Settings

RATE_WINDOW_S = 60.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 2.0, 120.0  # doubled each time
LONGEST_ASKED_S = 3600.0  # a Retry-After beyond this is for another day
CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")
DISPOSITION = re.compile(r';\s*filename(\*?)\s*=\s*("(?:[^"\\]|\\.)*"|[^;\s]+)', re.IGNORECASE)


@dataclass(frozen=True)
class RemoteFile:
    """Where a file is to be had; ``name`` is what it is called if the server says nothing."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    name: str | None = None


@dataclass(frozen=True)
class DownloadRules:
    """What is allowed. ``min_rate`` is in bytes per second, over RATE_WINDOW_S; ``attempts`` are those in a row that
    bring nothing new. ``free_bytes`` stay free on the disk."""

    policy: AddressPolicy = field(default_factory=AddressPolicy)
    max_bytes: int = 200 * GIB
    free_bytes: int = GIB
    timeout_s: float = 24 * 3600
    idle_s: float = IDLE_S
    min_rate: float = 1024
    attempts: int = 6

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """The rules of this machine."""
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
    """Time and chance, so that tests need neither. ``pause`` waits for seconds or until somebody asks to stop."""

    stop: threading.Event = field(default_factory=threading.Event)
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time
    jitter: Callable[[], float] = random.random
    pause: Callable[[float], object] | None = None

    def wait(self, seconds: float) -> None:
        (self.pause or self.stop.wait)(seconds)


@dataclass(frozen=True)
class DownloadedFile:
    """A file that arrived; ``resumed_at`` is how much of it was there already, in bytes."""

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
    """The file at ``source``, in ``folder`` under a safe name that was free there.

    ``link`` is what the part is remembered by, default the address itself. ``report`` is told bytes, and how many
    there will be; where the server does not say it, how many there may be. Raises Cancelled when ``timing.stop`` is
    set, and DownloadFailed; what arrived is kept after both. Raises RefusedInput for what is not to be had or not to
    be taken: addresses, sizes, web pages, archives that were cut off.
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
        return _finished(transfer, resumed_at)


@dataclass
class Watchdog:
    """Ends a download that is not wanted any more, takes too long, or drips."""

    rules: DownloadRules
    timing: Timing

    def __post_init__(self) -> None:
        self.ends_at = self.timing.clock() + self.rules.timeout_s
        self.begin()

    def begin(self) -> None:
        """A new connection."""
        self.since, self.moved = self.timing.clock(), 0

    def check(self) -> None:
        """Raise Cancelled or DownloadFailed where a download is to end. Asked while the server is silent as well."""
        if self.timing.stop.is_set():
            raise Cancelled("the download was stopped; what arrived is kept")
        now = self.timing.clock()
        if now > self.ends_at:
            raise DownloadFailed(f"it took longer than {self.rules.timeout_s:g} s (VIDLIB_DOWNLOAD_TIMEOUT_S)")
        if now - self.since >= RATE_WINDOW_S:
            rate = self.moved / (now - self.since)
            if rate < self.rules.min_rate:
                raise DownloadFailed(f"the server is too slow: {rate:.0f} bytes per second", retryable=True)
            self.begin()


@dataclass
class Transfer:
    """One file on its way."""

    source: RemoteFile
    rules: DownloadRules
    timing: Timing
    watchdog: Watchdog
    part: PartialFile
    web: Web
    report: Report
    best: int = 0
    failures: int = 0

    def run(self) -> None:
        """Get all of the file; what breaks off is gone on with after a pause, as long as that brings more of it."""
        self.best = self.part.size
        attempts = tenacity.Retrying(
            retry=tenacity.retry_if_exception(lambda error: isinstance(error, DownloadFailed) and error.retryable),
            stop=lambda state: self.failures >= self.rules.attempts,
            wait=lambda state: self._pause_s(state.outcome.exception()),
            sleep=self.timing.wait,
            reraise=True,
        )
        attempts(self._attempt)

    def _attempt(self) -> None:
        self.watchdog.begin()
        self.watchdog.check()
        try:
            headers = {**self.source.headers, **_resuming(self.part)}
            with self.web.answer(self.source.url, headers) as answer:
                self._take(answer)
        except DownloadFailed as error:
            self.failures = 0 if self.part.size > self.best else self.failures + 1
            self.best = max(self.best, self.part.size)
            if error.retry_after_s is not None and error.retry_after_s > LONGEST_ASKED_S:
                raise DownloadFailed(f"{error}; it asks for {error.retry_after_s:.0f} s of patience") from error
            raise

    def _pause_s(self, error: DownloadFailed) -> float:
        """Seconds until the next attempt: what the server asks for, else more each time; never in step with others."""
        ours = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(self.failures, 16)) * (0.5 + self.timing.jitter() / 2)
        return ours if error.retry_after_s is None else error.retry_after_s + ours

    def _take(self, answer: httpx.Response) -> None:
        part = self.part
        if answer.status_code == 416 and part.about and part.about.total == part.size:
            return  # all of it is here already
        if answer.status_code == 416:
            part.restart(None)
            raise DownloadFailed(f"{redacted(self.source.url)}: there is less of it than before", retryable=True)
        check_status(answer, self.timing.now)
        about = _about(answer, self.source)
        if answer.status_code == 206:
            _check_same(part, about, answer)
        else:
            part.restart(about)
        self._check_room()
        self._read(answer)

    def _read(self, answer: httpx.Response) -> None:
        part, total = self.part, self.part.about.total
        for chunk in answer.iter_raw():
            if not part.size:
                _named(self.source, partial(check_head, chunk))
            part.write(chunk)
            self.watchdog.moved += len(chunk)
            self.report(part.size, total or self.rules.max_bytes)
            if part.size > self.rules.max_bytes:
                self._refuse_size(part.size)
            if part.size - part.synced >= SYNC_BYTES:
                part.sync()
                self._check_room()
        if total is not None and part.size != total:
            raise DownloadFailed(f"{redacted(self.source.url)}: {part.size} of {total} bytes came", retryable=True)

    def _check_room(self) -> None:
        """Raise unless what is still to come may come, and fits."""
        total = self.part.about.total or self.part.size
        if total > self.rules.max_bytes:
            self._refuse_size(total)
        needed = total - self.part.size + self.rules.free_bytes
        free = shutil.disk_usage(self.part.path.parent).free
        if needed > free:
            raise DownloadFailed(
                f"{self.part.path.parent} has {free} bytes free, but {needed} are needed, {self.rules.free_bytes} of "
                "them to stay free (VIDLIB_MIN_FREE_BYTES); make room and try again"
            )

    def _refuse_size(self, size: int) -> None:
        self.part.restart(None)
        raise RefusedInput(
            f"{redacted(self.source.url)} has {size} bytes or more, over the limit of {self.rules.max_bytes} "
            "(VIDLIB_MAX_DOWNLOAD_BYTES)"
        )


def file_name(disposition: str) -> str | None:
    """The file name in a Content-Disposition (RFC 6266), without folders; None if it holds none.

    >>> file_name("attachment; filename=a.zip; filename*=UTF-8''%e2%82%ac%20x.zip"), file_name("inline")
    ('€ x.zip', None)
    """
    found = {bool(star): value for star, value in DISPOSITION.findall(f";{disposition}")}
    if extended := found.get(True):
        charset, _, text = extended.strip('"').split("'", 2) if extended.count("'") >= 2 else ("utf-8", "", extended)
        known = charset.lower() if charset.lower() in ("utf-8", "iso-8859-1") else "utf-8"
        name = unquote_to_bytes(text).decode(known, "replace")
    elif False in found:
        name = re.sub(r"\\(.)", r"\1", found[False].strip('"')) if found[False].startswith('"') else found[False]
    else:
        return None
    return split_name(name)[-1] if name.strip() else None


def _resuming(part: PartialFile) -> dict[str, str]:
    """Headers that ask for the rest; where nothing says that it is still the same file, for all of it."""
    if part.size and part.about and part.about.validator:
        return {"Range": f"bytes={part.size}-", "If-Range": part.about.validator}
    return {}


def _about(answer: httpx.Response, source: RemoteFile) -> RemoteInfo:
    """What an answer says of the file; raises DownloadFailed for one that is packed though nobody asked for that."""
    packing = answer.headers.get("content-encoding", "identity").lower()
    name = file_name(answer.headers.get("content-disposition", "")) or source.name
    if packing not in ("", "identity"):  # unpacked, a few kilobytes may fill the disk; packed, it is not the file
        raise DownloadFailed(f"{redacted(source.url)}: it comes packed with {packing[:20]!r}, which was not asked for")
    length = answer.headers.get("content-length", "")
    if answer.status_code == 206:
        found = CONTENT_RANGE.fullmatch(answer.headers.get("content-range", ""))
        length = found[3] if found else ""
    total = int(length) if length.isdecimal() and len(length) < 20 else None
    address = str(answer.url.copy_with(query=None))
    return RemoteInfo(address, answer.headers.get("etag"), answer.headers.get("last-modified"), total, name)


def _check_same(part: PartialFile, about: RemoteInfo, answer: httpx.Response) -> None:
    """Raise DownloadFailed, after which the file is asked for anew, unless the answer goes on where the part ends."""
    found = CONTENT_RANGE.fullmatch(answer.headers.get("content-range", ""))
    before = part.about
    goes_on = found is not None and before is not None and int(found[1]) == part.size
    same = goes_on and (before.total in (None, about.total)) and about.etag in (None, before.etag)
    if not same or about.modified not in (None, before.modified):
        part.restart(None)
        raise DownloadFailed(
            f"{redacted(about.address)}: the file has changed since its first part came", retryable=True
        )


def _finished(transfer: Transfer, resumed_at: int) -> DownloadedFile:
    """The file that arrived under its name; raises RefusedInput, leaving nothing, for one that cannot be right."""
    part = transfer.part
    name = safe_name(part.about.name) if part.about and part.about.name else name_of(transfer.source.url)
    part.file.flush()
    try:
        _named(transfer.source, partial(check_whole, part.path, name))
    except RefusedInput:
        part.restart(None)
        raise
    return DownloadedFile(part.finish(name), part.size, part.digest.hexdigest(), resumed_at)


def _named(source: RemoteFile, check: Callable[[], None]) -> None:
    """What a check refuses, with the link in its message."""
    try:
        check()
    except RefusedInput as error:
        raise RefusedInput(f"{redacted(source.url)}: {error}") from error
