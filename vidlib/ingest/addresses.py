"""Connections to public addresses only. A host is resolved once, checked, and contacted at the checked address.

Otherwise the sender of a link could make this machine send requests to itself or to its private network. The check
happens where the socket is opened, so no second look-up can return another address (DNS rebinding). The Host header
and the TLS handshake still use the name.
"""

import ipaddress
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import httpcore

from vidlib.errors import RefusedInput

LISTEN_S = 0.5
"""A waiting connection calls its interrupt at least this often."""

CARRYING = tuple(map(ipaddress.IPv6Network, ("64:ff9b::/96", "::/96", "::ffff:0:0/96", "::ffff:0:0:0/96")))
"""Networks whose last four bytes are the IPv4 address that they reach: RFC 6052, RFC 4291 2.5.5, RFC 2765 2.1."""

LOCAL_4 = tuple(map(ipaddress.IPv4Network, ("192.0.0.0/24", "192.88.99.0/24")))
LOCAL_6 = tuple(map(ipaddress.IPv6Network, ("64:ff9b:1::/48", "100::/64", "3fff::/20", "5f00::/16", "fec0::/10")))
"""Networks that are not global, although some versions of Python call them so: RFC 6890, 7526, 8215, 6666, 9637, 9602,
3879."""

ISATAP = (b"\0\0\x5e\xfe", b"\2\0\x5e\xfe")
"""Bytes 8 to 12 of an IPv6 address whose last four bytes are the IPv4 address that it reaches: RFC 5214, 6.1."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Iterable[str]]


def look_up(host: str, port: int) -> list[str]:
    """Return the addresses of a host in the order of preference; raises OSError if it has none."""
    infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in infos))


def is_public(address: str) -> bool:
    """Return whether an address is public; an IPv4 address inside an IPv6 address must be public, too.

    >>> [is_public(a) for a in ("93.184.216.34", "10.0.0.1", "127.0.0.1", "169.254.169.254", "::ffff:10.0.0.1")]
    [True, False, False, False, False]
    """
    known = ipaddress.ip_address(address.partition("%")[0])
    return all(_is_global(each) for each in (known, *_carried(known)))


def _is_global(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv4Address):
        is_local = any(address in network for network in LOCAL_4)
    else:
        is_local = any(address in network for network in LOCAL_6)
    return address.is_global and not address.is_multicast and not is_local


def _carried(address: Address) -> list[ipaddress.IPv4Address]:
    """Return the IPv4 addresses inside an IPv6 address."""
    if isinstance(address, ipaddress.IPv4Address):
        return []
    carried = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if any(address in network for network in CARRYING) or address.packed[8:12] in ISATAP:
        carried.append(ipaddress.IPv4Address(address.packed[-4:]))
    return [each for each in carried if each is not None]


@dataclass(frozen=True)
class AddressPolicy:
    """Decides which addresses may be contacted; hosts in ``private`` (lower case) may have private addresses."""

    private: frozenset[str] = frozenset()
    resolve: Resolve = look_up

    def allowed_addresses(self, host: str, port: int) -> list[str]:
        """Return the addresses of ``host`` that may be contacted.

        Raises RefusedInput if all its addresses are private, and OSError if it has none.
        """
        addresses = list(self.resolve(host, port))
        if host.lower() in self.private:
            return addresses
        if public := [address for address in addresses if is_public(address)]:
            return public
        found = "" if addresses == [host] else f" {', '.join(addresses) or 'nowhere'},"
        raise RefusedInput(
            f"{host} is{found} an address of a private network or of this machine; "
            "expected a public host. If you trust it, add it to VIDLIB_ALLOW_PRIVATE_HOSTS"
        )


@dataclass
class Interrupt:
    """Ends a waiting connection: ``check`` raises when it must end, ``clock`` is monotonic."""

    check: Callable[[], None] = lambda: None
    clock: Callable[[], float] = time.monotonic


@dataclass
class CheckedStream(httpcore.NetworkStream):
    """A connection that calls its interrupt before every operation, and every LISTEN_S seconds while it reads."""

    inner: httpcore.NetworkStream
    interrupt: Interrupt

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read at most ``max_bytes``; raises httpcore.ReadTimeout after ``timeout`` seconds without a byte."""
        until = None if timeout is None else self.interrupt.clock() + timeout
        while True:
            self.interrupt.check()
            try:
                return self.inner.read(max_bytes, LISTEN_S if timeout is None else min(timeout, LISTEN_S))
            except httpcore.ReadTimeout:
                if until is not None and self.interrupt.clock() >= until:
                    raise

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write all of ``buffer``."""
        self.interrupt.check()
        self.inner.write(buffer, timeout)

    def close(self) -> None:
        """Close the connection."""
        self.inner.close()

    def start_tls(self, *args: Any, **kwargs: Any) -> "CheckedStream":
        """Return the connection with TLS, which the same interrupt checks."""
        return CheckedStream(self.inner.start_tls(*args, **kwargs), self.interrupt)

    def get_extra_info(self, info: str) -> Any:
        """Return what httpcore asks about the socket."""
        return self.inner.get_extra_info(info)


@dataclass
class CheckedNetwork(httpcore.NetworkBackend):
    """Opens connections to the addresses that the policy allows, and to no others."""

    policy: AddressPolicy
    interrupt: Interrupt
    inner: httpcore.NetworkBackend = field(default_factory=httpcore.SyncBackend)

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *args: Any, **kwargs: Any
    ) -> CheckedStream:
        """Connect to the first allowed address that answers; raises RefusedInput or httpcore.ConnectError."""
        try:
            addresses = self.policy.allowed_addresses(host, port)
        except OSError as error:
            raise httpcore.ConnectError(f"{host} is not known: {error.strerror or error}") from error
        for number, address in enumerate(addresses, start=1):
            self.interrupt.check()
            try:
                return CheckedStream(self.inner.connect_tcp(address, port, timeout, *args, **kwargs), self.interrupt)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if number == len(addresses):
                    raise
        raise httpcore.ConnectError(f"{host} has no address")

    def connect_unix_socket(self, path: str, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        """Refuse: no link leads to a socket of this machine."""
        raise RefusedInput(f"{path}: downloads never use sockets of this machine")
