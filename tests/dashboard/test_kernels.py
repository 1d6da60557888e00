"""The kernels behind the pages, without starting any."""

import asyncio
import os
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import nbformat
import pytest

from vidlib.dashboard import access, kernels
from vidlib.dashboard.connection import PROTOCOL, Connection
from vidlib.dashboard.kernels import LEFT_S, UNOPENED_S, Kernels, identify
from vidlib.setting_types import Account


def test_the_notebook_tells_its_kernel_who_opened_the_page(monkeypatch):
    monkeypatch.setattr(access, "current_account", lambda: Account("marc 'x", "viewer", "hush"))
    notebook = identify(None, nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("open_page()")]), "")
    first, second = notebook.cells
    assert second.source == "open_page()"
    assert "hush" not in first.source
    for name in ("REMOTE_ROLE", "REMOTE_USER", "VIDLIB_OPERATOR"):
        monkeypatch.setenv(name, "")
    exec(first.source, {})  # as the kernel does
    assert (os.environ["REMOTE_ROLE"], os.environ["REMOTE_USER"]) == ("viewer", "marc 'x")


@pytest.mark.parametrize(
    ("protocol", "message", "is_passed_on"),
    [
        (PROTOCOL, (2).to_bytes(8, "little") + bytes(20), True),
        (PROTOCOL, b"\xff" * 40, False),  # claims 2^64 - 1 offsets
        (None, b"\x7f" * 40, False),
        (None, "{}", False),
    ],
    ids=["page", "too many offsets", "older protocol", "older text"],
)
def test_a_message_that_no_page_sends_closes_its_connection(monkeypatch, protocol, message, is_passed_on):
    passed_on, closed = [], []
    handler = SimpleNamespace(selected_subprotocol=protocol, close=lambda *why: closed.append(why))
    monkeypatch.setattr(Connection, "websocket_handler", handler)
    monkeypatch.setattr(Connection.__base__, "handle_incoming_message", lambda _, found: passed_on.append(found))
    Connection.__new__(Connection).handle_incoming_message(message)
    assert (passed_on, len(closed)) == (([message], 0) if is_passed_on else ([], 1))


@pytest.mark.parametrize(
    ("seen", "connections", "idle_s", "ends"),
    [
        ({"opened": True, "connected": True}, 0, LEFT_S + 1, True),
        ({"opened": True, "connected": True}, 0, LEFT_S - 1, False),
        ({"opened": True, "connected": True}, 1, 3600, False),
        ({"opened": True}, 0, LEFT_S + 1, False),  # its page is still loading
        ({"opened": True}, 0, UNOPENED_S + 1, True),
        ({}, 0, 3600, False),  # the spare one
    ],
)
def test_a_kernel_ends_soon_after_its_page(monkeypatch, seen, connections, idle_s, ends):
    manager, ended = Kernels(), []

    async def shutdown(kernel_id: str) -> None:
        ended.append(kernel_id)

    monkeypatch.setattr(manager, "shutdown_kernel", shutdown)
    last = datetime.now(UTC) - timedelta(seconds=idle_s)
    manager._kernels["k"] = SimpleNamespace(last_activity=last, **seen)
    manager._kernel_connections["k"] = connections
    asyncio.run(manager.cull_kernel_if_idle("k"))
    assert ended == (["k"] if ends else [])
    manager._kernels.clear()
    assert kernels.LEFT_S + 2 * kernels.LOOK_EVERY_S < 15
