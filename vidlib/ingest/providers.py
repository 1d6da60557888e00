"""Who offers files behind a link, and how each is asked for the file itself: one table, one function for each.

What only a person can download (a password, a page with buttons) is said so with NeedsOperator, never left out. The
addresses of services are those that their own pages ask; none of these services promises to keep them.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from vidlib.errors import DownloadFailed, NeedsOperator, RefusedInput, VidlibError
from vidlib.ingest.addresses import Interrupt
from vidlib.ingest.fetch import DownloadedFile, DownloadRules, RemoteFile, Timing, Watchdog, fetch
from vidlib.ingest.parts import delete_part
from vidlib.ingest.urls import cleaned, is_below, redacted, with_parameter
from vidlib.ingest.web import Web, check_status, read_json
from vidlib.progress import Report, quiet

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
REGION = re.compile(r"[a-z0-9-]{1,40}")
DROPBOX_SHARES = ("/s/", "/sh/", "/scl/fi/", "/scl/fo/")


@dataclass(frozen=True)
class ServiceUrls:
    """Where the services answer; tests put a server of this machine there."""

    swisstransfer: str = "https://www.swisstransfer.com"
    swisstransfer_files: str = "https://{host}"
    smash_discovery: str = "https://discovery.fromsmash.co"
    smash_accounts: str = "https://iam.{region}.fromsmash.co"
    smash_links: str = "https://link.fromsmash.co"
    smash_transfers: str = "https://transfer.{region}.fromsmash.co"


@dataclass(frozen=True)
class Provider:
    """A service: its name, the hosts of its links (and what lies below them), and who finds the file behind one."""

    name: str
    hosts: tuple[str, ...]
    locate: Callable[[str, Web, ServiceUrls], RemoteFile]


def provider_of(link: str) -> Provider:
    """Whose link it is; `PLAIN` for a host that is none of the services'. Raises RefusedInput for what is no link."""
    host = urlsplit(cleaned(link)).hostname or ""
    return next((known for known in PROVIDERS if any(is_below(host, one) for one in known.hosts)), PLAIN)


def download(
    links: tuple[str, ...],
    folder: Path,
    rules: DownloadRules | None = None,
    *,
    service_urls: ServiceUrls | None = None,
    report: Report = quiet,
    timing: Timing | None = None,
) -> DownloadedFile:
    """The file behind the first of ``links`` that gives it; they all lead to the same one, a proxy's first.

    Raises as `fetch` does, for the last of them, with what was said of the others; NeedsOperator where a person is
    needed for it.
    """
    rules, timing, tried = rules or DownloadRules(), timing or Timing(), []
    for number, link in enumerate(links, start=1):
        try:
            source = locate(link, rules, service_urls or ServiceUrls(), timing)
            fetched = fetch(source, folder, rules, link=link, report=report, timing=timing)
            for other in links:
                delete_part(folder, other)
            return fetched
        except (DownloadFailed, RefusedInput) as error:
            tried.append(str(error))
            if number == len(links):
                raise _with_others(error, tried) from error
    raise RefusedInput("expected at least one link")


def locate(link: str, rules: DownloadRules, service_urls: ServiceUrls, timing: Timing) -> RemoteFile:
    """Where the file behind ``link`` is; raises as `Web.answer` does, and NeedsOperator."""
    interrupt = Interrupt(Watchdog(rules, timing).check, timing.clock)
    with Web(rules.policy, interrupt, rules.idle_s) as web:
        return provider_of(link).locate(cleaned(link), web, service_urls)


def _with_others(error: VidlibError, tried: list[str]) -> VidlibError:
    if len(tried) == 1:
        return error
    message = "; before: ".join(reversed(tried))
    if isinstance(error, DownloadFailed):
        return DownloadFailed(message, error.retryable, error.retry_after_s)
    return type(error)(message)


def _plain(link: str, web: Web, service_urls: ServiceUrls) -> RemoteFile:
    return RemoteFile(link)


def _by_hand(link: str, web: Web, service_urls: ServiceUrls) -> RemoteFile:
    raise NeedsOperator(
        f"{redacted(link)}: {urlsplit(link).hostname} gives files to people only; open the link, and put the file into "
        "the inbox"
    )


def _dropbox(link: str, web: Web, service_urls: ServiceUrls) -> RemoteFile:
    """A shared file, or a shared folder, which comes as a ZIP; ``dl=1`` asks for it instead of its page."""
    if not urlsplit(link).path.startswith(DROPBOX_SHARES):
        raise NeedsOperator(f"{redacted(link)}: this is no shared file or folder of Dropbox; download it by hand")
    return RemoteFile(with_parameter(link, "dl", "1"))


