"""Links from outside: repaired copies, one spelling for all links to the same file, and safe forms for messages.

E-mails, web forms and old lists damage links: spaces surround them, ``&`` became an HTML entity once or several times,
or ``amp;`` stands percent-encoded in the name of a parameter.
"""

import ipaddress
import re
from collections.abc import Iterable
from urllib.parse import SplitResult, urlsplit

import idna

from vidlib.errors import RefusedInput
from vidlib.files import sha256_text
from vidlib.text import printable

SCHEMES = {"http": 80, "https": 443}
"""The allowed schemes with their default ports."""

MAX_CHARS = 8000
"""The longest link: RFC 9110, 4.1 asks servers for at least 8000 octets."""

DROPBOX = "dropbox.com"

ENTITY = re.compile(r"&(?:amp|#0*38|#x0*26);", re.IGNORECASE)
STRAY_ENTITY = re.compile(r"^(?:amp(?:;|%3B))+", re.IGNORECASE)  # the rest of an entity that a form split
ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
LOGIN = re.compile(r"//[^/?#]*@")
SCHEME = re.compile(r"[^/?#]*://")
FILE_NAME = re.compile(r"[^/]+\.[A-Za-z0-9]{1,5}")
HANDLE_DIGITS = 12
HANDLE = re.compile(r"link-([0-9a-f]{12})")
"""The form of a `handle`; its group is the beginning of the key in the history."""

LONE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")  # RFC 3986, 2.3
PATH_CHARS = UNRESERVED | frozenset("!$&'()*+,;=:@/%")
QUERY_CHARS = PATH_CHARS | frozenset("?")
HOST = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")
LOOKS_NUMERIC = re.compile(r"(^|\.)(0x[0-9a-f]*|\d+)$")


def cleaned(link: str) -> str:
    """Return ``link`` as it was meant: without surrounding spaces, entities and fragment, percent-encoded.

    Parameters keep their order and values, because some servers sign them. Raises RefusedInput unless it is a link of
    http or https without user and password, whose host is a name or a plain address.

    >>> cleaned(" HTTPS://Example.org/a b.zip?x=1&amp;amp;y=2#top ")
    'https://example.org/a%20b.zip?x=1&y=2'
    """
    parts = _split(link)
    path = _encoded(parts.path, PATH_CHARS) or "/"
    pairs = [STRAY_ENTITY.sub("", pair) for pair in _encoded(parts.query, QUERY_CHARS).split("&")]
    return _joined(parts, path, [pair for pair in pairs if pair])


def browser_link(link: str) -> str:
    """Return a `cleaned` link for a browser: it keeps the fragment, which some services use for a key.

    >>> browser_link("https://h.example/file/1?a=1&amp;b=2#k'ey")
    "https://h.example/file/1?a=1&b=2#k'ey"
    """
    without = cleaned(link)
    fragment = _encoded(urlsplit(_unbroken(link)).fragment, QUERY_CHARS)
    return f"{without}#{fragment}" if fragment else without


def normalized(link: str) -> str:
    """Return one spelling for all links to the same file; raises like `cleaned`. Normalizing twice changes nothing.

    Beyond `cleaned` it removes the default port, double slashes, ``.`` and ``..``, needless percent-encoding, empty and
    repeated parameters, and it sorts parameters. Links of Dropbox get exactly one ``dl=1``, which means a download.

    >>> normalized("http://EXAMPLE.org:80//a/%7euser?b=2&a=&b=2&a=1")
    'http://example.org/a/~user?a=1&b=2'
    >>> normalized("https://www.dropbox.com/scl/fi/x/film.zip?dl=0&amp%3Bdl=1")
    'https://www.dropbox.com/scl/fi/x/film.zip?dl=1'
    """
    before, link = link, _normalized_once(link)
    while before != link:  # decoding may uncover more to remove, such as `%61mp;` or `%2e%2e`
        before, link = link, _normalized_once(link)
    return link


def is_below(host: str, domain: str) -> bool:
    """Return whether ``host`` is ``domain`` or one of its subdomains.

    >>> is_below("www.dropbox.com", "dropbox.com"), is_below("notdropbox.com", "dropbox.com")
    (True, False)
    """
    return host == domain or host.endswith(f".{domain}")


def with_parameter(link: str, name: str, value: str) -> str:
    """Return a `cleaned` link with exactly one parameter ``name``.

    >>> with_parameter("https://h/f?dl=0&k=1", "dl", "1")
    'https://h/f?k=1&dl=1'
    """
    parts = urlsplit(link)
    others = [pair for pair in parts.query.split("&") if pair and pair.partition("=")[0] != name]
    return parts._replace(query="&".join([*others, f"{name}={value}"])).geturl()


