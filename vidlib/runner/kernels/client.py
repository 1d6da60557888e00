"""Runs one notebook for Papermill in a warm kernel; the output file is complete at every moment of the run."""

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import Empty
from typing import Any

import nbformat
from jupyter_core.utils import run_sync
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NotebookExecutionManager
from papermill.iorw import LocalHandler, papermill_io
from papermill.log import logger

from vidlib.errors import UsageError, WorkerLost, did_you_mean
from vidlib.runner.kernels.launcher import KERNEL_MAIN, Kernel, channels_to
from vidlib.runner.kernels.pool import default_pool

SAVE_EVERY_S = 1.0
"""Shortest time between two writes of a notebook, in seconds."""

HEARD_S = 0.2
"""Seconds after which a kernel that did not answer is asked again."""

KERNEL_NAMES = ("python3", "vidlib")
"""Names of kernels that mean this interpreter."""

CLIENT_OPTIONS = frozenset(
    {
        *("log_output", "stdout_file", "stderr_file"),
        *("allow_errors", "allow_error_names", "force_raise_errors", "skip_cells_with_tag", "record_timing"),
        *("iopub_timeout", "raise_on_iopub_timeout", "interrupt_on_timeout", "error_on_timeout", "timeout_func"),
    }
)
"""Options of Papermill and nbclient that are passed on as they are."""


def execute(
    nb_man: NotebookExecutionManager,
    kernel_name: str,
    *,
    kernel: Kernel | None = None,
    cores: list[int] | None = None,
    start_timeout: float | None = None,
    execution_timeout: float | None = None,
    timeout: float | None = None,
    input_path: str | None = None,
    **options: Any,
) -> None:
    """Run the notebook of ``nb_man`` in ``kernel`` (default: the one of `default_pool`) on ``cores`` (default: all).

    ``start_timeout`` is the longest wait for a kernel and ``execution_timeout``, or ``timeout``, that for a cell, in
    seconds. ``input_path`` is not needed; `CLIENT_OPTIONS` are nbclient's. Raises UsageError for any other option, and
    for a ``kernel_name`` that is not in `KERNEL_NAMES`.
    """
    _check_supported(kernel_name, options)
    if kernel is None:
        with default_pool().acquire(timeout_s=start_timeout) as acquired:
            return execute(
                nb_man, kernel_name, kernel=acquired, cores=cores, timeout=execution_timeout or timeout, **options
            )
    save = _save_atomically(nb_man)
    client = WarmKernelClient(
        nb_man,
        km=kernel.manager,
        cores=cores or sorted(os.sched_getaffinity(0)),
        timeout=execution_timeout or timeout,
        log=logger,
        **options,
    )
    try:
        client.execute()
        kernel.failed |= bool(nb_man.nb.metadata.papermill["exception"])
    except BaseException:
        kernel.failed = True
        with suppress(OSError):  # the error above is the one to report, not a full disk
            save()
        raise
    return None


def _check_supported(kernel_name: str, options: dict[str, Any]) -> None:
    if kernel_name not in KERNEL_NAMES:
        raise UsageError(
            f"engine 'vidlib' cannot run kernel {kernel_name!r}; expected {' or '.join(KERNEL_NAMES)}: "
            "leave out --engine vidlib, or choose the kernel with --kernel python3"
        )
    for name in options.keys() - CLIENT_OPTIONS:
        raise UsageError(
            f"engine 'vidlib' does not support the option {name!r};{did_you_mean(name, CLIENT_OPTIONS)} leave it out"
        )


def _save_atomically(nb_man: NotebookExecutionManager) -> Callable[[], None]:
    """Make ``nb_man`` write its file atomically, and at most every `SAVE_EVERY_S`; returns a save without delay.

    Papermill writes the whole notebook before and after each cell, which takes 0.2 s of a step.
    """
    path = _local_path(nb_man.output_path)
    save_with_papermill = nb_man.save

    def save() -> None:
        if path is None:
            save_with_papermill()
            return
        _replace(path, nbformat.writes(nb_man.nb))
        nb_man.last_save_time = nb_man.now()

    def save_if_due(nb: nbformat.NotebookNode | None = None, **_: Any) -> None:
        nb_man.nb = nb or nb_man.nb
        if (nb_man.now() - nb_man.last_save_time).total_seconds() >= SAVE_EVERY_S:
            save()

    nb_man.save = save_if_due
    return save


