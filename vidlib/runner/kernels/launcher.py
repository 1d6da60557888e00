"""Starts one warm kernel, talks to it through private sockets, and ends it with all its processes.

The sockets lie in a folder that only this user can open; there is no TCP port. The system ends a kernel together with
the thread that started it, so that thread has to live as long as the kernel is needed.
"""

import asyncio
import functools
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory, gettempdir
from typing import Any

import psutil
import zmq.asyncio
from jupyter_client import AsyncKernelClient, AsyncKernelManager
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager

from vidlib.errors import WorkerLost
from vidlib.files import stale_temp_files
from vidlib.machine import devices
from vidlib.machine.interpreter import python_code

START_S = 300
"""Seconds to wait for a new kernel. A start takes one second, and minutes on a machine with ten times too much work."""

END_S = 5.0
"""Seconds to wait until the processes of a killed kernel are gone."""

ALIVE_CHECK_S = 0.2
"""Seconds between two checks whether a kernel that owes an answer is alive."""

MAX_NOTEBOOKS = 100
"""A kernel is replaced after so many notebooks, because some libraries leak a little memory with each use."""

MAX_BYTES = 4 * 1024**3
"""A kernel that holds more memory than this between two notebooks is replaced. All libraries and models take 1.5 GB."""

SOCKETS_PREFIX = "vidlib-kernel-"
"""The name of a folder with sockets: this prefix, then the number of the process that owns it."""

MAX_TMP_BYTES = 107 - len("/vidlib-kernel-4194304-12345678/kernel-5")
"""Bytes that the name of the temporary folder may have: the address of a socket has 107, see unix(7)."""

KERNEL_MAIN = "__import__('vidlib.runner.kernels.kernel_main', fromlist=['*'])"
"""Expression for the module `kernel_main` in the kernel; it leaves no name in the namespace of the notebook."""


@dataclass(eq=False)
class Kernel:
    """One running kernel: its process, the index of the GPU that it sees (None: no GPU), and its history."""

    manager: AsyncKernelManager
    sockets: TemporaryDirectory[str]
    gpu: int | None
    pid: int
    preloaded: bool = False
    notebooks: int = 0
    failed: bool = False

    def bytes_held(self) -> int:
        """Resident memory of the kernel and its descendants, in bytes."""
        total = 0
        for process in self.process_tree():
            with suppress(psutil.NoSuchProcess):
                total += process.memory_info().rss
        return total

    def process_tree(self) -> list[psutil.Process]:
        """The kernel's process first, then all its descendants."""
        try:
            process = psutil.Process(self.pid)
            return [process, *process.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def kill(self) -> None:
        """Kill the kernel and its descendants at once; the notebook that runs in it fails with WorkerLost."""
        self.failed = True
        for process in self.process_tree():
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    def shutdown(self) -> None:
        """Kill the kernel, wait until its processes are gone, and remove its sockets."""
        processes = self.process_tree()
        self.kill()
        psutil.wait_procs(processes[1:], timeout=END_S)
        _process(self.manager).wait()  # the exit code of a child has to be collected once
        self.sockets.cleanup()

    @property
    def needs_recycling(self) -> bool:
        """Whether to replace this kernel: it failed, ran `MAX_NOTEBOOKS`, or holds more than `MAX_BYTES`."""
        return self.failed or self.notebooks >= MAX_NOTEBOOKS or self.bytes_held() > MAX_BYTES


class OwnKernelSpecs(KernelSpecManager):
    """Maps every kernel name to vidlib's own kernel (`kernel_main`)."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """The command that starts the kernel as a child of this process."""
        begin = "from vidlib.runner.kernels.kernel_main import main; main()"
        argv = python_code(begin, str(os.getpid()), "-f", "{connection_file}")
        return KernelSpec(argv=argv, display_name="vidlib", language="python")


def start_kernel(gpu: int | None, env: Mapping[str, str]) -> Kernel:
    """Start a kernel and return at once; `ask` waits until it answers. It ends together with the calling thread."""
    _remove_stale_sockets()
    sockets = TemporaryDirectory(prefix=f"{SOCKETS_PREFIX}{os.getpid()}-", dir=_socket_root())
    address = {"transport": "ipc", "ip": f"{sockets.name}/kernel"}
    manager = AsyncKernelManager(context=context(), kernel_spec_manager=OwnKernelSpecs(), **address)
    manager.connection_file = f"{sockets.name}/connection.json"
    visible = {"CUDA_VISIBLE_DEVICES": "" if gpu is None else str(gpu)} if devices.gpus() else {}
    # ipykernel logs its end as an error; nobody reads the history of the notebooks' input; IPython before 9.7 adds the
    # working folder to the modules' folders although Python did not
    options = ["--log-level=50", "--HistoryManager.enabled=False", "--InteractiveShellApp.ignore_cwd=True"]
    try:
        asyncio.run(_start(manager, options, {**env, **visible}))
    except BaseException:
        if manager.has_kernel:
            Kernel(manager, sockets, gpu, _process(manager).pid).shutdown()
        raise
    return Kernel(manager, sockets, gpu, _process(manager).pid)


async def _start(manager: AsyncKernelManager, options: list[str], env: Mapping[str, str]) -> None:
    await manager.start_kernel(extra_arguments=options, env=env)


def _process(manager: AsyncKernelManager) -> Any:
    """The `subprocess.Popen` of the kernel, which jupyter_client starts through its local provisioner."""
    provisioner: Any = manager.provisioner
    return provisioner.process


def ask(kernel: Kernel, code: str) -> None:
    """Run one line of code in a kernel and wait for its end; raises WorkerLost if it fails or the kernel is gone."""
    asyncio.run(_ask(kernel.manager, code))


async def _ask(manager: AsyncKernelManager, code: str) -> None:
    client = channels_to(manager)
    client.start_channels()
    answer = asyncio.ensure_future(_answer(client, code))
    try:
        while not answer.done():
            await asyncio.wait({answer}, timeout=ALIVE_CHECK_S)
            if not answer.done() and not await manager.is_alive():
                raise WorkerLost("a kernel died before its first notebook")
        if (reply := answer.result())["status"] != "ok":
            raise WorkerLost(f"a kernel cannot be used: {code} failed: {reply.get('evalue')}")
    finally:
        answer.cancel()
        client.stop_channels()


async def _answer(client: AsyncKernelClient, code: str) -> dict[str, str]:
    await client.wait_for_ready(timeout=START_S)
    reply = await client.execute_interactive(code, silent=True, store_history=False, allow_stdin=False)
    return reply["content"]


def channels_to(manager: AsyncKernelManager) -> AsyncKernelClient:
    """A client for the kernel of ``manager``, on sockets of the shared `context`."""
    return manager.client(context=manager.context)


@functools.cache
def context() -> zmq.asyncio.Context:
    """ZeroMQ's context of this process, which lives as long as the process.

    The garbage collector would close a context of a single kernel or client, and then wait for ever for sockets that
    it has not collected yet.
    """
    return zmq.asyncio.Context()


def _socket_root() -> str:
    """The folder of temporary files, or /tmp where its name is too long for the address of a socket."""
    wanted = gettempdir()
    return wanted if len(os.fsencode(wanted)) <= MAX_TMP_BYTES else "/tmp"


def _remove_stale_sockets() -> None:
    """Remove the socket folders of processes that are gone."""
    for folder in stale_temp_files(Path(_socket_root()), SOCKETS_PREFIX):
        rmtree(folder, ignore_errors=True)
