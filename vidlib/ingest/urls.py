"""Links from outside: how a copied one is mended, and one spelling for all that lead to the same file.

Links arrive by e-mail, through web forms and old lists, and suffer on the way: spaces around them, ``&`` written as an
HTML entity once or several times, ``amp;`` percent-encoded into the name of a parameter.
"""

import ipaddress
import re
from collections.abc import Iterable
from urllib.parse import SplitResult, urlsplit

import idna

from vidlib.errors import RefusedInput
from vidlib.text import printable

SCHEMES = {"http": 80, "https": 443}
"""What is fetched, with the port that need not be said."""

MAX_CHARS = 8000  # RFC 9110, 4.1 asks for at least 8000 octets; longer ones are nobody's link
DROPBOX = "dropbox.com"

ENTITY = re.compile(r"&(?:amp|#0*38|#x0*26);", re.IGNORECASE)
STRAY_ENTITY = re.compile(r"^(?:amp(?:;|%3B))+", re.IGNORECASE)  # what is left of one after a form took it apart
ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
LOGIN = re.compile(r"//[^/]*@")
LONE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")  # RFC 3986, 2.3
PATH_CHARS = UNRESERVED | frozenset("!$&'()*+,;=:@/%")
QUERY_CHARS = PATH_CHARS | frozenset("?")
HOST = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")
LOOKS_NUMERIC = re.compile(r"(^|\.)(0x[0-9a-f]*|\d+)$")


def cleaned(link: str) -> str:
    """``link`` as it was meant, ready to be asked for: no space around it, ``&`` instead of its entity, no fragment.

    Parameters keep their order and values: some servers sign them. Raises RefusedInput unless it is a link of http or
    https, without user and password, whose host is a name or a plain address.

    >>> cleaned(" HTTPS://Example.org/a b.zip?x=1&amp;amp;y=2#top ")
    'https://example.org/a%20b.zip?x=1&y=2'
    """
    parts = _split(link)
    path = _encoded(parts.path, PATH_CHARS) or "/"
    pairs = [STRAY_ENTITY.sub("", pair) for pair in _encoded(parts.query, QUERY_CHARS).split("&")]
    return _joined(parts, path, [pair for pair in pairs if pair])


def browser_link(link: str) -> str:
    """A `cleaned` link for a person's browser: with its fragment, which holds the key of what some services keep.

    >>> browser_link("https://h.example/file/1?a=1&amp;b=2#k'ey")
    "https://h.example/file/1?a=1&b=2#k'ey"
    """
    without = cleaned(link)
    fragment = _encoded(urlsplit(_unbroken(link)).fragment, QUERY_CHARS)
    return f"{without}#{fragment}" if fragment else without


def normalized(link: str) -> str:
    """One spelling for all links that lead to the same file; doing it again changes nothing. Raises as `cleaned` does.

    Beyond `cleaned`: default port, double slashes, ``.`` and ``..``, needless percent-encoding, empty and repeated
    parameters are dropped, parameters sorted. Links of Dropbox get exactly one ``dl``, which is 1: what is downloaded.

    >>> normalized("http://EXAMPLE.org:80//a/%7euser?b=2&a=&b=2&a=1")
    'http://example.org/a/~user?a=1&b=2'
    >>> normalized("https://www.dropbox.com/scl/fi/x/film.zip?dl=0&amp%3Bdl=1")
    'https://www.dropbox.com/scl/fi/x/film.zip?dl=1'
    """
    before, link = link, _normalized_once(link)
    while before != link:  # decoding may bring to light what is to be dropped, as `%61mp;` or `%2e%2e`
        before, link = link, _normalized_once(link)
    return link


def is_below(host: str, domain: str) -> bool:
    """Whether ``host`` is ``domain`` or belongs to it.

    >>> is_below("www.dropbox.com", "dropbox.com"), is_below("notdropbox.com", "dropbox.com")
    (True, False)
    """
    return host == domain or host.endswith(f".{domain}")


def with_parameter(link: str, name: str, value: str) -> str:
    """A `cleaned` link with exactly one parameter ``name``.

    >>> with_parameter("https://h/f?dl=0&k=1", "dl", "1")
    'https://h/f?k=1&dl=1'
    """
    parts = urlsplit(link)
    others = [pair for pair in parts.query.split("&") if pair and pair.partition("=")[0] != name]
    return parts._replace(query="&".join([*others, f"{name}={value}"])).geturl()


