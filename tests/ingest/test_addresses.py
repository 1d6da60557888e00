"""Which addresses are called: public ones, and the very one that was checked."""

import shutil
import ssl
import subprocess
from pathlib import Path

import httpcore
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ingest import faulty_server
from vidlib.errors import Cancelled, DownloadFailed, RefusedInput
from vidlib.ingest import addresses
from vidlib.ingest import web as web_module
from vidlib.ingest.addresses import AddressPolicy, CheckedNetwork, Interrupt, is_public
from vidlib.ingest.web import Web

PUBLIC = "93.184.216.34"


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",  # shared by providers' customers
        "127.0.0.1",
        "127.255.0.1",
        "169.254.169.254",  # where clouds tell secrets
        "172.16.0.1",
        "192.168.1.1",
        "192.0.2.1",  # for documents
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1%eth0",
        "fc00::1",
        "fec0::1",
        "192.0.0.8",
        "192.88.99.1",
        "ff02::1",
        "2001:db8::1",
        "::ffff:127.0.0.1",
        "::ffff:192.168.0.1",
        "::127.0.0.1",
        "64:ff9b::10.0.0.1",
        "64:ff9b:1::10.0.0.1",
        "64:ff9b:1:a00:1::",  # RFC 6052 2.2: 10.0.0.1 after a prefix of 48 bits
        "64:ff9b:1::8.8.8.8",  # no address of the internet, whatever it carries
        "::ffff:0:10.0.0.1",
        "::ffff:0:127.0.0.1",
        "2606:4700::5efe:10.0.0.1",
        "2606:4700::200:5efe:169.254.169.254",
        "100::1",
        "3fff::1",
        "5f00::1",
        "2002:7f00:1::",  # 6to4 of 127.0.0.1
        "2002:c0a8:101::1",
    ],
)
def test_private_addresses_are_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", [PUBLIC, "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"])
def test_public_addresses_are_public(address):
    assert is_public(address)


@given(st.ip_addresses(v=4))
def test_an_address_is_no_more_public_for_being_wrapped(address):
    packed = address.packed.hex()
    for wrapped in (f"::ffff:{address}", f"64:ff9b::{address}", f"2002:{packed[:4]}:{packed[4:]}::1"):
        assert is_public(str(address)) or not is_public(wrapped)


class Calls(httpcore.NetworkBackend):
    """Writes down who is called, and lets nobody answer."""

    def __init__(self) -> None:
        self.called: list[tuple[str, int]] = []

    def connect_tcp(self, host, port, *args, **kwargs):
        self.called.append((host, port))
        raise httpcore.ConnectError("nobody is there")


def test_the_address_that_was_checked_is_the_one_that_is_called():
    """The name leads somewhere else on every look-up, as that of an attacker does."""
    answers = iter([[PUBLIC], ["127.0.0.1"]])
    calls = Calls()
    network = CheckedNetwork(AddressPolicy(resolve=lambda host, port: next(answers)), Interrupt(), calls)
    with pytest.raises(httpcore.ConnectError, match="nobody"):
        network.connect_tcp("rebinding.example", 443)
    assert calls.called == [(PUBLIC, 443)]
    with pytest.raises(RefusedInput, match=r"rebinding\.example is 127\.0\.0\.1, an address of a private network"):
        network.connect_tcp("rebinding.example", 443)
    assert calls.called == [(PUBLIC, 443)]


def test_the_public_ones_of_several_addresses_are_tried_in_order():
    calls = Calls()
    found = ["10.0.0.1", PUBLIC, "::1", "1.1.1.1"]
    network = CheckedNetwork(AddressPolicy(resolve=lambda host, port: found), Interrupt(), calls)
    with pytest.raises(httpcore.ConnectError):
        network.connect_tcp("mixed.example", 80)
    assert [host for host, _ in calls.called] == [PUBLIC, "1.1.1.1"]


def test_a_host_that_is_trusted_may_lie_anywhere_and_no_other():
    policy = AddressPolicy(frozenset({"nas.example"}), lambda host, port: ["10.0.0.7"])
    assert policy.allowed_addresses("NAS.example", 80) == ["10.0.0.7"]
    with pytest.raises(RefusedInput, match="VIDLIB_ALLOW_PRIVATE_HOSTS"):
        policy.allowed_addresses("other.example", 80)


