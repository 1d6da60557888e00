"""Notification by e-mail, with a mail server of this test: encryption, certificates and passwords."""

import ssl
from pathlib import Path

import pytest

from tests.runner.notifications.runs import PARTIAL, result, video
from tests.runner.notifications.servers import MailBox, by_mail, listener, mail_server
from vidlib.runner.notifications import notify
from vidlib.runner.notifications.message import subject, text

LOOKS_REMOTE = "127.1"
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


SIGNED_IN = "some%40body:s3cret%2F%40@"


def test_an_e_mail_goes_to_every_recipient():
    with mail_server() as box:
        assert notify(PARTIAL, by_mail(box)) == []
    ((envelope, letter),) = box.letters
    assert letter["Subject"] == subject(PARTIAL)
    assert letter["From"] == "vidlib <vidlib@example.org>"
    assert envelope.mail_from == "vidlib@example.org"
    assert envelope.rcpt_tos == ["night@example.org", "chief@example.org"]
    assert letter.get_content().splitlines() == text(PARTIAL).splitlines()
    assert letter["Date"].datetime.tzinfo is not None
    assert letter["Message-ID"].endswith("@example.org>")


def test_names_in_every_script_arrive_by_mail():
    with mail_server() as box:
        assert notify(result("failed", video("/in/映画 für Zoë.mp4", "failed")), by_mail(box)) == []
    assert "/in/映画 für Zoë.mp4" in box.letters[0][1].get_content()


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_the_password_goes_over_tls_where_the_server_has_it(scheme, tls):
    with mail_server(tls, smtps=scheme == "smtps") as box:
        assert notify(PARTIAL, by_mail(box, scheme=scheme, user=SIGNED_IN)) == []
    assert [(user, password) for user, password, _ in box.signed_in] == [("some@body", "s3cret/@")]
    assert scheme == "smtps" or box.signed_in[0][2]
    assert len(box.letters) == 1


def test_another_machine_must_show_a_certificate_that_is_trusted(tls, certificate, monkeypatch):
    with mail_server(tls) as box:
        settings = by_mail(box, user=SIGNED_IN, host=LOOKS_REMOTE)
        (problem,) = notify(PARTIAL, settings)
        assert "certificate verify failed" in problem
        assert box.signed_in == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert notify(PARTIAL, settings) == []
    assert len(box.letters) == 1


def test_a_password_does_not_travel_in_the_clear_to_another_machine():
    with mail_server() as box:
        (problem,) = notify(PARTIAL, by_mail(box, user=SIGNED_IN, host=LOOKS_REMOTE))
        assert "no encryption" in problem
        assert "s3cret" not in problem
        assert box.signed_in == []
        assert notify(PARTIAL, by_mail(box, user=SIGNED_IN)) == []  # here, nobody can listen


def test_a_wrong_password_is_not_shown():
    with mail_server() as box:
        (problem,) = notify(PARTIAL, by_mail(box, user="somebody:wr0ng@"))
    assert "refused the user or the password of VIDLIB_SMTP_URL (535)" in problem
    assert "wr0ng" not in problem


def test_a_password_that_the_server_repeats_is_redacted():
    with mail_server() as box:
        box.answers.append("554 I remember that you said s3cret/@ to me")
        (problem,) = notify(PARTIAL, by_mail(box, user=SIGNED_IN))
    assert problem.endswith("the mail server answered 554 I remember that you said *** to me")


def test_a_busy_mail_server_is_asked_again():
    pauses: list[float] = []
    with mail_server() as box:
        box.answers.append("451 greylisted, come again")
        assert notify(PARTIAL, by_mail(box), pause=pauses.append) == []
    assert (len(box.letters), pauses) == (1, [2])


def test_a_refused_recipient_is_named():
    with mail_server() as box:
        box.refuse = "night@example.org"
        (problem,) = notify(PARTIAL, by_mail(box))
    assert "the mail server refused night@example.org" in problem
    assert box.letters[0][0].rcpt_tos == ["chief@example.org"]


def test_an_unreachable_mail_server_is_one_line():
    with listener() as closed:
        box = MailBox(closed.getsockname()[1])
    (problem,) = notify(PARTIAL, by_mail(box), pause=lambda seconds: None)
    assert problem == "notification by e-mail failed: [Errno 111] Connection refused"