def redacted(link: str) -> str:
    """A link for logs and messages: without user, password and parameters, which may open it for anybody.

    >>> redacted("https://me:hush@h.example/film.zip?key=hush")
    'https://…@h.example/film.zip?…'
    """
    address, question, _ = LOGIN.sub("//…@", link.strip()).partition("?")
    return f"{printable(address)[:200]}{'?…' if question else ''}"


def _normalized_once(link: str) -> str:
    parts = _split(link)
    path = _without_dots(_encoded(_decoded(parts.path), PATH_CHARS))
    pairs = _parameters(_encoded(_decoded(parts.query), QUERY_CHARS))
    if is_below(parts.hostname or "", DROPBOX):
        pairs = {pair for pair in pairs if pair.partition("=")[0] != "dl"} | {"dl=1"}
    return _joined(parts, path, sorted(pairs))


def _split(link: str) -> SplitResult:
    """A link taken apart; its ``netloc`` is the host as it is asked for, with a port that is not the default one."""
    link = _unbroken(link)
    if len(link) > MAX_CHARS:
        raise RefusedInput(f"{redacted(link)}: it has {len(link)} characters; expected at most {MAX_CHARS}")
    try:
        parts = urlsplit(link)
        port = parts.port
    except ValueError as error:
        raise RefusedInput(f"{redacted(link)}: {error}; expected a link such as https://host/file.zip") from error
    if parts.scheme not in SCHEMES:
        raise RefusedInput(f"{redacted(link)}: expected a link that begins with https:// or http://")
    if "@" in parts.netloc or "\\" in parts.netloc:
        raise RefusedInput(f"{redacted(link)}: expected a link without user, password and backslash before its path")
    if port == 0:
        raise RefusedInput(f"{redacted(link)}: there is no port 0")
    host = _host(parts.hostname or "", link)
    return parts._replace(netloc=host if port in (None, SCHEMES[parts.scheme]) else f"{host}:{port}", fragment="")


def _unbroken(link: str) -> str:
    link = re.sub(r"[\t\r\n]", "", link.strip())  # a long link that an e-mail broke over lines
    while (without := ENTITY.sub("&", link)) != link:
        link = without
    return link


def _host(host: str, link: str) -> str:
    """A host in ASCII and lower case: a name (RFC 5890), or an address in its one usual form."""
    wrong = f"{redacted(link)}: {host[:100]!r} is no host"
    if ":" in host:
        try:
            return f"[{ipaddress.IPv6Address(host.partition('%')[0])}]"
        except ValueError as error:
            raise RefusedInput(f"{wrong}: {error}") from error
    if not host.isascii():
        try:
            host = idna.encode(host, uts46=True).decode()
        except idna.IDNAError as error:
            raise RefusedInput(f"{wrong}: {error}") from error
    host = host.lower().removesuffix(".")
    if not HOST.fullmatch(host) or len(host) > 253:
        raise RefusedInput(f"{wrong}; expected a name such as www.example.org")
    if LOOKS_NUMERIC.search(host):  # what a resolver makes of 0x7f.1 is an address as well
        try:
            ipaddress.IPv4Address(host)
        except ValueError as error:
            raise RefusedInput(f"{wrong}: an address is written as four numbers, 192.0.2.1") from error
    return host


def _joined(parts: SplitResult, path: str, pairs: Iterable[str]) -> str:
    return parts._replace(path=path, query="&".join(pairs)).geturl()


def _decoded(text: str) -> str:
    """``text`` with unreserved characters as they are, and what stays encoded in upper case (RFC 3986, 6.2.2)."""

    def one(found: re.Match) -> str:
        char = chr(int(found[1], 16))
        return char if char in UNRESERVED else found[0].upper()

    return ESCAPE.sub(one, text)


def _encoded(text: str, allowed: frozenset[str]) -> str:
    """``text`` with everything that may not stand there percent-encoded, as UTF-8."""
    text = LONE_PERCENT.sub("%25", text)
    return "".join(char if char in allowed else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    return "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "replace"))


def _without_dots(path: str) -> str:
    """A path from the root, without empty parts, ``.`` and ``..``; a slash at its end stays."""
    kept: list[str] = []
    parts = path.split("/")
    for part in parts:
        if part == "..":
            del kept[-1:]
        elif part not in ("", "."):
            kept.append(part)
    folder = kept and parts[-1] in ("", ".", "..")
    return "/" + "/".join(kept) + ("/" if folder else "")


def _parameters(query: str) -> set[str]:
    """The parameters of a query that have a value; a bare word (``?12345``) may be all that tells two files apart."""
    found = set()
    for pair in query.split("&"):
        name, equals, value = STRAY_ENTITY.sub("", pair).partition("=")
        if name and (value or not equals):
            found.add(f"{name}{equals}{value}")
    return found
