"""Addresses that contain secrets: they are checked without being shown, and removed from messages of others."""

from collections.abc import Iterable
from contextlib import suppress
from urllib.parse import SplitResult, unquote, urlsplit

from vidlib.errors import SettingError


def parse(setting: str, value: str, schemes: tuple[str, ...]) -> SplitResult:
    """Split the address ``value`` of the setting VIDLIB_<setting>, which must have one of ``schemes`` and a host.

    Raises SettingError, whose message does not contain the address.
    """
    try:
        url = urlsplit(value)
        valid = bool(url.scheme in schemes and url.hostname and url.port != 0)
    except ValueError:  # the port is no number, or brackets do not match
        valid = False
    if not valid or not value.isascii() or not value.isprintable() or " " in value:
        expected = f"an address that begins with {' or '.join(f'{scheme}://' for scheme in schemes)} and names a host"
        raise SettingError(f"VIDLIB_{setting.upper()}: expected {expected}; the value is secret and not shown")
    return url


def redact(text: str, urls: Iterable[str]) -> str:
    """Return ``text`` with ``***`` for each secret part of ``urls``: a server or a program may have repeated it."""
    secrets: set[str] = set()
    for address in urls:
        secrets.add(address)
        with suppress(ValueError):  # an invalid address is redacted as a whole
            url = urlsplit(address)
            secrets |= {url.path, url.query, url.password or "", url.netloc.rpartition("@")[0]}
    secrets |= {unquote(secret) for secret in secrets}
    for secret in sorted(secrets - {"", "/"}, key=len, reverse=True):
        text = text.replace(secret, "***")
    return text
