"""The services behind links: one table, and for each service a function that locates the file.

A link that only a person can open (a password, a page with buttons) raises NeedsOperator and is never skipped silently.
The addresses of the services are those that their own pages request. No service promises to keep them.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, unquote, urlsplit

from vidlib.errors import DownloadFailed, NeedsOperator, RefusedInput, VidlibError
from vidlib.ingest.addresses import Interrupt
from vidlib.ingest.fetch import DownloadedFile, DownloadRules, RemoteFile, Timing, Watchdog, fetch
from vidlib.ingest.parts import delete_part
from vidlib.ingest.urls import cleaned, handle, is_below, redacted, with_parameter
from vidlib.ingest.web import Web, check_status, read_json
from vidlib.progress import Report, quiet

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
REGION = re.compile(r"[a-z0-9-]{1,40}")
DROPBOX_SHARES = ("/s/", "/sh/", "/scl/fi/", "/scl/fo/")

T = TypeVar("T")


@dataclass(frozen=True)
class ServiceUrls:
    """The addresses of the services; tests replace them by a local server."""

    swisstransfer: str = "https://www.swisstransfer.com"
    swisstransfer_files: str = "https://{host}"
    smash_discovery: str = "https://discovery.fromsmash.co"
    smash_accounts: str = "https://iam.{region}.fromsmash.co"
    smash_links: str = "https://link.fromsmash.co"
    smash_transfers: str = "https://transfer.{region}.fromsmash.co"


@dataclass(frozen=True)
class Provider:
    """A service: its name, the hosts of its links (with their subdomains), and the function that locates a file."""

    name: str
    hosts: tuple[str, ...]
    locate: Callable[[str, Web, ServiceUrls], RemoteFile]


def provider_of(link: str) -> Provider:
    """Return the provider of a link, `PLAIN` for an unknown host; raises RefusedInput for an invalid link."""
    host = urlsplit(cleaned(link)).hostname or ""
    return next((known for known in PROVIDERS if any(is_below(host, domain) for domain in known.hosts)), PLAIN)


def download(
    links: tuple[str, ...],
    folder: Path,
    rules: DownloadRules | None = None,
    *,
    service_urls: ServiceUrls | None = None,
    report: Report = quiet,
    timing: Timing | None = None,
) -> DownloadedFile:
    """Download the file from the first of ``links`` that works. All lead to the same file, a copy on a proxy first.

    Raises the error of the last link, like `fetch`, with the messages of the others. Raises NeedsOperator if only a
    person can download it.
    """
    rules, timing = rules or DownloadRules(), timing or Timing()
    messages: list[str] = []
    for number, link in enumerate(links, start=1):
        try:
            source = locate(link, rules, service_urls or ServiceUrls(), timing)
            fetched = fetch(source, folder, rules, link=link, report=report, timing=timing)
            for other in links:
                delete_part(folder, other)
            return fetched
        except (DownloadFailed, RefusedInput) as error:
            messages.append(str(error))
            if number == len(links):
                raise _with_messages(error, messages) from error
    raise RefusedInput("expected at least one link")


def locate(link: str, rules: DownloadRules, service_urls: ServiceUrls, timing: Timing) -> RemoteFile:
    """Return the address of the file behind ``link``; raises like `Web.answer`, and NeedsOperator."""
    interrupt = Interrupt(Watchdog(rules, timing).check, timing.clock)
    with Web(rules.policy, interrupt, rules.idle_s) as web:
        return provider_of(link).locate(cleaned(link), web, service_urls)


def _with_messages(error: VidlibError, messages: list[str]) -> VidlibError:
    """Return ``error`` with all messages, the last one first."""
    if len(messages) == 1:
        return error
    message = "; before: ".join(reversed(messages))
    if isinstance(error, DownloadFailed):
        return DownloadFailed(message, error.retryable, error.retry_after_s)
    return type(error)(message)


def _plain(link: str, web: Web, service_urls: ServiceUrls) -> RemoteFile:
    return RemoteFile(link)


def _manual(link: str, web: Web, service_urls: ServiceUrls) -> RemoteFile:
    who = f"{redacted(link)} ({handle(link)}): {urlsplit(link).hostname} gives files to people only"
    raise NeedsOperator(f"{who}; open the link, and put the file into the inbox")


def _dropbox(link: str, web: Web, service_urls: ServiceUrls) -> RemoteFile:
    """Locate a shared file, or a shared folder as a ZIP: ``dl=1`` requests it instead of its page."""
    if not urlsplit(link).path.startswith(DROPBOX_SHARES):
        raise NeedsOperator(f"{redacted(link)}: this is no shared file or folder of Dropbox; download it by hand")
    return RemoteFile(with_parameter(link, "dl", "1"))


def _swisstransfer(link: str, web: Web, service_urls: ServiceUrls) -> RemoteFile:
    """Locate the only file of a transfer, or all of its files as one ZIP."""
    if not (transfer_id := UUID.search(urlsplit(link).path)):
        raise RefusedInput(f"{redacted(link)}: expected a link of SwissTransfer, https://www.swisstransfer.com/d/…")
    document = _request(web, f"{service_urls.swisstransfer}/api/links/{transfer_id[0]}", link)
    data = document["data"] if isinstance(document.get("data"), dict) else document
    container = _field(data, link, "container", dict)
    if container.get("needPassword"):
        raise _needs_password(link)
    host, files = _field(data, link, "downloadHost", str), _field(container, link, "files", list)
    base = f"{service_urls.swisstransfer_files.format(host=host)}/api/download/{transfer_id[0]}"
    if len(files) != 1:
        return RemoteFile(cleaned(base), name=f"swisstransfer-{transfer_id[0][:8]}.zip")
    file_id = quote(_field(files[0], link, "UUID", str), safe="")
    return RemoteFile(cleaned(f"{base}/{file_id}"), name=_field(files[0], link, "fileName", str))


def _fromsmash(link: str, web: Web, service_urls: ServiceUrls) -> RemoteFile:
    """Locate all files of a transfer, as its page does: a guest's token, the transfer of the link, its address."""
    services = _request(web, f"{service_urls.smash_discovery}/namespace/public/services?version=10-2019", link)
    accounts = service_urls.smash_accounts.format(region=_region(services, link))
    guest = _field(_request(web, f"{accounts}/account", link, method="POST", body={}), link, "account", dict)
    token = _field(_field(guest, link, "token", dict), link, "token", str)
    headers = {"Authorization": f"Bearer {token}"}
    parts = urlsplit(link)
    name = quote(f"{parts.hostname}{unquote(parts.path).rstrip('/')}", safe="")
    target_url = f"{service_urls.smash_links}/target/{name}?version=10-2019"
    target = _field(_request(web, target_url, link, headers), link, "target", dict)
    transfers = service_urls.smash_transfers.format(region=_region(target, link))
    transfer_id = quote(_field(target, link, "target", str), safe="")
    transfer_url = f"{transfers}/transfer/{transfer_id}/preview?version=01-2024"
    transfer = _field(_request(web, transfer_url, link, headers), link, "transfer", dict)
    if not isinstance(transfer.get("download"), str):
        raise _needs_password(link)
    title = transfer.get("title")
    return RemoteFile(cleaned(transfer["download"]), name=f"{title}.zip" if isinstance(title, str) and title else None)