def test_a_name_that_does_not_exist_is_a_failure_that_may_pass():
    def unknown(host, port):
        raise OSError(-2, "Name or service not known")

    with (
        Web(AddressPolicy(resolve=unknown)) as web,
        pytest.raises(DownloadFailed, match=r"nowhere\.example is not known: Name or service") as raised,
        web.answer("https://nowhere.example/a"),
    ):
        pass
    assert raised.value.retryable


def test_the_name_stays_in_the_host_header():
    policy = AddressPolicy(frozenset({"films.example"}), lambda host, port: [faulty_server.HOST])
    with faulty_server.running() as server, Web(policy) as web:
        server.page("/a", lambda request: request.answer(body=b"{}"))
        assert web.json(f"http://films.example:{server.port}/a") == {}
        assert server.asked[0].headers["host"] == f"films.example:{server.port}"


def test_the_name_stays_in_the_tls_handshake():
    asked = []

    class Hello(httpcore.NetworkStream):
        def start_tls(self, ssl_context, server_hostname=None, timeout=None):
            asked.append((server_hostname, ssl_context.verify_mode, ssl_context.check_hostname))
            raise httpcore.ConnectError("that is enough")

        def close(self):
            pass

    class Network(Calls):
        def connect_tcp(self, host, port, *args, **kwargs):
            self.called.append((host, port))
            return Hello()

    network = CheckedNetwork(AddressPolicy(resolve=lambda host, port: [PUBLIC]), Interrupt(), Network())
    pool = httpcore.ConnectionPool(ssl_context=httpx.create_ssl_context(trust_env=False), network_backend=network)
    with pool, pytest.raises(httpcore.ConnectError, match="enough"):
        pool.request("GET", "https://films.example/a")
    assert network.inner.called == [(PUBLIC, 443)]
    assert asked == [("films.example", ssl.CERT_REQUIRED, True)]


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate of films.example that signs itself, with its key in the same file."""
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed: apt-get install openssl")
    file = tmp_path / "films.pem"
    subject = ["-subj", "/CN=films.example", "-addext", "subjectAltName=DNS:films.example", "-days", "2"]
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        *subject,
        "-keyout",
        file,
        "-out",
        "/dev/stdout",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    file.write_text(file.read_text() + done.stdout)
    return file


def pausing(request: faulty_server.Request) -> None:
    """A document that comes in pieces, with longer pauses than a connection listens at a time."""
    request.head("200 OK", content_length=2)
    for piece in (b"[", b"]"):
        request.closing.wait(0.1)
        request.send(piece)


def test_an_encrypted_connection_is_to_the_name_and_survives_pauses(certificate, monkeypatch):
    monkeypatch.setattr(addresses, "LISTEN_S", 0.01)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    asked = []
    context.sni_callback = lambda connection, name, _: asked.append(name)
    policy = AddressPolicy(frozenset({"films.example", "other.example"}), lambda host, port: [faulty_server.HOST])
    with faulty_server.running(context) as server:
        server.page("/a", pausing)
        with Web(policy) as web, pytest.raises(DownloadFailed, match="CERTIFICATE_VERIFY_FAILED") as raised:
            web.json(f"https://films.example:{server.port}/a")
        assert not raised.value.retryable
        monkeypatch.setattr(web_module, "_tls_context", lambda: ssl.create_default_context(cafile=certificate))
        with Web(policy) as web:
            assert web.json(f"https://films.example:{server.port}/a") == []
        with Web(policy) as web, pytest.raises(DownloadFailed, match="CERTIFICATE_VERIFY_FAILED"):
            web.json(f"https://other.example:{server.port}/a")
    assert asked == ["films.example", "films.example", "other.example"]


def test_proxies_of_the_environment_are_not_used(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    policy = AddressPolicy(frozenset({faulty_server.HOST}))
    with faulty_server.running() as server, Web(policy) as web:
        assert web.json(server.page("/a", lambda request: request.answer(body=b"[]"))) == []


def test_sockets_of_this_machine_are_not_called(tmp_path: Path):
    with pytest.raises(RefusedInput, match="never use sockets of this machine"):
        CheckedNetwork(AddressPolicy(), Interrupt()).connect_unix_socket(str(tmp_path / "socket"))


def test_a_connection_that_is_not_wanted_any_more_ends():
    def stop():
        raise Cancelled("enough")

    network = CheckedNetwork(AddressPolicy(resolve=lambda host, port: [PUBLIC]), Interrupt(stop), Calls())
    with pytest.raises(Cancelled):
        network.connect_tcp("films.example", 443)
    assert network.inner.called == []
