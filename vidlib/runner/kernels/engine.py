"""The Papermill engine ``vidlib``: notebooks run in warm kernels, and their files are whole at every moment.

Papermill finds it by its entry point (pyproject.toml) when it is imported itself: ``papermill --engine vidlib`` works
as well. Nothing else imports this module: it needs a Papermill that is there already.
"""

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import Empty
from typing import Any

from jupyter_core.utils import run_sync
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine, NotebookExecutionManager
from papermill.iorw import LocalHandler, papermill_io
from papermill.log import logger

from vidlib.errors import WorkerLost
from vidlib.runner.kernels.pool import INSIDE, Kernel, channels_to, own_kernels

SAVED_S = 1.0
"""Seconds from one time that a notebook is written to the next."""

HEARD_S = 0.2
"""Seconds after which a kernel that was not heard is asked again."""


class VidlibEngine(Engine):
    """Papermill's engine ``vidlib``: runs a notebook in a warm kernel of this process.

    ``kernel`` names the one to take, ``cores`` those that it may use; without them it takes one of its own, all cores.
    """

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: NotebookExecutionManager,
        kernel_name: str,
        kernel: Kernel | None = None,
        cores: list[int] | None = None,
        execution_timeout: int | None = None,
        **_: Any,
    ) -> None:
        """See `papermill.engines.Engine`."""
        if nb_man.output_path and "://" not in nb_man.output_path:
            nb_man.output_path = str(Path(nb_man.output_path).absolute())  # which `WholeFiles` writes
        if kernel is None:
            with own_kernels().borrowed() as kernel:
                return cls.execute_managed_notebook(nb_man, kernel_name, kernel, cores, execution_timeout)
        chosen = cores or sorted(os.sched_getaffinity(0))
        save = _saved_now_and_then(nb_man)
        try:
            WarmClient(nb_man, km=kernel.manager, cores=chosen, timeout=execution_timeout, log=logger).execute()
            kernel.failed |= bool(nb_man.nb.metadata.papermill["exception"])
        except BaseException:
            kernel.failed = True
            with suppress(OSError):  # a full disk is not the reason
                save()
            raise
        return None


def _saved_now_and_then(nb_man: NotebookExecutionManager) -> Callable[[], None]:
    """Have the notebook written every `SAVED_S` at most while it runs; what writes it at once.

    Papermill writes all of it before and after each cell: that is 0.2 s of a step, which its lane waits for.
    """
    save = nb_man.save

    def now_and_then() -> None:
        if (nb_man.now() - nb_man.last_save_time).total_seconds() >= SAVED_S:
            save()

    nb_man.save = now_and_then
    return save


class WarmClient(PapermillNotebookClient):
    """Runs a notebook in a kernel that was there before and stays after."""

    def __init__(self, nb_man: NotebookExecutionManager, *, cores: list[int], **options: Any):
        super().__init__(nb_man, **options)
        self._cores = cores

    async def async_start_new_kernel_client(self) -> Any:
        """Channels to the kernel, as soon as its messages arrive here.

        nbclient's own way goes on listening for 0.2 s, whether a kernel that it has just started says more.
        """
        self.kc = channels_to(self.km)
        self.kc.start_channels()
        self.kc.allow_stdin = False
        while not await self._hears():
            if not await self.km.is_alive():
                raise WorkerLost("the kernel died before its notebook began")
        return self.kc

    start_new_kernel_client = run_sync(async_start_new_kernel_client)

    async def _hears(self) -> bool:
        """Whether what the kernel says to all arrives here: what it says before somebody listens is lost."""
        asked = self.kc.kernel_info()
        try:
            while True:
                said = await self.kc.get_iopub_msg(timeout=HEARD_S)
                if said["parent_header"].get("msg_id") == asked and said["content"].get("execution_state") == "idle":
                    return True
        except Empty:
            return False

    def papermill_execute_cells(self) -> None:
        """Make the kernel fresh, run the cells, make it forget them."""
        self._tell(f"enter({os.getcwd()!r}, {self._cores})")
        super().papermill_execute_cells()
        self._tell("leave()")

    def execute(self, **options: Any) -> Any:
        """See `PapermillNotebookClient`; the channels to the kernel are closed, whatever happens."""
        try:
            return super().execute(**options)
        finally:
            self._end_tasks()
            if self.kc is not None:
                self.kc.stop_channels()

    async def _async_end_tasks(self) -> None:
        """End what nbclient does beside a cell: where that fails it only asks for it, and nobody waits."""
        frames = {task: task.get_coro().cr_frame for task in asyncio.all_tasks() - {asyncio.current_task()}}
        left = [task for task, frame in frames.items() if frame and frame.f_locals.get("self") is self]
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left, timeout=HEARD_S)

    _end_tasks = run_sync(_async_end_tasks)

    def _tell(self, call: str) -> None:
        reply = self.wait_for_reply(self.kc.execute(f"{INSIDE}.{call}", silent=True, store_history=False))
        if reply is None or reply["content"]["status"] != "ok":
            raise WorkerLost(f"the kernel could not be made fresh: {call}")


class WholeFiles(LocalHandler):
    """Papermill's reading and writing of notebooks by absolute path; what it writes is there whole or not at all."""

    def write(self, buf: str, path: str) -> None:
        """Replace the file; it survives a process that is killed, and a power cut once its folder is published."""
        tmp = f"{path}.{os.getpid()}.tmp"
        try:
            super().write(buf, tmp)
            os.replace(tmp, path)
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(tmp)
            raise


papermill_io.register("/", WholeFiles())
