"""PostgreSQL for the tests: the server that VIDLIB_TEST_DATABASE_URL names, else a private one on this machine.

The private one has a folder of its own and is reached through a socket there, no TCP port.
"""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from sqlalchemy import URL, make_url

from tests.waiting import wait_until

NAMED = "VIDLIB_TEST_DATABASE_URL"
DEBIAN = Path("/usr/lib/postgresql")
USERS = ("postgres", "nobody")
"""Who the server runs as where the tests run as root, which it refuses; the first that exists."""

FOR_TESTS = ("fsync=off", "listen_addresses=", "max_connections=200")


class NoServer(Exception):
    """There is no PostgreSQL to be had here; says what is missing."""


@contextmanager
def server() -> Iterator[URL]:
    """A database in which we may make tables; raises NoServer."""
    if named := os.environ.get(NAMED):
        yield make_url(named).set(drivername="postgresql")
        return
    programs, user = _programs(), _user()
    folder = Path(tempfile.mkdtemp(prefix="vidlib-postgresql-"))  # the path of a socket has to be short
    try:
        if user:
            shutil.chown(folder, user)
        with _running(programs, folder, {"user": user, "extra_groups": []} if user else {}):
            yield URL.create("postgresql", username="vidlib", database="postgres", query={"host": str(folder)})
    finally:
        shutil.rmtree(folder)


@contextmanager
def schema(server: URL) -> Iterator[str]:
    """The address of an empty place for tables in a database of ``server``, removed afterwards."""
    name = f"vidlib_test_{secrets.token_hex(6)}"
    _order(server, f"CREATE SCHEMA {name}")
    try:
        yield server.update_query_dict({"options": f"-csearch_path={name}"}).render_as_string(hide_password=False)
    finally:
        _order(server, f"DROP SCHEMA {name} CASCADE")


def _programs() -> Path:
    """The folder that holds initdb and postgres."""
    found = [Path(path).resolve().parent for path in [shutil.which("postgres")] if path]
    found += sorted(DEBIAN.glob("*/bin"), key=lambda folder: int(folder.parent.name), reverse=True)
    for folder in found:
        if (folder / "postgres").exists() and (folder / "initdb").exists():
            return folder
    raise NoServer(
        f"no PostgreSQL: there is no `postgres` on the PATH or in {DEBIAN}; install Debian's package `postgresql`, or "
        f"name a server in {NAMED}"
    )


def _user() -> str | None:
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    for name in USERS:
        if name in known:
            return name
    raise NoServer(f"no PostgreSQL: it does not run as root, and there is no user {' or '.join(USERS)} to run it as")


@contextmanager
def _running(programs: Path, folder: Path, who: dict) -> Iterator[None]:
    make = [programs / "initdb", "--pgdata", folder / "data", "--username", "vidlib", "--auth", "trust"]
    options = ["--no-locale", "--encoding", "UTF8", "--no-sync"]
    made = subprocess.run([*make, *options], capture_output=True, text=True, cwd=folder, **who)
    assert made.returncode == 0, made.stderr
    begin = [programs / "postgres", "-D", folder / "data", "-k", folder]
    settings = [word for setting in FOR_TESTS for word in ("-c", setting)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([*begin, *settings], stdout=log, stderr=log, cwd=folder, **who)
    try:
        wait_until(lambda: process.poll() is not None or "ready" in (folder / "log").read_text())
        assert process.poll() is None, (folder / "log").read_text()
        yield
    finally:
        process.send_signal(signal.SIGINT)  # "fast": it does not wait for those that are connected
        process.wait()


def _order(server: URL, order: str) -> None:
    with psycopg.connect(server.render_as_string(hide_password=False), autocommit=True) as connection:
        connection.execute(order)
