"""Warm kernels: notebooks run in kernels that are there already, have imported the libraries and hold the models.

A kernel runs one notebook at a time (see `papermill_engine`) and is made fresh between two of them (`inside_kernel`).
It is spoken to through sockets in a folder that only this user can open, no TCP port; and it ends with the process that
started it, however that ends.
"""

import asyncio
import atexit
import functools
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory, gettempdir

import psutil
import zmq.asyncio
from jupyter_client import AsyncKernelClient, AsyncKernelManager
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager

from vidlib.errors import WorkerLost
from vidlib.files import left_by_the_dead
from vidlib.machine import devices
from vidlib.settings import environment_of_kernels, load

START_S = 300
"""A kernel starts in a second, and in minutes where the machine has ten times more to do than it can."""

GONE_S = 5.0

ALIVE_S = 0.2
"""Seconds between two looks whether a kernel that was asked something lives."""

MOST_NOTEBOOKS = 100
"""Then a kernel is replaced: what libraries lose of memory in each use never adds up to much."""

MOST_BYTES = 4 * 1024**3
"""So is one that holds more than this between two notebooks; with all libraries and models it holds about 1.5 GB."""

UNWANTED_S = 5.0
"""Seconds after which the last kernel that can be taken imports the libraries, during which it cannot be taken."""

SOCKETS = "vidlib-kernel-"
"""How the names of the folders with sockets begin; then comes the number of the process that they belong to."""

LONGEST_TMP = 107 - len("/vidlib-kernel-4194304-12345678/kernel-5")
"""Bytes that the name of the temporary folder may have: the address of a socket has 107, see unix(7)."""

INSIDE = "__import__('vidlib.runner.kernels.kernel_main', fromlist=['*'])"
"""The module in the kernel, without leaving a name in the namespace of the notebook."""


