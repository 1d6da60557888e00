"""What is told to the outside when a run ends: by a program, to a web server and through a mail server of this test."""

import json
import os
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

from tests.waiting import wait_until
from vidlib.errors import SettingError
from vidlib.runner.notifications import LONGEST_PAUSE_S, check, subject_of, tell, text_of
from vidlib.settings import Settings, load

NOT_KNOWN_AS_LOCAL = "127.1"
"""Reaches this machine, but is written so that it is taken for another one."""

# a key and a certificate for localhost, 127.0.0.1 and 127.1, until 2120; they open nothing but the servers of this file
CERTIFICATE = """\
-----BEGIN CERTIFICATE-----
MIIBbTCCARSgAwIBAgIBAjAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAlsb2NhbGhv
c3QwIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMBQxEjAQBgNVBAMM
CWxvY2FsaG9zdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABL+YfS/KtHZXHUL6
10dvPwJixaxz/vrcIdTRXgwGAoClTeNpnFugAjv+QRv3qv5FWoMB+8I5QGTVkBdE
XTizdfCjVTBTMCEGA1UdEQQaMBiHBH8AAAGCCWxvY2FsaG9zdIIFMTI3LjEwDwYD
VR0TAQH/BAUwAwEB/zAdBgNVHQ4EFgQURLMrTika53qW7NcY99SdqJz4YCgwCgYI
KoZIzj0EAwIDRwAwRAIgOseK74Vzj1A0cDq0v1R5h4VGgreGCCKDKEwlo2at5QAC
IAzXFa9jOnA7UonQk4m1CgLqrTkglRjr+kuELiJfuRSm
-----END CERTIFICATE-----
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgBKhvOnJvDWbx0NEO
K5psd4xNFYlu0jOHolrMnT9Rx3yhRANCAAS/mH0vyrR2Vx1C+tdHbz8CYsWsc/76
3CHU0V4MBgKApU3jaZxboAI7/kEb96r+RVqDAfvCOUBk1ZAXRF04s3Xw
-----END PRIVATE KEY-----
"""


def video(name: str, status: str = "done", error: str | None = None, report: str | None = None) -> dict:
    """One video in the JSON of a run."""
    return {
        "path": name,
        "sha256": "0" * 64,
        "status": status,
        "steps": {},
        "outputs": {"report": report},
        "error": error,
    }


def result(status: str = "partial", *videos: dict, **more: object) -> dict:
    """The JSON of a run."""
    return {"run": "20260101-000000-abcd", "status": status, "videos": list(videos), "projects": [], **more}


PARTIAL = result(
    "partial",
    video("/in/good.mp4", report="/runs/good/report.html"),
    video("/in/bad.mp4", "failed", "step 'audio' failed: no sound", "/runs/bad/report.html"),
    video("/in/odd.mp4", "refused", "'odd.mp4' is no readable video"),
)
STOPPED = result("cancelled", video("a"), video("b", "failed"), video("c", "cancelled"))


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No VIDLIB_* variable and no proxy is set, and the current folder holds no ``.env``."""
    for name in list(os.environ):
        if name.startswith("VIDLIB_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


# what is said


@pytest.mark.parametrize(
    ("run", "says"),
    [
        (PARTIAL, "partial (2 of 3 videos failed)"),
        (result("done", video("a"), video("b")), "done (2 videos)"),
        (result("refused", video("a", "refused")), "refused (1 of 1 video failed)"),
        (STOPPED, "cancelled (1 of 3 videos failed, 1 not finished)"),
        (result("cancelled"), "cancelled (0 videos)"),
    ],
)
def test_the_subject_counts_what_failed(run, says):
    assert subject_of(run) == f"vidlib run 20260101-000000-abcd: {says}"


def test_the_text_says_first_what_failed_why_and_where_the_report_is():
    lines = text_of(PARTIAL).splitlines()
    assert lines[2:6] == [
        "failed: /in/bad.mp4",
        "  step 'audio' failed: no sound",
        "  report: /runs/bad/report.html",
        "refused: /in/odd.mp4",
    ]
    assert "good.mp4" not in text_of(PARTIAL)


def test_a_run_that_broke_off_says_why_before_anything_else():
    text = text_of(result("failed", video("a", "failed"), error="OSError: no space left"))
    assert text.splitlines()[2] == "The run broke off: OSError: no space left"


def test_a_name_from_outside_cannot_add_lines_or_break_the_text():
    name = "a\nfailed: /in/forged.mp4\r\n" + b"caf\xe9".decode("utf-8", "surrogateescape")
    text = text_of(result("failed", video(name, "failed", "x" * 10_000)))
    assert [line for line in text.splitlines() if line.startswith("failed:")] == [
        "failed: a failed: /in/forged.mp4 caf?"
    ]
    assert max(map(len, text.encode().decode().splitlines())) < 1000


def test_a_night_of_failures_is_no_endless_letter():
    text = text_of(result("failed", *(video(f"{n}.mp4", "failed", "no") for n in range(1000))))
    assert "and 950 more" in text


# the command

SAVES_WHAT_IT_IS_TOLD = """
import json, os, sys
with open("told.json", "w") as file:
    json.dump({"stdin": json.load(sys.stdin), "env": dict(os.environ)}, file)