def _swisstransfer(link: str, web: Web, service_urls: ServiceUrls) -> RemoteFile:
    """A transfer's only file, or all of them as one ZIP."""
    found = UUID.search(urlsplit(link).path)
    if not found:
        raise RefusedInput(f"{redacted(link)}: expected a link of SwissTransfer, https://www.swisstransfer.com/d/…")
    document = _asked(web, f"{service_urls.swisstransfer}/api/links/{found[0]}", link)
    data = document.get("data") if isinstance(document.get("data"), dict) else document
    if _at(data, link, "container", dict).get("needPassword"):
        raise _wants_password(link)
    host, files = _at(data, link, "downloadHost", str), _at(data["container"], link, "files", list)
    base = f"{service_urls.swisstransfer_files.format(host=host)}/api/download/{found[0]}"
    if len(files) != 1:
        return RemoteFile(cleaned(base), name=f"swisstransfer-{found[0][:8]}.zip")
    number = quote(_at(files[0], link, "UUID", str), safe="")
    return RemoteFile(cleaned(f"{base}/{number}"), name=_at(files[0], link, "fileName", str))


def _fromsmash(link: str, web: Web, service_urls: ServiceUrls) -> RemoteFile:
    """All of a transfer, as its own page offers it: a guest's token, the transfer behind the link, its address."""
    services = _asked(web, f"{service_urls.smash_discovery}/namespace/public/services?version=10-2019", link)
    accounts = service_urls.smash_accounts.format(region=_region(services, link))
    guest = _at(_asked(web, f"{accounts}/account", link, method="POST", body={}), link, "account", dict)
    headers = {"Authorization": f"Bearer {_at(_at(guest, link, 'token', dict), link, 'token', str)}"}
    parts = urlsplit(link)
    name = quote(f"{parts.hostname}{unquote(parts.path).rstrip('/')}", safe="")
    target = _at(
        _asked(web, f"{service_urls.smash_links}/target/{name}?version=10-2019", link, headers), link, "target", dict
    )
    transfers = service_urls.smash_transfers.format(region=_region(target, link))
    number = quote(_at(target, link, "target", str), safe="")
    address = f"{transfers}/transfer/{number}/preview?version=01-2024"
    transfer = _at(_asked(web, address, link, headers), link, "transfer", dict)
    if not isinstance(transfer.get("download"), str):
        raise _wants_password(link)
    title = transfer.get("title")
    return RemoteFile(cleaned(transfer["download"]), name=f"{title}.zip" if isinstance(title, str) and title else None)


def _asked(web: Web, url: str, link: str, headers: dict[str, str] | None = None, **others: Any) -> dict[str, Any]:
    """The JSON object that a service answers; raises NeedsOperator where it wants a password."""
    with web.answer(url, {"Accept": "application/json", **(headers or {})}, **others) as answer:
        if answer.status_code in (401, 403):
            raise _wants_password(link)
        check_status(answer)
        document = read_json(answer)
    if not isinstance(document, dict):
        raise _unexpected(link, "an object")
    return document


def _at(document: dict[str, Any], link: str, name: str, kind: type) -> Any:
    """``document[name]``, which has to be a ``kind``; raises DownloadFailed if the service answers otherwise now."""
    if not isinstance(document, dict) or not isinstance(document.get(name), kind):
        raise _unexpected(link, name)
    return document[name]


def _region(document: dict[str, Any], link: str) -> str:
    region = _at(document, link, "region", str)
    if not REGION.fullmatch(region):
        raise _unexpected(link, "region")
    return region


def _unexpected(link: str, name: str) -> NeedsOperator:
    return NeedsOperator(
        f"{redacted(link)}: the service answers otherwise than it did (no {name}); open the link and download the file"
    )


def _wants_password(link: str) -> NeedsOperator:
    return NeedsOperator(f"{redacted(link)}: it wants a password, or is over; open the link and download the file")


PROVIDERS = (
    Provider("dropbox", ("dropbox.com",), _dropbox),
    Provider("swisstransfer", ("swisstransfer.com",), _swisstransfer),
    Provider("fromsmash", ("fromsmash.com",), _fromsmash),
    Provider("wetransfer", ("wetransfer.com", "we.tl"), _by_hand),
    Provider("google", ("drive.google.com", "docs.google.com"), _by_hand),
    Provider("onedrive", ("1drv.ms", "onedrive.live.com", "sharepoint.com"), _by_hand),
    Provider("mega", ("mega.nz",), _by_hand),
    Provider("icloud", ("icloud.com",), _by_hand),
    Provider("transfernow", ("transfernow.net",), _by_hand),
)
PLAIN = Provider("https", (), _plain)
"""Any other host: the link is that of the file."""

MANUAL_PROVIDERS = frozenset(known.name for known in PROVIDERS if known.locate is _by_hand)