@dataclass(eq=False)
class Kernel:
    """One kernel: its process, the GPU ``card`` that it sees (None: no card), and what it went through."""

    manager: AsyncKernelManager
    sockets: TemporaryDirectory
    card: int | None
    pid: int
    preloaded: bool = False
    notebooks: int = 0
    failed: bool = False

    def bytes_held(self) -> int:
        """Memory of the kernel and of all that it started."""
        total = 0
        for process in self.family():
            with suppress(psutil.NoSuchProcess):
                total += process.memory_info().rss
        return total

    def family(self) -> list[psutil.Process]:
        """The kernel's process and all that descend from it."""
        try:
            process = psutil.Process(self.pid)
            return [process, *process.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def kill(self) -> None:
        """End the kernel and all that it started, at once; what it was doing fails with WorkerLost."""
        self.failed = True
        family = self.family()
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    def bury(self) -> None:
        """End the kernel, wait until all its processes are gone, and free what it had here; nobody uses it any more."""
        family = self.family()
        self.kill()
        psutil.wait_procs(family[1:], timeout=GONE_S)
        self.manager.provisioner.process.wait()  # nobody else asks for its exit code
        self.sockets.cleanup()

    @property
    def worn(self) -> bool:
        """Whether it should be replaced: after a failure, many notebooks, or holding much memory."""
        return self.failed or self.notebooks >= MOST_NOTEBOOKS or self.bytes_held() > MOST_BYTES


class OurKernels(KernelSpecManager):
    """Knows one kind of kernel, whatever it is called: that of `inside_kernel`."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """How to start it as a child of this process."""
        begin = "from vidlib.runner.kernels.kernel_main import main; main()"
        argv = [sys.executable, "-c", begin, str(os.getpid()), "-f", "{connection_file}"]
        return KernelSpec(argv=argv, display_name="vidlib", language="python")


class Kernels:
    """At most ``size`` warm kernels of this process, in the environment ``env`` (default: this one, without secrets).

    A context manager: leaving it ends them all.

    All are started by one thread that lives as long as this process: the system ends a kernel together with the thread
    that started it.
    """

    def __init__(self, size: int, env: Mapping[str, str] | None = None):
        self.size = size
        self._env = dict(env or environment_of_kernels(load()))
        self._idle: list[Kernel] = []
        self._busy: set[Kernel] = set()
        self._starting = self._wanted = 0
        self._changed = threading.Condition()
        self._starter = ThreadPoolExecutor(1, "kernel-starter")
        self._helpers = ThreadPoolExecutor(2 * size, "kernel-helper")
        self._closed = False
        self._problem: str | None = None

    def __enter__(self) -> "Kernels":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start_ahead(self, card: int | None = None) -> None:
        """Begin to start kernels until there are ``size``, without waiting for them."""
        with self._changed:
            while len(self._idle) + len(self._busy) + self._starting < self.size:
                self._start(card)

    @contextmanager
    def borrowed(self, card: int | None = None) -> Iterator[Kernel]:
        """A kernel for one notebook that sees the GPU ``card``; it is given back, or replaced if it is worn."""
        kernel = self._take(card)
        try:
            yield kernel
        except BaseException:
            kernel.failed = True
            raise
        finally:
            self._give_back(kernel)

    def close(self) -> None:
        """End every kernel and wait until they are gone."""
        with self._changed:
            self._closed = True
            idle, self._idle = self._idle, []
            kernels = [*idle, *self._busy]  # those that are busy are buried by whoever gives them back
            self._changed.notify_all()
        for kernel in kernels:
            kernel.kill()
        for kernel in idle:
            kernel.bury()
        self._starter.shutdown()
        self._helpers.shutdown()
        for kernel in self._idle:  # those that were being started
            kernel.bury()

    def _take(self, card: int | None) -> Kernel:
        with self._changed:
            self._wanted += 1
            try:
                kernel = None
                while not (self._closed or self._problem) and (kernel := self._suitable(card)) is None:
                    self._changed.wait()
                if self._closed:
                    raise WorkerLost("the kernels of this process were closed")
                if kernel is None:
                    problem, self._problem = self._problem, None
                    raise WorkerLost(problem)
            finally:
                self._wanted -= 1
            self._idle.remove(kernel)
            self._busy.add(kernel)
            return kernel

    def _suitable(self, card: int | None) -> Kernel | None:
        """An idle kernel for ``card``, preferably one that has imported everything; else one is started."""
        fitting = [kernel for kernel in self._idle if kernel.card == card]
        if fitting:
            return max(fitting, key=lambda kernel: kernel.preloaded)
        if len(self._idle) + len(self._busy) + self._starting < self.size:
            self._start(card)
        elif self._idle and not self._starting:
            other = self._idle.pop()
            self._helpers.submit(other.bury)
            self._start(card)
        return None

    def _start(self, card: int | None) -> None:
        self._starting += 1
        self._starter.submit(self._begin, card)

    def _begin(self, card: int | None) -> None:
        """In the one thread that starts them: begin to start one, which another thread waits for."""
        try:
            kernel = _start_kernel(card, self._env)
        except Exception as error:  # noqa: BLE001 whoever waits for the kernel is to hear of it, whatever it is
            self._started(error)
        else:
            self._helpers.submit(self._await, kernel)

    def _await(self, kernel: Kernel) -> None:
        try:
            asyncio.run(_ask(kernel.manager, "None"))
        except Exception as error:  # noqa: BLE001 as in `_begin`
            kernel.bury()
            self._started(error)
        else:
            self._rest(kernel)
            self._started()

    def _started(self, error: Exception | None = None) -> None:
        with self._changed:
            if error:
                self._problem = f"no kernel can be started: {type(error).__name__}: {error}"
            self._starting -= 1
            self._changed.notify_all()

    def _give_back(self, kernel: Kernel) -> None:
        kernel.notebooks += 1
        if not kernel.worn:
            self._rest(kernel)
            return
        kernel.bury()
        with self._changed:
            self._busy.discard(kernel)
            closed = self._closed
        if not closed:
            self.start_ahead(kernel.card)

    def _rest(self, kernel: Kernel) -> None:
        """Put an idle kernel where it can be taken; one that nobody takes soon imports the libraries (`_preload`)."""
        with self._changed:
            self._busy.discard(kernel)  # at once, for who counts neither starts one too many
            self._idle.append(kernel)
            self._changed.notify_all()
            if not kernel.preloaded and not self._closed:
                self._helpers.submit(self._preload, kernel)

    def _preload(self, kernel: Kernel) -> None:
        """Have a kernel import the libraries, unless it is taken first, or others have done enough of that."""
        with self._changed:
            self._changed.wait_for(lambda: kernel not in self._idle or len(self._idle) > 1 or self._closed, UNWANTED_S)
            if kernel not in self._idle or self._closed or self._enough_preloaded():
                return
            self._idle.remove(kernel)
            self._busy.add(kernel)
        self._preloaded(kernel)

    def _enough_preloaded(self) -> bool:
        """Whether all that goes on finds a kernel that has imported the libraries: another would only cost time and
        memory of those that work.
        """
        ready = sum(kernel.preloaded for kernel in [*self._idle, *self._busy])
        return 0 < len(self._busy) <= ready

    def _preloaded(self, kernel: Kernel) -> None:
        try:
            asyncio.run(_ask(kernel.manager, f"{INSIDE}.preload()"))
        except (WorkerLost, RuntimeError, OSError):
            kernel.failed = True
        kernel.preloaded = True
        kernel.notebooks -= 1
        self._give_back(kernel)


def _start_kernel(card: int | None, env: Mapping[str, str]) -> Kernel:
    """A kernel that begins; runs in the thread that all kernels are started by."""
    _sweep_sockets()
    sockets = TemporaryDirectory(prefix=f"{SOCKETS}{os.getpid()}-", dir=_tmp())
    place = {"transport": "ipc", "ip": f"{sockets.name}/kernel"}
    manager = AsyncKernelManager(context=context(), kernel_spec_manager=OurKernels(), **place)
    manager.connection_file = f"{sockets.name}/connection.json"
    seen = {"CUDA_VISIBLE_DEVICES": "" if card is None else str(card)} if devices.gpus() else {}
    # a kernel that is ended calls that an error; nobody looks at the history of what notebooks said
    options = ["--log-level=50", "--HistoryManager.enabled=False"]
    try:
        asyncio.run(manager.start_kernel(extra_arguments=options, env={**env, **seen}))
    except BaseException:
        if manager.has_kernel:
            Kernel(manager, sockets, card, manager.provisioner.process.pid).bury()
        raise
    return Kernel(manager, sockets, card, manager.provisioner.process.pid)


def _tmp() -> str:
    """The folder of temporary files, or the one that every system has where its name is too long for sockets."""
    wanted = gettempdir()
    return wanted if len(os.fsencode(wanted)) <= LONGEST_TMP else "/tmp"


def _sweep_sockets() -> None:
    """Remove the folders of sockets that processes left which were killed."""
    for folder in left_by_the_dead(Path(_tmp()), SOCKETS):
        rmtree(folder, ignore_errors=True)


def channels_to(manager: AsyncKernelManager) -> AsyncKernelClient:
    """What speaks to a kernel, by sockets of the `context` that all share."""
    return manager.client(context=manager.context)


@functools.cache
def context() -> zmq.asyncio.Context:
    """ZeroMQ's context of this process, which lives as long.

    One for each kernel or client would be closed by the garbage collector, which then waits for ever for sockets that
    it has not come to yet.
    """
    return zmq.asyncio.Context()


async def _ask(manager: AsyncKernelManager, code: str) -> None:
    """Run a line of code in a kernel; raises WorkerLost if it fails or the kernel is gone."""
    client = channels_to(manager)
    client.start_channels()
    asked = asyncio.ensure_future(_answer(client, code))
    try:
        while not asked.done():
            await asyncio.wait({asked}, timeout=ALIVE_S)
            if not asked.done() and not await manager.is_alive():
                raise WorkerLost("a kernel died before its first notebook")
        if (said := asked.result())["status"] != "ok":
            raise WorkerLost(f"a kernel cannot be used: {code}: {said.get('evalue')}")
    finally:
        asked.cancel()
        client.stop_channels()


async def _answer(client: AsyncKernelClient, code: str) -> dict[str, str]:
    await client.wait_for_ready(timeout=START_S)
    reply = await client.execute_interactive(code, silent=True, store_history=False, allow_stdin=False)
    return reply["content"]


@functools.cache
def own_kernels() -> Kernels:
    """One kernel for whoever calls Papermill with this engine and brings none; it ends with this process."""
    kernels = Kernels(1)
    atexit.register(kernels.close)
    return kernels