print("this is not for the stdout of vidlib")
"""


def program(path: Path, source: str) -> str:
    """A command line that runs a Python program."""
    path.write_text(source)
    return f"'{sys.executable}' '{path}'"


def test_a_command_gets_the_result_and_no_secret(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("VIDLIB_NOTIFY_URL", "https://hooks.example/s3cret")
    monkeypatch.setenv("vidlib_smtp_url", "smtp://user:s3cret@mail.example")
    monkeypatch.setenv("VIDLIB_DASHBOARD_TOKEN", "s3cret")
    monkeypatch.setenv("VIDLIB_DATABASE_URL", "postgresql://vidlib:s3cret@db.example/vidlib")
    monkeypatch.setenv("VIDLIB_WORKSPACE", str(tmp_path))
    command = program(tmp_path / "two words.py", SAVES_WHAT_IT_IS_TOLD)
    assert tell(PARTIAL, Settings.model_construct(notify_command=command)) == []
    told = json.loads(Path("told.json").read_text())
    assert told["stdin"] == PARTIAL
    assert told["env"].items() >= {"VIDLIB_RUN": PARTIAL["run"], "VIDLIB_STATUS": "partial"}.items()
    assert told["env"]["VIDLIB_WORKSPACE"] == str(tmp_path)
    assert "s3cret" not in json.dumps(told["env"])
    assert capfd.readouterr().out == ""


def test_no_shell_reads_the_command(tmp_path):
    command = program(tmp_path / "args.py", "import sys; open('args', 'w').write('|'.join(sys.argv[1:]))")
    assert tell(PARTIAL, load(notify_command=f"{command} '$HOME' `id` ; touch x")) == []
    assert Path("args").read_text() == "$HOME|`id`|;|touch|x"


def test_a_command_that_fails_is_one_line_with_what_it_said_last(tmp_path):
    command = program(tmp_path / "fails.py", "import sys; sys.exit('the pager is\\nout of order')")
    (problem,) = tell(PARTIAL, load(notify_command=command))
    assert problem.startswith("notification by command failed")
    assert problem.endswith("ended with code 1: the pager is | out of order")


def test_a_command_that_does_not_read_its_input_has_not_failed():
    assert tell(result("failed", video("a" * 1_000_000, "failed")), load(notify_command="true")) == []


def test_a_command_that_does_not_end_is_ended_with_all_that_it_started(tmp_path, monkeypatch):
    source = """
import os, subprocess, sys, threading
child = subprocess.Popen([sys.executable, "-c", "import threading; threading.Event().wait()"])
with open("pids.tmp", "w") as file:
    file.write(f"{os.getpid()} {child.pid}")
