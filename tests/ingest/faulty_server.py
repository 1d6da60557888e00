"""A web server on this machine whose every page has one fault, as real ones have them."""

import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field

HOST = "127.0.0.1"


@dataclass
class Request:
    """What was asked for, and the connection to answer it on."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    connection: socket.socket
    closing: threading.Event

    @property
    def range_start(self) -> int | None:
        """Where the asked range begins; None if all of it was asked for."""
        asked = self.headers.get("range")
        return int(asked.removeprefix("bytes=").split("-")[0]) if asked else None

    def head(self, status: str, **headers: object) -> None:
        """Send the head of an answer; ``content_length=5`` is the header `Content-Length`."""
        named = {name.replace("_", "-").title(): value for name, value in headers.items()}
        lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in named.items()), "Connection: close"]
        self.send("\r\n".join([*lines, "", ""]).encode("latin-1"))

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def answer(self, status: str = "200 OK", body: bytes = b"", **headers: object) -> None:
        self.head(status, content_length=len(body), **headers)
        self.send(body)

    def file(self, data: bytes, etag: str = '"one"', upto: int | None = None, **headers: object) -> None:
        """Answer as a good server does, with the rest where that is asked for; ``upto``: the line breaks off there."""
        start, known = self.range_start, self.headers.get("if-range") in (None, etag)
        if start is None or not known:
            self.head("200 OK", content_length=len(data), etag=etag, **headers)
            self.send(data[:upto])
        elif start >= len(data):
            self.head("416 Range Not Satisfiable", content_range=f"bytes */{len(data)}", content_length=0)
        else:
            where = f"bytes {start}-{len(data) - 1}/{len(data)}"
            self.head("206 Partial Content", content_length=len(data) - start, content_range=where, etag=etag)
            self.send(data[start:upto])


Page = Callable[[Request], None]


@dataclass
class Server:
    """A running server: ``pages`` are functions by path, ``asked`` the requests that came."""

    port: int = 0
    pages: dict[str, Page] = field(default_factory=dict)
    asked: list[Request] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)

    @property
    def base(self) -> str:
        return f"http://{HOST}:{self.port}"

    def page(self, path: str, page: Page) -> str:
        """Serve ``page`` at ``path``; its address."""
        self.pages[path] = page
        return self.base + path

    def pages_in_turn(self, path: str, *pages: Page) -> str:
        """Serve one page after the other at ``path``, the last one for ever; its address."""
        left = list(pages)
        return self.page(path, lambda request: (left.pop(0) if len(left) > 1 else left[0])(request))

    def ranges(self, path: str) -> list[str | None]:
        """The Range of every request for ``path``, in order."""
        return [request.headers.get("range") for request in self.asked if request.path == path]


@contextmanager
def running(tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """A server that answers on a port of its own until the block ends, also what it left hanging; over ``tls``."""
    server = Server()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):  # the other side hung up
                if request := _read(self.request, server.closing):
                    server.asked.append(request)
                    server.pages.get(request.path.partition("?")[0], _missing)(request)

    class Listener(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = False

        def finish_request(self, request: socket.socket, client_address: object) -> None:
            with suppress(OSError), ExitStack() as closing:  # a handshake that the other side breaks off
                connection = closing.enter_context(tls.wrap_socket(request, server_side=True)) if tls else request
                Handler(connection, client_address, self)

    with Listener((HOST, 0), Handler) as listener:
        server.port = listener.server_address[1]
        thread = threading.Thread(target=listener.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.closing.set()
            listener.shutdown()
            thread.join()


def _missing(request: Request) -> None:
    request.answer("404 Not Found")


def _read(connection: socket.socket, closing: threading.Event) -> Request | None:
    data = b""
    while b"\r\n\r\n" not in data:
        if not (chunk := connection.recv(65536)):
            return None
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers.get("content-length", 0)):
        body += connection.recv(65536)
    method, path, _ = first.split(" ")
    return Request(method, path, headers, body, connection, closing)


def drip(request: Request) -> None:
    """A file of a gigabyte, byte by byte."""
    request.head("200 OK", content_length=1 << 30, etag='"drip"')
    while not request.closing.wait(0.001):
        request.send(b"P")


def drip_head(request: Request) -> None:
    """An answer whose head never ends."""
    request.send(b"HTTP/1.1 200 OK\r\nX-Endless: ")
    while not request.closing.wait(0.001):
        request.send(b"x")


def silence(request: Request) -> None:
    """A file that stops coming after its first bytes; the connection stays open."""
    request.head("200 OK", content_length=1000, etag='"one"')
    request.send(b"PK\x03\x04")
    request.closing.wait()


def redirect(target: str, status: str = "302 Found") -> Page:
    """A page that leads to ``target``."""
    return lambda request: request.answer(status, location=target)
