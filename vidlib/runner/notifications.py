"""Tells the outside how a run ended, for those who are not looking: a command, a webhook, an e-mail.

Whatever becomes of a hook, the run stays what it was: `tell` gives back the problems as lines and raises nothing. No
such line holds a secret, so the address of a webhook, which often is one, and what a server says to a password are
not repeated. What can be known to be wrong before the run, `check` finds before it.
"""

import email.utils
import ipaddress
import json
import logging
import re
import shlex
import smtplib
import ssl
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from shutil import which
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

import tenacity

from vidlib.errors import CommandFailed, SettingError, VidlibError
from vidlib.machine import commands
from vidlib.settings import Settings, environment_without_secrets

LIMIT_S = 180.0  # for each hook, with everything that is tried again
SOCKET_LIMIT_S = 20.0  # without a byte from the server
ATTEMPTS = 4
FIRST_PAUSE_S, LONGEST_PAUSE_S = 2.0, 60.0  # doubled each time; a server's Retry-After is obeyed up to the longest
BUSY = frozenset({408, 425, 429})  # with 5xx: answers after which the same request may do better

FAILED = frozenset({"failed", "refused"})
SHOWN_VIDEOS, SHOWN_CHARS = 50, 500
DEFAULT_PORTS = {"smtp": 25, "smtps": 465}

ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")

Result = Mapping[str, Any]
log = logging.getLogger("vidlib.run")


def check(settings: Settings) -> None:
    """Raise SettingError for a hook that could never work, naming its variable; no server is asked."""
    if settings.notify_command is not None:
        _command(settings)
    if settings.notify_url:
        _webhook(settings)
    if settings.notify_email:
        _addresses("notify_email", settings.notify_email)
        _mail_server(settings)
        _sender(settings)


def tell(
    result: Result, settings: Settings, *, pause: Callable[[float], None] = time.sleep, limit_s: float = LIMIT_S
) -> list[str]:
    """Tell everybody who wants to know how a run ended; the problems, one line each.

    ``result`` is `RunResult.as_json`, with an ``error`` in it where the whole run broke off. ``pause`` waits between
    attempts, given seconds; a hook that is not through after ``limit_s`` seconds is given up.
    """
    if settings.notify_on == "failure" and result["status"] == "done":
        return []
    hooks: list[tuple[str, Any, Callable[[], None]]] = [
        ("command", settings.notify_command, lambda: _run_command(result, settings, limit_s)),
        ("webhook", settings.notify_url, lambda: _within(limit_s, lambda: _insist(_post, result, settings, pause))),
        ("e-mail", settings.notify_email, lambda: _within(limit_s, lambda: _insist(_mail, result, settings, pause))),
    ]
    problems = [_problem_of(name, action, settings) for name, wanted, action in hooks if wanted]
    return [problem for problem in problems if problem]


def subject_of(result: Result) -> str:
    """A run in one line.

    >>> subject_of({"run": "R1", "status": "partial", "videos": [{"status": "failed"}, {"status": "done"}]})
    'vidlib run R1: partial (1 of 2 videos failed)'
    """
    statuses = [video["status"] for video in result["videos"]]
    total = f"{len(statuses)} video{'' if len(statuses) == 1 else 's'}"
    failed = sum(status in FAILED for status in statuses)
    unfinished = len(statuses) - failed - statuses.count("done")
    counts = [(n, fate) for n, fate in ((failed, "failed"), (unfinished, "not finished")) if n]
    # the first number says of how many: 1 of 12 videos failed, 3 not finished
    said = ", ".join(f"{n}{'' if i else f' of {total}'} {fate}" for i, (n, fate) in enumerate(counts))
    return f"vidlib run {result['run']}: {result['status']} ({said or total})"


