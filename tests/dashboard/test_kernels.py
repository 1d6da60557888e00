"""The kernels behind the pages, without starting any."""

import asyncio
import os
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import nbformat
import pytest

from vidlib.dashboard import access, kernels
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
