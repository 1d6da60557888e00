"""A web server and a mail server that record what they receive."""

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

from vidlib.settings import Settings, load


@contextmanager
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as found:
        yield found


@dataclass
class WebServer:
    """A web server: the answers that it is to give, the last one for good, and what it was asked."""

    url: str
    answers: list[tuple[int, dict[str, str]]]
    asked: list[dict] = field(default_factory=list)

    @property
    def secret_url(self) -> str:
        return f"{self.url}/services/s3cret?token=h1dden"


@contextmanager
def web_server(*answers: tuple[int, dict[str, str]]) -> Iterator[WebServer]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            here.asked.append({"path": self.path, "type": self.headers["Content-Type"], "json": json.loads(body)})
            code, headers = here.answers.pop(0) if len(here.answers) > 1 else here.answers[0]
            self.send_response(code)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        here = WebServer(f"http://127.0.0.1:{server.server_address[1]}", list(answers))
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield here
        server.shutdown()
        thread.join()


@dataclass
class MailBox:
    """A mail server: its port, the letters that it took, and how each sender signed in."""

    port: int
    letters: list = field(default_factory=list)
    signed_in: list[tuple[str, str, bool]] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    refuse: str = ""

    async def handle_RCPT(self, server, session, envelope, address, options) -> str:
        if address == self.refuse:
            return "550 nobody of that name"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope) -> str:
        if self.answers:
            return self.answers.pop(0)
        self.letters.append((envelope, message_from_bytes(envelope.content, policy=policy.default)))
        return "250 OK"

    def sign_in(self, server, session, envelope, mechanism, auth_data) -> AuthResult:
        user, password = auth_data.login.decode(), auth_data.password.decode()
        self.signed_in.append((user, password, session.ssl is not None))
        return AuthResult(success=password == "s3cret/@", handled=False, message=None)


@contextmanager
def mail_server(tls: ssl.SSLContext | None = None, smtps: bool = False) -> Iterator[MailBox]:
    """A mail server without encryption, with STARTTLS, or with TLS from the first byte on."""

    class Server(Controller):
        def factory(self) -> SMTP:
            return SMTP(box, authenticator=box.sign_in, auth_require_tls=False, tls_context=None if smtps else tls)

    with listener() as free:
        box = MailBox(free.getsockname()[1])
    server = Server(box, "127.0.0.1", box.port, ssl_context=tls if smtps else None)
    server.start()
    try:
        yield box
    finally:
        server.stop()


def by_mail(box: MailBox, *, scheme: str = "smtp", user: str = "", host: str = "127.0.0.1", **more: str) -> Settings:
    given = {"notify_email": "night@example.org, Chief <chief@example.org>", "smtp_from": "vidlib <vidlib@example.org>"}
    return load(**given | {"smtp_url": f"{scheme}://{user}{host}:{box.port}"} | more)