def text_of(result: Result) -> str:
    """A run for people: what failed first, each with its error and report, then the projects."""
    bad = [video for video in result["videos"] if video["status"] != "done"]
    lines = [subject_of(result), ""]
    if result.get("error"):
        lines += [f"The run broke off: {_one_line(result['error'])}", ""]
    for video in bad[:SHOWN_VIDEOS]:
        lines += [f"{video['status']}: {_one_line(video['path'])}"]
        lines += [f"  {_one_line(video['error'])}"] if video.get("error") else []
        lines += [f"  report: {_one_line(report)}"] if (report := video.get("outputs", {}).get("report")) else []
    if len(bad) > SHOWN_VIDEOS:
        lines.append(f"and {len(bad) - SHOWN_VIDEOS} more")
    if result.get("projects"):
        lines += ["", "Projects:", *(f"  {_one_line(project['path'])}" for project in result["projects"])]
    return "\n".join([*lines, "", f"Everything about it: vidlib status {result['run']}"]) + "\n"


def _one_line(text: str) -> str:
    """``text`` without what could break a line, be unseen or not be UTF-8; names and errors come from outside."""
    visible = "".join(c if c.isprintable() else " " for c in text.encode(errors="replace").decode())
    short = " ".join(visible.split())
    return short if len(short) <= SHOWN_CHARS else f"{short[:SHOWN_CHARS]}…"


def _problem_of(name: str, action: Callable[[], None], settings: Settings) -> str | None:
    try:
        action()
    except Exception as error:  # noqa: BLE001 whatever goes wrong with a hook, the run stays what it was
        return f"notification by {name} failed: {_one_line(_without_secrets(_explain(error), settings))}"
    log.info("notified by %s", name)
    return None


def _explain(error: Exception) -> str:
    """What went wrong, in words that hold no address and no password."""
    import httpx

    match error:
        case httpx.HTTPStatusError():
            code = error.response.status_code
            hint = "; a redirect is not followed: set the address that it leads to" if 300 <= code < 400 else ""
            return f"it answered {code}{hint}"
        case TimeoutError() | httpx.TimeoutException():
            return "no answer in time"
        case httpx.ConnectError():
            return f"no connection: {error}"
        case httpx.HTTPError():
            return f"the connection failed with {type(error).__name__}"
        case smtplib.SMTPAuthenticationError():  # its text may repeat what was sent
            return f"the mail server refused the user or the password of VIDLIB_SMTP_URL ({error.smtp_code})"
        case smtplib.SMTPRecipientsRefused():
            return f"the mail server refused {', '.join(error.recipients)}"
        case smtplib.SMTPResponseException():
            return f"the mail server answered {error.smtp_code} {_decoded(error.smtp_error)}"
        case VidlibError() | OSError():
            return str(error)
    return f"it failed with {type(error).__name__}"  # an unforeseen message might say too much


def _decoded(said: bytes | str) -> str:
    return said.decode(errors="replace") if isinstance(said, bytes) else said


def _without_secrets(text: str, settings: Settings) -> str:
    """``text`` with every part of a secret address covered, in case that a server or a program repeated it."""
    parts: set[str | None] = set()
    for secret in filter(None, (settings.notify_url, settings.smtp_url)):
        parts.add(secret.get_secret_value())
        with suppress(ValueError):  # of an address that is none, the whole is covered
            url = urlsplit(secret.get_secret_value())
            parts |= {url.path, url.query, url.password, url.netloc.rpartition("@")[0]}
    plain = {unquote(part) for part in parts if part} | {part for part in parts if part}
    for part in sorted(plain - {"/"}, key=len, reverse=True):
        text = text.replace(part, "***")
    return text


def _within(limit_s: float, action: Callable[[], None]) -> None:
    """Do ``action``; raises what it raises, or TimeoutError after ``limit_s`` seconds.

    A server that sends a byte now and then never meets the time limit of a socket. Its thread is left to itself, as
    a daemon: the process ends without it.
    """
    outcome: Future[None] = Future()

    def work() -> None:
        try:
            outcome.set_result(action())
        except BaseException as error:  # noqa: BLE001 it is raised where the outcome is asked for
            outcome.set_exception(error)

    threading.Thread(target=work, name="hook", daemon=True).start()
    outcome.result(limit_s)


def _insist(
    action: Callable[[Result, Settings], None], result: Result, settings: Settings, pause: Callable[[float], None]
) -> None:
    """Do ``action``, and again after a pause where that may help."""
    attempts = tenacity.Retrying(
        stop=tenacity.stop_after_attempt(ATTEMPTS),
        wait=_pause_s,
        retry=tenacity.retry_if_exception(_may_pass),
        sleep=pause,
        reraise=True,
    )
    attempts(action, result, settings)


