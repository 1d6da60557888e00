"""The kernels behind the pages of the dashboard: one for each open page, and a spare one that is warm already."""

import asyncio
import os
from contextlib import suppress
from datetime import UTC, datetime
from functools import cached_property
from typing import IO, Any

import nbformat
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager

from vidlib.dashboard import access
from vidlib.settings import settings

LEFT_S = 8
"""Seconds that a kernel outlives a page that vanished without a word, for instance because the network failed."""

UNOPENED_S = 60
"""Seconds in which a page has to connect after its kernel began; a busy machine needs some."""

LOOK_EVERY_S = 3

LOG_NAME = "dashboard-kernels.log"

WARM_UP = "import vidlib.dashboard.window"
"""What the spare kernel does ahead: it imports the libraries, which takes longer than all the rest."""


class Kernels(AsyncMappingKernelManager):
    """Gives a page the spare kernel, and starts the next one. A kernel knows who opened its page."""

    def __init__(self, **options: Any):
        super().__init__(**options)
        self._spare: asyncio.Task[str] | None = None
        self._ending: set[asyncio.Task] = set()

    @cached_property
    def _log(self) -> IO[str]:
        """The file for what the kernels write to stderr: one that is stopped as it starts leaves a traceback there."""
        folder = settings().workspace / "logs"
        folder.mkdir(parents=True, exist_ok=True)
        log = open(folder / LOG_NAME, "a", encoding="utf-8")  # noqa: SIM115 # as long as the server runs
        log.truncate(0)
        return log

    async def start_kernel(self, *, env: dict[str, str] | None = None, **options: Any) -> str:  # type: ignore[override]
        options |= {"env": env or dict(os.environ), "stderr": self._log}
        kernel_id = await self._take_spare() or await super().start_kernel(**options)
        kernel = self.get_kernel(kernel_id)
        kernel.account = access.current_account()  # type: ignore[attr-defined] # `Roles` reads it
        kernel.sign_in = access.current_sign_in()  # type: ignore[attr-defined]
        kernel.opened, kernel.last_activity = True, datetime.now(UTC)  # type: ignore[attr-defined]
        self.prepare_spare(options.get("kernel_name"))
        return kernel_id

    def prepare_spare(self, kernel_name: str | None = None) -> None:
        """Start a kernel ahead for the next page."""
        if self._spare is None:
            self._spare = asyncio.ensure_future(self._start_spare(kernel_name))

    async def _start_spare(self, kernel_name: str | None) -> str:
        arguments = [f"--IPKernelApp.exec_lines=['{WARM_UP}']"]
        options: dict[str, Any] = {"env": dict(os.environ), "extra_arguments": arguments, "stderr": self._log}
        return await super().start_kernel(kernel_name=kernel_name, **options)

    async def _take_spare(self) -> str | None:
        """The spare kernel, unless it is still starting, failed to start or died."""
        spare, self._spare = self._spare, None
        with suppress(Exception):
            if spare is not None and await self.is_alive(kernel_id := await spare):
                return kernel_id
        return None

    def end_pages(self, sign_in: str) -> None:
        """End the kernels of the pages that were opened with this sign-in, because it is over."""
        for kernel_id, kernel in list(self._kernels.items()):
            if getattr(kernel, "sign_in", None) == sign_in:
                ending = asyncio.ensure_future(self.shutdown_kernel(kernel_id))
                self._ending.add(ending)
                ending.add_done_callback(self._ending.discard)

    def track_message_type(self, message_type: str) -> bool:
        return False  # output of the page is no activity of a person

    def notify_connect(self, kernel_id: str) -> None:
        super().notify_connect(kernel_id)
        if kernel := self._kernels.get(kernel_id):
            kernel.connected = True

    def notify_disconnect(self, kernel_id: str) -> None:
        super().notify_disconnect(kernel_id)
        if kernel := self._kernels.get(kernel_id):
            kernel.last_activity = datetime.now(UTC)

    async def cull_kernel_if_idle(self, kernel_id: str) -> None:
        """End a kernel whose page is gone. The spare one has had none yet."""
        kernel = self._kernels[kernel_id]
        if not getattr(kernel, "opened", False):
            return
        if self._kernel_connections.get(kernel_id, 0) == 0:
            idle_s = (datetime.now(UTC) - kernel.last_activity).total_seconds()
            if idle_s > (LEFT_S if getattr(kernel, "connected", False) else UNOPENED_S):
                await self.shutdown_kernel(kernel_id)


def identify(handler: JupyterHandler, notebook: nbformat.NotebookNode, cwd: str) -> nbformat.NotebookNode:
    """Let the notebook begin by telling its kernel who opened the page: a spare kernel began before anybody did."""
    variables = access.kernel_variables(access.current_account())
    notebook.cells.insert(0, nbformat.v4.new_code_cell(f"import os; os.environ.update({variables!r})"))
    return notebook
