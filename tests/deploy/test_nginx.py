"""The dashboard behind nginx: a real one with the configuration that is shipped, a real dashboard behind it."""

import re
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.waiting import LIMIT_S, wait_until
from vidlib.settings import REPOSITORY

CONFIGURATION = (REPOSITORY / "deploy" / "nginx" / "vidlib.conf").read_text()
TOKEN = "a-token-of-the-operators-own"
WHOLE = """
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{}}
http {{
    {temporary}
    include {folder}/vidlib.conf;
}}
"""
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}

pytestmark = pytest.mark.skipif(not shutil.which("nginx"), reason="nginx is not here: apt-get install nginx-light")


@dataclass(frozen=True)
class Proxy:
    """nginx on free ports: its folder, with logs and certificate, and its two addresses."""

    folder: Path
    http: str
    https: str

    def client(self) -> httpx.Client:
        trusted = ssl.create_default_context(cafile=self.folder / "fullchain.pem")
        return httpx.Client(base_url=self.https, verify=trusted, timeout=LIMIT_S)

    def logged(self) -> str:
        return "".join(path.read_text() for path in self.folder.glob("*.log"))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def install(folder: Path, upstream: int) -> Proxy:
    """Write the shipped configuration into ``folder`` with other ports, places and host, and a certificate."""
    folder.mkdir()
    plain, secure = free_port(), free_port()
    moved = {
        r"listen \[::\].*\n": "\n",
        r"listen 80;": f"listen 127.0.0.1:{plain};",
        r"listen 443 ssl;": f"listen 127.0.0.1:{secure} ssl;",
        r"127\.0\.0\.1:8866": f"127.0.0.1:{upstream}",
        r"/etc/ssl/vidlib|/var/log/nginx": str(folder),
        r"vidlib\.example\.org": "localhost",
    }
    text = CONFIGURATION
    for old, new in moved.items():
        text, n = re.subn(old, new, text)
        assert n, old
    (folder / "vidlib.conf").write_text(text)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    (folder / "nginx.conf").write_text(WHOLE.format(folder=folder, temporary=temporary))
    key = ["-newkey", "rsa:2048", "-nodes", "-keyout", folder / "privkey.pem", "-out", folder / "fullchain.pem"]
    name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "1"]
    subprocess.run(["openssl", "req", "-x509", *key, *name], capture_output=True, check=True)
    return Proxy(folder, f"http://localhost:{plain}/", f"https://localhost:{secure}/")


def nginx(proxy: Proxy, *options: str) -> list[str]:
    return ["nginx", "-p", str(proxy.folder), "-c", str(proxy.folder / "nginx.conf"), *options]


def serving(proxy: Proxy) -> Iterator[Proxy]:
    with subprocess.Popen(nginx(proxy, "-g", "daemon off;"), stderr=subprocess.DEVNULL) as server:
        wait_until(lambda: listens(httpx.URL(proxy.https).port))
        yield proxy
        server.terminate()


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """nginx in front of a dashboard with a token of the operators' own."""
    place = tmp_path_factory.mktemp("proxy")
    command = [sys.executable, "-m", "vidlib", "dashboard", "--workspace", place / "workspace", "--port", "0"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIDLIB_DASHBOARD_TOKEN", TOKEN)
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    with server:
        address = next(line for line in server.stdout if "http" in line).split()[0]
        yield from serving(install(place / "nginx", httpx.URL(address).port))
        server.terminate()


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Proxy]:
    """nginx whose dashboard is not running."""
    yield from serving(install(tmp_path / "nginx", free_port()))


@pytest.fixture
def operator(proxy: Proxy) -> Iterator[httpx.Client]:
    """Somebody who signed in with the form."""
    with proxy.client() as client:
        client.get("login")
        answer = client.post("login", data={"password": TOKEN, "_xsrf": client.cookies["_xsrf"]})
        assert (answer.status_code, answer.headers["location"]) == (302, "/")
        yield client


def test_nginx_finds_nothing_wrong(tmp_path):
    proxy = install(tmp_path / "nginx", free_port())
    done = subprocess.run(nginx(proxy, "-t"), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "warn" not in done.stderr


def test_a_plain_connection_becomes_a_secure_one_without_the_token(proxy):
    answer = httpx.get(f"{proxy.http}?token={TOKEN}")
    assert (answer.status_code, answer.headers["location"]) == (301, "https://localhost/")


def test_a_stranger_sees_the_form(proxy):
    with proxy.client() as stranger:
        answer = stranger.get("")
        assert (answer.status_code, answer.headers["location"]) == (302, "/login?next=%2F")
        assert answer.headers["strict-transport-security"]


def test_the_cookie_of_an_operator_is_only_sent_over_tls(operator):
    assert operator.cookies
    assert all(cookie.secure for cookie in operator.cookies.jar)


def test_a_page_reaches_its_kernel_through_a_websocket(proxy, operator):
    page = operator.get("")
    assert page.status_code == 200
    kernel = re.search(r'"kernel":\s*"([0-9a-f-]{36})"', page.text)[1]
    channels = f"api/kernels/{kernel}/channels"
    own = UPGRADE | {"Origin": proxy.https.rstrip("/")}
    foreign = UPGRADE | {"Origin": "https://elsewhere.example.org"}
    with operator.stream("GET", channels, headers=own) as answer:
        assert answer.status_code == 101
    assert operator.get(channels, headers=foreign).status_code in (403, 404)
    with proxy.client() as stranger:
        assert stranger.get(channels, headers=own).status_code == 403


def test_the_token_is_in_no_log(proxy):
    with proxy.client() as client:
        assert client.get("", params={"token": TOKEN}, headers={"Referer": f"/?token={TOKEN}"}).status_code == 302
    wait_until(lambda: '"GET / HTTP/1.1" 302' in proxy.logged())
    assert TOKEN not in proxy.logged()


def test_the_token_is_in_no_log_when_the_dashboard_is_down(alone):
    with alone.client() as client:
        assert client.get("", params={"token": TOKEN}).status_code == 502
    wait_until(lambda: '"GET / HTTP/1.1" 502' in alone.logged())
    assert TOKEN not in alone.logged()


def test_who_guesses_tokens_is_slowed_down(alone):
    with alone.client() as client:
        assert [client.post("login").status_code for _ in range(30)][-1] == 429