os.rename("pids.tmp", "pids")
threading.Event().wait()
"""

    class Limited(subprocess.Popen):
        """Its time is over as soon as everything was started."""

        def wait(self, timeout: float | None = None) -> int:
            if timeout is not None:
                wait_until(Path("pids").exists)
                timeout = 0
            return super().wait(timeout)

    monkeypatch.setattr(subprocess, "Popen", Limited)
    (problem,) = tell(PARTIAL, load(notify_command=program(tmp_path / "hangs.py", source)))
    assert "ended after its limit of 180 s" in problem
    pids = [int(pid) for pid in Path("pids").read_text().split()]
    wait_until(lambda: not any(map(_runs, pids)))


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


# the webhook


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


def test_a_webhook_gets_the_result_and_a_text_for_people(caplog):
    caplog.set_level("DEBUG")
    with web_server((204, {})) as server:
        assert tell(PARTIAL, load(notify_url=server.secret_url)) == []
    (asked,) = server.asked
    assert asked["path"] == "/services/s3cret?token=h1dden"
    assert asked["type"] == "application/json"
    assert asked["json"] == {"subject": subject_of(PARTIAL), "text": text_of(PARTIAL), **PARTIAL}
    assert "s3cret" not in caplog.text
    assert "h1dden" not in caplog.text


def test_a_name_that_is_not_utf_8_can_be_posted():
    name = b"/in/caf\xe9.mp4".decode("utf-8", "surrogateescape")
    with web_server((200, {})) as server:
        assert tell(result("failed", video(name, "failed")), load(notify_url=server.url)) == []
    assert server.asked[0]["json"]["videos"][0]["path"] == name


def test_a_server_that_is_busy_is_asked_again_after_longer_and_longer_pauses():
    pauses: list[float] = []
    with web_server((503, {}), (500, {}), (200, {})) as server:
        assert tell(PARTIAL, load(notify_url=server.url), pause=pauses.append) == []
    assert pauses == [2, 4]


@pytest.mark.parametrize(
    ("asked_for", "paused_s"),
    [
        ("7", 7),
        ("86400", LONGEST_PAUSE_S),
        ("Fri, 31 Dec 2100 23:59:59 GMT", LONGEST_PAUSE_S),
        ("Fri, 31 Dec 1999 23:59:59 GMT", 0),
        ("soon", 2),
    ],
)
def test_a_server_says_when_to_ask_again_within_reason(asked_for, paused_s):
    pauses: list[float] = []
    with web_server((429, {"Retry-After": asked_for}), (200, {})) as server:
        assert tell(PARTIAL, load(notify_url=server.url), pause=pauses.append) == []
    assert pauses == [paused_s]


def test_a_server_that_stays_busy_is_given_up():
    pauses: list[float] = []
    with web_server((503, {})) as server:
        problems = tell(PARTIAL, load(notify_url=server.secret_url), pause=pauses.append)
    assert problems == ["notification by webhook failed: it answered 503"]
    assert (len(server.asked), len(pauses)) == (4, 3)


def test_what_the_server_does_not_want_is_not_said_twice():
    with web_server((404, {})) as server:
        assert tell(PARTIAL, load(notify_url=server.secret_url)) == ["notification by webhook failed: it answered 404"]
    assert len(server.asked) == 1


def test_a_redirect_is_not_followed():
    with web_server((200, {})) as elsewhere, web_server((307, {"Location": f"{elsewhere.url}/stolen"})) as server:
        (problem,) = tell(PARTIAL, load(notify_url=server.secret_url))
    assert "it answered 307; a redirect is not followed" in problem
    assert elsewhere.asked == []


@contextmanager
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as found:
        yield found


def test_a_server_that_is_not_there_is_asked_again_and_its_address_stays_secret():
    with listener() as closed:
        port = closed.getsockname()[1]
    pauses: list[float] = []
    url = f"http://user:pa55word@127.0.0.1:{port}/services/s3cret?token=h1dden"
    (problem,) = tell(PARTIAL, load(notify_url=url), pause=pauses.append)
    assert "no connection" in problem
    assert len(pauses) == 3
    assert not any(secret in problem for secret in ("pa55word", "s3cret", "h1dden"))


def test_a_server_that_repeats_the_address_gives_nothing_away():
    def echo() -> None:
        for _ in range(4):
            connection, _ = server.accept()
            with connection:
                connection.sendall(connection.recv(65536))

    with listener() as server:
        thread = threading.Thread(target=echo)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/services/s3cret?token=h1dden"
        (problem,) = tell(PARTIAL, load(notify_url=url), pause=lambda seconds: None)
        thread.join()
    assert not any(secret in problem for secret in ("s3cret", "h1dden"))


def test_a_server_that_never_answers_is_given_up():
    def no_more(seconds: float) -> None:
        raise InterruptedError

    with listener() as silent:
        settings = load(notify_url=f"http://127.0.0.1:{silent.getsockname()[1]}")
        problems = tell(PARTIAL, settings, pause=no_more, limit_s=0)
    assert problems == ["notification by webhook failed: no answer in time"]
    wait_until(lambda: not any(thread.name == "hook" for thread in threading.enumerate()))


# the e-mail


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


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    file = tmp_path / "certificate.pem"
    file.write_text(CERTIFICATE)
    return file


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context


def by_mail(box: MailBox, *, scheme: str = "smtp", user: str = "", host: str = "127.0.0.1", **more: str) -> Settings:
    given = {"notify_email": "night@example.org, Chief <chief@example.org>", "smtp_from": "vidlib <vidlib@example.org>"}
    return load(**given | {"smtp_url": f"{scheme}://{user}{host}:{box.port}"} | more)


SIGNED_IN = "some%40body:s3cret%2F%40@"


def test_an_e_mail_says_what_failed_to_every_addressee():
    with mail_server() as box:
        assert tell(PARTIAL, by_mail(box)) == []
    ((envelope, letter),) = box.letters
    assert letter["Subject"] == subject_of(PARTIAL)
    assert letter["From"] == "vidlib <vidlib@example.org>"
    assert envelope.mail_from == "vidlib@example.org"
    assert envelope.rcpt_tos == ["night@example.org", "chief@example.org"]
    assert letter.get_content().splitlines() == text_of(PARTIAL).splitlines()
    assert letter["Date"].datetime.tzinfo is not None
    assert letter["Message-ID"].endswith("@example.org>")


def test_names_in_every_script_arrive():
    with mail_server() as box:
        assert tell(result("failed", video("/in/映画 für Zoë.mp4", "failed")), by_mail(box)) == []
    assert "/in/映画 für Zoë.mp4" in box.letters[0][1].get_content()


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_the_password_goes_over_tls_where_the_server_has_it(scheme, tls):
    with mail_server(tls, smtps=scheme == "smtps") as box:
        assert tell(PARTIAL, by_mail(box, scheme=scheme, user=SIGNED_IN)) == []
    assert [(user, password) for user, password, _ in box.signed_in] == [("some@body", "s3cret/@")]
    assert scheme == "smtps" or box.signed_in[0][2]
    assert len(box.letters) == 1


def test_another_machine_must_show_a_certificate_that_is_trusted(tls, certificate, monkeypatch):
    with mail_server(tls) as box:
        settings = by_mail(box, user=SIGNED_IN, host=NOT_KNOWN_AS_LOCAL)
        (problem,) = tell(PARTIAL, settings)
        assert "certificate verify failed" in problem
        assert box.signed_in == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert tell(PARTIAL, settings) == []
    assert len(box.letters) == 1


def test_a_password_does_not_travel_in_the_clear_to_another_machine():
    with mail_server() as box:
        (problem,) = tell(PARTIAL, by_mail(box, user=SIGNED_IN, host=NOT_KNOWN_AS_LOCAL))
        assert "no encryption" in problem
        assert "s3cret" not in problem
        assert box.signed_in == []
        assert tell(PARTIAL, by_mail(box, user=SIGNED_IN)) == []  # here, nobody can listen


def test_a_wrong_password_is_not_shown():
    with mail_server() as box:
        (problem,) = tell(PARTIAL, by_mail(box, user="somebody:wr0ng@"))
    assert "refused the user or the password of VIDLIB_SMTP_URL (535)" in problem
    assert "wr0ng" not in problem


def test_a_server_that_repeats_the_password_gives_nothing_away():
    with mail_server() as box:
        box.answers.append("554 I remember that you said s3cret/@ to me")
        (problem,) = tell(PARTIAL, by_mail(box, user=SIGNED_IN))
    assert problem.endswith("the mail server answered 554 I remember that you said *** to me")


def test_a_mail_server_that_is_busy_is_asked_again():
    pauses: list[float] = []
    with mail_server() as box:
        box.answers.append("451 greylisted, come again")
        assert tell(PARTIAL, by_mail(box), pause=pauses.append) == []
    assert (len(box.letters), pauses) == (1, [2])


def test_an_addressee_who_is_refused_is_named():
    with mail_server() as box:
        box.refuse = "night@example.org"
        (problem,) = tell(PARTIAL, by_mail(box))
    assert "the mail server refused night@example.org" in problem
    assert box.letters[0][0].rcpt_tos == ["chief@example.org"]


def test_a_mail_server_that_is_not_there_is_one_line():
    with listener() as closed:
        box = MailBox(closed.getsockname()[1])
    (problem,) = tell(PARTIAL, by_mail(box), pause=lambda seconds: None)
    assert problem == "notification by e-mail failed: [Errno 111] Connection refused"


# all of them


def test_a_run_that_is_done_is_told_only_to_those_who_want_every_end(tmp_path):
    done = result("done", video("a.mp4"))
    command = program(tmp_path / "touches.py", "open('told', 'w')")
    assert tell(done, load(notify_command=command)) == []
    assert not Path("told").exists()
    assert tell(done, load(notify_command=command, notify_on="end")) == []
    assert Path("told").exists()


def test_one_hook_that_fails_does_not_keep_the_others_from_being_told():
    with web_server((200, {})) as server, mail_server() as box:
        settings = by_mail(box, notify_command="false", notify_url=server.url)
        (problem,) = tell(PARTIAL, settings)
    assert problem.startswith("notification by command failed")
    assert (len(server.asked), len(box.letters)) == (1, 1)


def test_whatever_is_wrong_nothing_is_raised():
    settings = load(notify_command="'", notify_url="http://[s3cret", notify_email="@", smtp_url="s3cret", smtp_from="x")
    problems = tell(PARTIAL, settings)
    assert len(problems) == 3
    assert "s3cret" not in "".join(problems)
    assert len(tell({"run": "R", "status": "failed"}, load(notify_url="http://127.0.0.1:1/s3cret"))) == 1


MAIL = {"notify_email": "a@example.org", "smtp_url": "smtp://mail.example.org", "smtp_from": "b@example.org"}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"notify_command": "no-such-program --now"}, "VIDLIB_NOTIFY_COMMAND: 'no-such-program' is no program"),
        ({"notify_command": "echo 'open"}, "VIDLIB_NOTIFY_COMMAND: No closing quotation"),
        ({"notify_command": "  "}, "VIDLIB_NOTIFY_COMMAND: it is empty"),
        ({"notify_url": "hooks.example.org/s3cret"}, "VIDLIB_NOTIFY_URL"),
        ({"notify_url": "ftp://hooks.example.org/s3cret"}, "VIDLIB_NOTIFY_URL"),
        ({"notify_url": "file:///s3cret"}, "VIDLIB_NOTIFY_URL"),
        ({"notify_url": "https:///s3cret"}, "VIDLIB_NOTIFY_URL"),
        ({"notify_url": "https://hooks.example.org:s3cret/"}, "VIDLIB_NOTIFY_URL"),
        ({"notify_url": "https://hooks.example.org/s3cret\n"}, "VIDLIB_NOTIFY_URL"),
        (MAIL | {"smtp_url": None}, "needs VIDLIB_SMTP_URL"),
        (MAIL | {"smtp_from": None}, "needs VIDLIB_SMTP_FROM"),
        (MAIL | {"notify_email": "nobody"}, "VIDLIB_NOTIFY_EMAIL='nobody'"),
        (MAIL | {"smtp_from": "a@b\nBcc: x@y"}, "VIDLIB_SMTP_FROM"),
        (MAIL | {"smtp_url": "mail.example.org:s3cret"}, "VIDLIB_SMTP_URL"),
        (MAIL | {"smtp_url": "smtp://user:25#s3cret@mail.example.org"}, "VIDLIB_SMTP_URL: expected nothing after"),
        (MAIL | {"smtp_url": "smtp://user:s3cretö@mail.example.org"}, "VIDLIB_SMTP_URL"),
        (MAIL | {"smtp_url": "smtp://user:s3cret%C3%B6@mail.example.org"}, "VIDLIB_SMTP_URL: expected a user"),
    ],
)
def test_what_cannot_work_is_found_before_the_run(given, says):
    with pytest.raises(SettingError) as raised:
        check(load(**given))
    assert says in str(raised.value)
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize(
    "given", [{}, {"notify_command": "true"}, {"notify_url": "https://hooks.example.org/s3cret?a=b"}, MAIL]
)
def test_what_may_work_passes(given):
    check(load(**given))