def redacted(link: str) -> str:
    """Return a link for logs and messages: the host and the name of the file.

    Everything else may give access: user and password, folders, names without a suffix, parameters and fragment.

    >>> redacted("https://me:hush@h.example/film.zip?key=hush"), redacted("https://h.example/d/5c1f/film.zip#hush")
    ('https://…@h.example/film.zip?…', 'https://h.example/…/film.zip#…')
    >>> redacted("https://h.example/t-hush")
    'https://h.example/…'
    """
    address, *rest = re.split("([?#])", LOGIN.sub("//…@", link.strip()), maxsplit=1)
    scheme = SCHEME.match(address)
    begin = scheme.end() if scheme else 0
    host, slash, path = address[begin:].partition("/")
    return f"{printable(address[:begin] + host)[:200]}{slash}{_shown_path(path)}{f'{rest[0]}…' if rest else ''}"


def _shown_path(path: str) -> str:
    folders, slash, name = path.rpartition("/")
    if not FILE_NAME.fullmatch(name):
        return "…" if path.strip("/") else ""
    return f"{'…' if folders.strip('/') else ''}{slash}{printable(name)[:200]}"


def key_of(link: str) -> str:
    """Return the key of a link in the history, the same for all its spellings; raises like `cleaned`."""
    return sha256_text(normalized(link))


def handle(link: str) -> str:
    """Return the name of a link for files and messages that must not contain it; raises like `cleaned`.

    >>> handle("https://h.example/film.zip?key=hush")
    'link-aaec30a4d9e3'
    """
    return f"link-{key_of(link)[:HANDLE_DIGITS]}"


def _normalized_once(link: str) -> str:
    parts = _split(link)
    path = _without_dots(_encoded(_decoded(parts.path), PATH_CHARS))
    pairs = _parameters(_encoded(_decoded(parts.query), QUERY_CHARS))
    if is_below(parts.hostname or "", DROPBOX):
        pairs = {pair for pair in pairs if pair.partition("=")[0] != "dl"} | {"dl=1"}
    return _joined(parts, path, sorted(pairs))


def _split(link: str) -> SplitResult:
    """Split a link; its ``netloc`` is the normalized host, with the port unless that is the default one."""
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
        raise RefusedInput(f"{redacted(link)}: port 0 does not exist")
    host = _host(parts.hostname or "", link)
    return parts._replace(netloc=host if port in (None, SCHEMES[parts.scheme]) else f"{host}:{port}", fragment="")


def _unbroken(link: str) -> str:
    link = re.sub(r"[\t\r\n]", "", link.strip())  # an e-mail may have wrapped a long link
    while (without := ENTITY.sub("&", link)) != link:
        link = without
    return link


def _host(host: str, link: str) -> str:
    """Return a host in ASCII and lower case: a name (RFC 5890), or an address in its usual form."""
    wrong = f"{redacted(link)}: {host[:100]!r} is not a valid host"
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
    if LOOKS_NUMERIC.search(host):  # a resolver also reads 0x7f.1 as an address
        try:
            ipaddress.IPv4Address(host)
        except ValueError as error:
            raise RefusedInput(f"{wrong}: expected an address of four numbers such as 192.0.2.1") from error
    return host


def _joined(parts: SplitResult, path: str, pairs: Iterable[str]) -> str:
    return parts._replace(path=path, query="&".join(pairs)).geturl()


def _decoded(text: str) -> str:
    """Decode percent-encoded unreserved characters, and write other escapes in upper case (RFC 3986, 6.2.2)."""

    def decode(escape: re.Match[str]) -> str:
        char = chr(int(escape[1], 16))
        return char if char in UNRESERVED else escape[0].upper()

    return ESCAPE.sub(decode, text)


def _encoded(text: str, allowed: frozenset[str]) -> str:
    """Percent-encode every character that is not ``allowed``, as UTF-8."""
    text = LONE_PERCENT.sub("%25", text)
    return "".join(char if char in allowed else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    return "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "replace"))


def _without_dots(path: str) -> str:
    """Return a path from the root without empty parts, ``.`` and ``..``; a slash at its end stays."""
    folders: list[str] = []
    parts = path.split("/")
    for part in parts:
        if part == "..":
            del folders[-1:]
        elif part not in ("", "."):
            folders.append(part)
    ends_in_slash = folders and parts[-1] in ("", ".", "..")
    return "/" + "/".join(folders) + ("/" if ends_in_slash else "")


def _parameters(query: str) -> set[str]:
    """Return the parameters with a value, and bare words (``?12345``), which may identify a file."""
    parameters = set()
    for pair in query.split("&"):
        name, equals, value = STRAY_ENTITY.sub("", pair).partition("=")
        if name and (value or not equals):
            parameters.add(f"{name}{equals}{value}")
    return parameters
