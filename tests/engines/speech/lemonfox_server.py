"""A web server of the tests that stands for Lemonfox: it answers as told and keeps what it was sent."""

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Reply = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Sent:
    """One request: its headers, and the parts of its form by name."""

    headers: dict[str, str]
    form: dict[str, bytes]


@dataclass
class Answering:
    """Where the server is, and what it was sent; it gives ``replies`` in order, the last one from then on."""

    url: str
    replies: Sequence[Reply]
    sent: list[Sent] = field(default_factory=list)
    let_go: threading.Event = field(default_factory=threading.Event)


def says(code: int, body: str | bytes, content_type: str = "application/json", **headers: str) -> Reply:
    """An answer, complete; underscores in the names of ``headers`` are dashes."""

    def reply(handler: BaseHTTPRequestHandler) -> None:
        content = body.encode() if isinstance(body, str) else body
        _head(handler, code, content_type, len(content), headers)
        handler.wfile.write(content)

    return reply


def cut(body: str, missing: int = 100) -> Reply:
    """An answer whose connection ends ``missing`` bytes too early."""

    def reply(handler: BaseHTTPRequestHandler) -> None:
        _head(handler, 200, "application/json", len(body.encode()) + missing, {})
        handler.wfile.write(body.encode())

    return reply


def heard(*segments: tuple[float, float, str, str]) -> str:
    """``verbose_json`` with a segment for each (start, end, speaker, text): its words share its time evenly."""
    found = []
    for start, end, speaker, text in segments:
        words, step = text.split(), (end - start) / max(1, len(text.split()))
        times = [(start + n * step, start + (n + 1) * step, word) for n, word in enumerate(words)]
        said = [{"word": word, "start": a, "end": b, "speaker": speaker} for a, b, word in times]
        found.append({"id": len(found), "start": start, "end": end, "text": text, "speaker": speaker, "words": said})
    return json.dumps({"task": "transcribe", "language": "english", "duration": 30.0, "segments": found})


@contextmanager
def answering(*replies: Reply) -> Iterator[Answering]:
    """A server that gives ``replies``; whoever it keeps waiting (see `never`) is let go at the end."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            number = min(len(place.sent), len(place.replies) - 1)
            place.sent.append(Sent(dict(self.headers), _form(self.headers["Content-Type"], body)))
            place.replies[number](self)

        def log_message(self, *_: object) -> None:
            """Be quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        place = Answering(f"http://127.0.0.1:{server.server_port}/v1/audio/transcriptions", replies)
        server.place = place
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield place
        finally:
            place.let_go.set()
            server.shutdown()
            thread.join()


def never(handler: BaseHTTPRequestHandler) -> None:
    """No answer before the end of the test."""
    handler.server.place.let_go.wait(60)


def _head(handler: BaseHTTPRequestHandler, code: int, content_type: str, n_bytes: int, headers: dict[str, str]) -> None:
    handler.send_response(code)
    for name, value in {"Content-Type": content_type, "Content-Length": str(n_bytes), **headers}.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()


def _form(content_type: str, body: bytes) -> dict[str, bytes]:
    message = message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
    parts = message.get_payload()
    return {part.get_param("name", header="Content-Disposition"): part.get_payload(decode=True) for part in parts}
