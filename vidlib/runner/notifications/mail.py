"""Notification by e-mail through the mail server of VIDLIB_SMTP_URL."""

import email.utils
import ipaddress
import re
import smtplib
import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from urllib.parse import unquote

from vidlib.errors import SettingError
from vidlib.runner.notifications import message, secret_urls
from vidlib.runner.notifications.message import Payload
from vidlib.settings import Settings
from vidlib.text import printable

SOCKET_LIMIT_S = 20.0
"""A connection ends after this many seconds without a byte from the server."""

DEFAULT_PORTS = {"smtp": 25, "smtps": 465}
ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")


@dataclass(frozen=True)
class MailServer:
    """A mail server; with ``tls`` the connection is encrypted from its first byte, else if the server offers it."""

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
        """Return a TLS context that verifies certificates.

        It does not verify those of this machine: nobody can intercept there, and Debian's are self-signed.
        """
        context = ssl.create_default_context()
        if self.is_this_machine:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context

    def connect(self) -> smtplib.SMTP:
        """Open a connection, encrypt it where the server can, and log in.

        Raises smtplib.SMTPException or OSError, and SettingError if the password would travel unencrypted.
        """
        session = self._open()
        try:
            session.ehlo()
            encrypted = self.tls or session.has_extn("starttls")
            if encrypted and not self.tls:
                session.starttls(context=self.context())
            if self.user:
                if not (encrypted or self.is_this_machine):
                    raise SettingError(
                        "the mail server offers no encryption, so the password of VIDLIB_SMTP_URL was not sent"
                    )
                session.login(self.user, self.password)
        except BaseException:
            session.close()
            raise
        return session

    def _open(self) -> smtplib.SMTP:
        if self.tls:
            return smtplib.SMTP_SSL(self.host, self.port, timeout=SOCKET_LIMIT_S, context=self.context())
        return smtplib.SMTP(self.host, self.port, timeout=SOCKET_LIMIT_S)


def check(settings: Settings) -> None:
    """Raise SettingError unless recipients, mail server and sender are set and well-formed; no server is contacted."""
    _addresses("notify_email", settings.notify_email)
    _mail_server(settings)
    _sender(settings)


def send(payload: Payload, settings: Settings) -> None:
    """Send the e-mail; raises smtplib.SMTPException or OSError unless every recipient is accepted."""
    letter = _letter(payload, settings)
    with _mail_server(settings).connect() as session:
        if refused := session.send_message(letter):
            raise smtplib.SMTPRecipientsRefused(refused)


def is_retryable(error: BaseException) -> bool:
    """Return whether another attempt may succeed a little later."""
    match error:
        case smtplib.SMTPResponseException():
            return 400 <= error.smtp_code < 500 or isinstance(error, smtplib.SMTPConnectError)
        case smtplib.SMTPServerDisconnected():
            return True
        case smtplib.SMTPException() | ssl.SSLCertVerificationError():
            return False
    return isinstance(error, OSError)


def explain(error: Exception) -> str | None:
    """Return the reason of an error without the password, or None for an error of another kind."""
    match error:
        case smtplib.SMTPAuthenticationError():  # its text may repeat the password
            return f"the mail server refused the user or the password of VIDLIB_SMTP_URL ({error.smtp_code})"
        case smtplib.SMTPRecipientsRefused():
            return f"the mail server refused {', '.join(error.recipients)}"
        case smtplib.SMTPResponseException():
            return f"the mail server answered {error.smtp_code} {printable(error.smtp_error, ' ')}"
    return None


def _mail_server(settings: Settings) -> MailServer:
    if not settings.smtp_url:
        raise SettingError("VIDLIB_NOTIFY_EMAIL needs VIDLIB_SMTP_URL: smtp://user:password@host:port, or smtps://")
    url = secret_urls.parse("smtp_url", settings.smtp_url.get_secret_value(), tuple(DEFAULT_PORTS))
    user, password = unquote(url.username or ""), unquote(url.password or "")
    if url.path.strip("/") or url.query or url.fragment:
        raise SettingError(
            "VIDLIB_SMTP_URL: expected nothing after host and port; write / ? # in a password as %2F %3F %23"
        )
    if not (user + password).isascii():
        raise SettingError("VIDLIB_SMTP_URL: expected a user and a password of ASCII characters")
    port = url.port or DEFAULT_PORTS[url.scheme]
    return MailServer(url.hostname or "", port, url.scheme == "smtps", user, password)


def _sender(settings: Settings) -> str:
    if not settings.smtp_from:
        raise SettingError("VIDLIB_NOTIFY_EMAIL needs VIDLIB_SMTP_FROM: the address that the e-mails come from")
    return _addresses("smtp_from", settings.smtp_from)[0]


def _addresses(setting: str, value: str | None) -> list[str]:
    value = value or ""
    addresses = [address for _, address in email.utils.getaddresses([value])]
    if not (addresses and value.isprintable() and all(ADDRESS.fullmatch(address) for address in addresses)):
        raise SettingError(f"VIDLIB_{setting.upper()}={value!r}: expected an e-mail address such as name@host")
    return addresses


def _letter(payload: Payload, settings: Settings) -> EmailMessage:
    letter = EmailMessage()
    letter["Subject"] = message.subject(payload)
    letter["From"] = settings.smtp_from
    letter["To"] = ", ".join(_addresses("notify_email", settings.notify_email))
    letter["Date"] = email.utils.localtime()
    letter["Message-ID"] = email.utils.make_msgid(domain=_sender(settings).rpartition("@")[2])
    letter["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office notice answers it
    letter.set_content(message.text(payload))
    return letter