def _may_pass(error: BaseException) -> bool:
    """Whether the same request may do better a little later."""
    import httpx

    match error:
        case httpx.HTTPStatusError():
            return error.response.status_code >= 500 or error.response.status_code in BUSY
        case httpx.TimeoutException() | httpx.NetworkError() | httpx.RemoteProtocolError():
            return True
        case smtplib.SMTPResponseException():
            return 400 <= error.smtp_code < 500 or isinstance(error, smtplib.SMTPConnectError)
        case smtplib.SMTPServerDisconnected():
            return True
        case smtplib.SMTPException() | ssl.SSLCertVerificationError():
            return False
    return isinstance(error, OSError)


def _pause_s(state: tenacity.RetryCallState) -> float:
    """Seconds until the next attempt: what the server asks for, or twice as long as the last pause."""
    import httpx

    error = state.outcome.exception()
    asked = error.response.headers.get("Retry-After") if isinstance(error, httpx.HTTPStatusError) else None
    ours = FIRST_PAUSE_S * 2 ** (state.attempt_number - 1)
    return min(max(_seconds_until(asked) if asked else ours, 0), LONGEST_PAUSE_S)


def _seconds_until(retry_after: str) -> float:
    """Retry-After as seconds from now: it is a number of them, or a date (RFC 9110, 10.2.3)."""
    if retry_after.strip().isdecimal():
        return float(retry_after)
    try:
        return email.utils.parsedate_to_datetime(retry_after).timestamp() - time.time()
    except ValueError:
        return FIRST_PAUSE_S


def _run_command(result: Result, settings: Settings, limit_s: float) -> None:
    """Run the command with the result on stdin; raises CommandFailed like `commands.run`, OSError if it cannot start.

    Its input and what it says are files: no pipe can fill up, or be held open by something that it left behind.
    """
    told = {"VIDLIB_RUN": result["run"], "VIDLIB_STATUS": result["status"]}
    args = _command(settings)
    with tempfile.TemporaryFile() as stdin, tempfile.TemporaryFile() as said:
        stdin.write(json.dumps(result).encode())
        stdin.seek(0)
        process = subprocess.Popen(
            args,
            stdin=stdin,
            stdout=subprocess.DEVNULL,  # ours belongs to the JSON of the run
            stderr=said,
            env=environment_without_secrets() | told,
            start_new_session=True,
        )
        try:
            code = process.wait(limit_s)
        except subprocess.TimeoutExpired as error:
            raise CommandFailed(args, -9, f"ended after its limit of {limit_s:g} s") from error
        finally:
            commands.kill_group(process)
        if code:
            raise CommandFailed(args, code, commands.tail(said))


def _command(settings: Settings) -> list[str]:
    try:
        args = shlex.split(settings.notify_command)
    except ValueError as error:
        raise SettingError(f"VIDLIB_NOTIFY_COMMAND: {error}; expected a program and arguments") from error
    if not args or not which(args[0]):
        found = f"{args[0]!r} is no program that can be run" if args else "it is empty"
        raise SettingError(f"VIDLIB_NOTIFY_COMMAND: {found}; expected a program on the PATH, or its whole path")
    return args


def _post(result: Result, settings: Settings) -> None:
    """Post the result to the webhook; raises httpx.HTTPError, with HTTPStatusError for any answer but 2xx."""
    import httpx

    logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs every address, with the token in it
    document = {"subject": subject_of(result), "text": text_of(result), **result}
    body, headers = json.dumps(document).encode(), {"Content-Type": "application/json"}
    # the body of the answer is not read: it may have no end
    with httpx.stream("POST", _webhook(settings), content=body, headers=headers, timeout=SOCKET_LIMIT_S) as answer:
        if not answer.is_success:
            raise httpx.HTTPStatusError(f"it answered {answer.status_code}", request=answer.request, response=answer)


def _webhook(settings: Settings) -> str:
    value = settings.notify_url.get_secret_value()
    _address("notify_url", value, ("http", "https"))
    return value