def _local_path(output_path: str | None) -> Path | None:
    """The file behind a path given to Papermill, which may be relative to another folder; None if it is no file."""
    if output_path is None or not isinstance(handler := papermill_io.get_handler(output_path), LocalHandler):
        return None
    path = Path(output_path)
    if not path.is_absolute():
        folder = handler.cwd(None)  # returns the folder that it replaces
        handler.cwd(folder)
        path = Path(folder or "", path).absolute()
    return path


def _replace(path: Path, text: str) -> None:
    """Replace the file ``path``: a process that is killed meanwhile leaves the old or the new one."""
    tmp = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        tmp.write_text(text, encoding="utf-8")
        os.replace(tmp, path)
    finally:
        tmp.unlink(missing_ok=True)


class WarmKernelClient(PapermillNotebookClient):
    """nbclient for a kernel that was running before the notebook and goes on running after it."""

    def __init__(self, nb_man: NotebookExecutionManager, *, cores: list[int], **options: Any):
        super().__init__(nb_man, **options)
        self._cores = cores
        self._tasks: set[asyncio.Task[Any]] = set()

    async def async_start_new_kernel_client(self) -> Any:
        """Open channels to the kernel and wait until its messages arrive.

        nbclient's own method goes on listening for 0.2 s, in case a kernel that it has just started says more.
        """
        self.kc = channels_to(self.km)
        self.kc.start_channels()
        self.kc.allow_stdin = False
        while not await self._hears_kernel():
            if not await self.km.is_alive():
                raise WorkerLost("the kernel died before its notebook began")
        return self.kc

    start_new_kernel_client = run_sync(async_start_new_kernel_client)

    async def _hears_kernel(self) -> bool:
        """Whether the kernel's broadcasts arrive: those that it sends before the channel is connected are lost."""
        request = self.kc.kernel_info()
        try:
            while True:
                message = await self.kc.get_iopub_msg(timeout=HEARD_S)
                is_reply = message["parent_header"].get("msg_id") == request
                if is_reply and message["content"].get("execution_state") == "idle":
                    return True
        except Empty:
            return False

    def papermill_execute_cells(self) -> None:
        """Reset the kernel, run the cells, and make the kernel forget them."""
        self._call_kernel_main(f"before_notebook({os.getcwd()!r}, {self._cores})")
        super().papermill_execute_cells()
        self._call_kernel_main("after_notebook()")

    def _call_kernel_main(self, call: str) -> None:
        reply = self.wait_for_reply(self.kc.execute(f"{KERNEL_MAIN}.{call}", silent=True, store_history=False))
        if reply is None or reply["content"]["status"] != "ok":
            raise WorkerLost(f"the kernel could not be reset: {call} failed")

    def execute(self, **options: Any) -> Any:
        """Run the notebook; the channels to the kernel are closed in any case."""
        try:
            return super().execute(**options)
        finally:
            self._end_tasks()
            if self.kc is not None:
                self.kc.stop_channels()

    async def _async_poll_kernel_alive(self) -> None:
        self._keep_current_task()
        await super()._async_poll_kernel_alive()

    async def _async_poll_output_msg(self, *cell: Any) -> None:
        self._keep_current_task()
        await super()._async_poll_output_msg(*cell)

    async def _async_poll_for_reply(self, *request: Any) -> dict[str, Any]:
        self._keep_current_task()
        return await super()._async_poll_for_reply(*request)

    def _keep_current_task(self) -> None:
        if task := asyncio.current_task():
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _async_end_tasks(self) -> None:
        """Cancel the tasks of a failed cell and wait for them; nbclient cancels some of them and waits for none."""
        tasks = set(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=HEARD_S)

    _end_tasks = run_sync(_async_end_tasks)
