"""A local web server in place of Lemonfox: it sends scripted replies and records the requests."""

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.waiting import LIMIT_S

Reply = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Request:
    """One request: its headers, and the parts of its form by name."""

    headers: dict[str, str]
    form: dict[str, bytes]


@dataclass
class FakeLemonfox:
    """The address of the server and its requests; it sends ``replies`` in order, and the last one from then on."""

    url: str
    replies: Sequence[Reply]
    requests: list[Request] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)


def replies_with(status: int, body: str | bytes, content_type: str = "application/json", **headers: str) -> Reply:
    """A complete response; underscores in the names of ``headers`` become dashes."""

    def reply(handler: BaseHTTPRequestHandler) -> None:
        content = body.encode() if isinstance(body, str) else body
        _head(handler, status, content_type, len(content), headers)
        handler.wfile.write(content)

    return reply


def cuts_off(body: str, missing: int = 100) -> Reply:
    """A response whose connection ends ``missing`` bytes too early."""

    def reply(handler: BaseHTTPRequestHandler) -> None:
        _head(handler, 200, "application/json", len(body.encode()) + missing, {})
        handler.wfile.write(body.encode())

    return reply


def transcript(*segments: tuple[float, float, str, str]) -> str:
    """``verbose_json`` with a segment for each (start, end, speaker, text), whose words share the time evenly."""
    rows = []
    for start, end, speaker, text in segments:
        words, step = text.split(), (end - start) / max(1, len(text.split()))
        times = [(start + n * step, start + (n + 1) * step, word) for n, word in enumerate(words)]
        timed = [{"word": word, "start": a, "end": b, "speaker": speaker} for a, b, word in times]
        rows.append({"id": len(rows), "start": start, "end": end, "text": text, "speaker": speaker, "words": timed})
    return json.dumps({"task": "transcribe", "language": "english", "duration": 30.0, "segments": rows})


@contextmanager
def fake_lemonfox(*replies: Reply) -> Iterator[FakeLemonfox]:
    """A server that sends ``replies``; clients that still wait (see `never`) are released at the end."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            number = min(len(fake.requests), len(fake.replies) - 1)
            fake.requests.append(Request(dict(self.headers), _form(self.headers["Content-Type"], body)))
            fake.replies[number](self)

        def log_message(self, *_: object) -> None:
            """Be quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        fake = FakeLemonfox(f"http://127.0.0.1:{server.server_port}/v1/audio/transcriptions", replies)
        server.fake = fake
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield fake
        finally:
            fake.closing.set()
            server.shutdown()
            thread.join()


def never(handler: BaseHTTPRequestHandler) -> None:
    """Send no response before the end of the test."""
    handler.server.fake.closing.wait(LIMIT_S)


def _head(
    handler: BaseHTTPRequestHandler, status: int, content_type: str, n_bytes: int, headers: dict[str, str]
) -> None:
    handler.send_response(status)
    for name, value in {"Content-Type": content_type, "Content-Length": str(n_bytes), **headers}.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()


def _form(content_type: str, body: bytes) -> dict[str, bytes]:
    message = message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
    parts = message.get_payload()
    return {part.get_param("name", header="Content-Disposition"): part.get_payload(decode=True) for part in parts}