def _address(setting: str, value: str, schemes: tuple[str, ...]) -> SplitResult:
    """``value`` taken apart; raises SettingError, which does not show it, for anything but a sound address."""
    try:
        url = urlsplit(value)
        sound = url.scheme in schemes and url.hostname and url.port != 0
    except ValueError:  # a port that is no number, brackets that do not match
        sound = False
    if not sound or not value.isascii() or not value.isprintable() or " " in value:
        expected = f"an address that begins with {' or '.join(f'{scheme}://' for scheme in schemes)} and names a host"
        raise SettingError(f"VIDLIB_{setting.upper()}: expected {expected} (its value is secret and not shown)")
    return url


@dataclass(frozen=True)
class MailServer:
    """Where mail is handed in; ``tls`` from the first byte on, else where the server offers it."""

    host: str
    port: int
    tls: bool
    user: str = ""
    password: str = field(default="", repr=False)

    @property
    def is_this_machine(self) -> bool:
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def context(self) -> ssl.SSLContext:
        """Certificates are verified, except on this machine: nobody stands between, and Debian's are self-signed."""
        context = ssl.create_default_context()
        if self.is_this_machine:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context


def _mail_server(settings: Settings) -> MailServer:
    if not settings.smtp_url:
        raise SettingError("VIDLIB_NOTIFY_EMAIL needs VIDLIB_SMTP_URL: smtp://user:password@host:port, or smtps://")
    url = _address("smtp_url", settings.smtp_url.get_secret_value(), tuple(DEFAULT_PORTS))
    user, password = unquote(url.username or ""), unquote(url.password or "")
    if url.path.strip("/") or url.query or url.fragment:
        raise SettingError(
            "VIDLIB_SMTP_URL: expected nothing after host and port; in a password, / ? # are %2F %3F %23"
        )
    if not (user + password).isascii():
        raise SettingError("VIDLIB_SMTP_URL: expected a user and a password of ASCII characters")
    return MailServer(url.hostname, url.port or DEFAULT_PORTS[url.scheme], url.scheme == "smtps", user, password)


def _sender(settings: Settings) -> str:
    if not settings.smtp_from:
        raise SettingError("VIDLIB_NOTIFY_EMAIL needs VIDLIB_SMTP_FROM: the address that the e-mails come from")
    return _addresses("smtp_from", settings.smtp_from)[0]


def _addresses(setting: str, value: str) -> list[str]:
    found = [address for _, address in email.utils.getaddresses([value])]
    if not (found and value.isprintable() and all(ADDRESS.fullmatch(address) for address in found)):
        raise SettingError(f"VIDLIB_{setting.upper()}={value!r}: expected an e-mail address, as name@host")
    return found


def _mail(result: Result, settings: Settings) -> None:
    """Hand the e-mail in; raises smtplib.SMTPException or OSError where nobody, or not everybody, will get it."""
    server = _mail_server(settings)
    tls = {"context": server.context()} if server.tls else {}
    connect = smtplib.SMTP_SSL if server.tls else smtplib.SMTP
    with connect(server.host, server.port, timeout=SOCKET_LIMIT_S, **tls) as session:
        session.ehlo()
        encrypted = server.tls or session.has_extn("starttls")
        if encrypted and not server.tls:
            session.starttls(context=server.context())
        if server.user:
            if not (encrypted or server.is_this_machine):
                raise SettingError(
                    "the mail server offers no encryption, so the password of VIDLIB_SMTP_URL stays here"
                )
            session.login(server.user, server.password)
        if refused := session.send_message(_letter(result, settings)):
            raise smtplib.SMTPRecipientsRefused(refused)


def _letter(result: Result, settings: Settings) -> EmailMessage:
    letter = EmailMessage()
    letter["Subject"] = subject_of(result)
    letter["From"] = settings.smtp_from
    letter["To"] = ", ".join(_addresses("notify_email", settings.notify_email))
    letter["Date"] = email.utils.localtime()
    letter["Message-ID"] = email.utils.make_msgid(domain=_sender(settings).rpartition("@")[2])
    letter["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday notice answers it
    letter.set_content(text_of(result))
    return letter
