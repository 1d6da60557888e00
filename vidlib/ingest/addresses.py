"""Connections that lead to public addresses only: a name is resolved once, checked, and what was checked is called.

Whoever sends a link could otherwise have this machine ask others of its own network, or itself, for something. The
check stands where the socket is opened, so that no second look-up can give another answer (DNS rebinding); the name
itself still goes into the Host header and the TLS handshake.
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
"""How long a connection waits at a time before it asks whether it is still wanted, in seconds."""

# the last four bytes are the IPv4 address that is reached: RFC 6052, RFC 8215, RFC 4291 2.5.5.1
CARRYING = tuple(map(ipaddress.IPv6Network, ("64:ff9b::/96", "64:ff9b:1::/48", "::/96")))

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Iterable[str]]


def look_up(host: str, port: int) -> list[str]:
    """The addresses of a host, in the order in which they are to be tried; raises OSError where there is none."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def is_public(address: str) -> bool:
    """Whether an address belongs to the internet at large; what an IPv6 address carries of IPv4 counts as well.

    >>> [is_public(a) for a in ("93.184.216.34", "10.0.0.1", "127.0.0.1", "169.254.169.254", "::ffff:10.0.0.1")]
    [True, False, False, False, False]
    """
    known = ipaddress.ip_address(address.partition("%")[0])
    return all(_is_global(one) for one in (known, *_carried(known)))


def _is_global(address: Address) -> bool:
    return address.is_global and not address.is_multicast and not getattr(address, "is_site_local", False)


def _carried(address: Address) -> list[Address]:
    """The IPv4 addresses that are reached through an IPv6 one."""
    if isinstance(address, ipaddress.IPv4Address):
        return []
    found = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if any(address in network for network in CARRYING):
        found.append(ipaddress.IPv4Address(address.packed[-4:]))
    return [one for one in found if one is not None]


@dataclass(frozen=True)
class AddressPolicy:
    """Says which addresses may be called; hosts in ``private`` (lower case) may lie anywhere."""

    private: frozenset[str] = frozenset()
    resolve: Resolve = look_up

    def allowed_addresses(self, host: str, port: int) -> list[str]:
        """The addresses of ``host`` that may be called.

        Raises RefusedInput if it has none but those of a private network, OSError if it has none at all.
        """
        found = list(self.resolve(host, port))
        if host.lower() in self.private:
            return found
        if public := [address for address in found if is_public(address)]:
            return public
        raise RefusedInput(
            f"{host} is {', '.join(found) or 'nowhere'}, an address of a private network or of this machine; expected "
            "a public host. One that you trust can be named in VIDLIB_ALLOW_PRIVATE_HOSTS"
        )


@dataclass
class Interrupt:
    """What a connection asks while it waits: ``check`` raises what is to end it."""

    check: Callable[[], None] = lambda: None
    clock: Callable[[], float] = time.monotonic


@dataclass
class CheckedStream(httpcore.NetworkStream):
    """A connection that asks its interrupt, at least every LISTEN_S seconds, whether to go on."""

    inner: httpcore.NetworkStream
    interrupt: Interrupt

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        until = None if timeout is None else self.interrupt.clock() + timeout
        while True:
            self.interrupt.check()
            try:
                return self.inner.read(max_bytes, LISTEN_S if timeout is None else min(timeout, LISTEN_S))
            except httpcore.ReadTimeout:
                if until is not None and self.interrupt.clock() >= until:
                    raise

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.interrupt.check()
        self.inner.write(buffer, timeout)

    def close(self) -> None:
        self.inner.close()

    def start_tls(self, *args: Any, **kwargs: Any) -> "CheckedStream":
        return CheckedStream(self.inner.start_tls(*args, **kwargs), self.interrupt)

    def get_extra_info(self, info: str) -> Any:
        return self.inner.get_extra_info(info)


@dataclass
class CheckedNetwork(httpcore.NetworkBackend):
    """Opens connections to addresses that the policy lets through, and to no others."""

    policy: AddressPolicy
    interrupt: Interrupt
    inner: httpcore.NetworkBackend = field(default_factory=httpcore.SyncBackend)

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *args: Any, **kwargs: Any
    ) -> CheckedStream:
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
        raise RefusedInput(f"{path}: sockets of this machine are not asked for files")