def _request(
    web: Web, url: str, link: str, headers: dict[str, str] | None = None, *, method: str = "GET", body: Any = None
) -> dict[str, Any]:
    """Return the JSON object that a service answers; raises NeedsOperator if it needs a password."""
    with web.answer(url, {"Accept": "application/json", **(headers or {})}, method=method, body=body) as answer:
        if answer.status_code in (401, 403):
            raise _needs_password(link)
        check_status(answer)
        document = read_json(answer)
    if not isinstance(document, dict):
        raise _unexpected(link, "an object")
    return document


def _field(document: object, link: str, name: str, kind: type[T]) -> T:
    """Return ``document[name]``, which must be a ``kind``; raises NeedsOperator if the service has changed."""
    value = document.get(name) if isinstance(document, dict) else None
    if not isinstance(value, kind) or (isinstance(value, str) and not value.isprintable()):
        raise _unexpected(link, name)
    return value


def _region(document: dict[str, Any], link: str) -> str:
    region = _field(document, link, "region", str)
    if not REGION.fullmatch(region):
        raise _unexpected(link, "region")
    return region


def _unexpected(link: str, name: str) -> NeedsOperator:
    return NeedsOperator(
        f"{redacted(link)}: the answer of the service has changed (no {name}); open the link and download the file"
    )


def _needs_password(link: str) -> NeedsOperator:
    return NeedsOperator(f"{redacted(link)}: it needs a password, or has expired; open the link and download the file")


PROVIDERS = (
    Provider("dropbox", ("dropbox.com",), _dropbox),
    Provider("swisstransfer", ("swisstransfer.com",), _swisstransfer),
    Provider("fromsmash", ("fromsmash.com",), _fromsmash),
    Provider("wetransfer", ("wetransfer.com", "we.tl"), _manual),
    Provider("google", ("drive.google.com", "docs.google.com"), _manual),
    Provider("onedrive", ("1drv.ms", "onedrive.live.com", "sharepoint.com"), _manual),
    Provider("mega", ("mega.nz",), _manual),
    Provider("icloud", ("icloud.com",), _manual),
    Provider("transfernow", ("transfernow.net",), _manual),
)
PLAIN = Provider("https", (), _plain)
"""Any other host: the link is the address of the file."""

MANUAL_PROVIDERS = frozenset(known.name for known in PROVIDERS if known.locate is _manual)
"""The services whose files only people can download."""
