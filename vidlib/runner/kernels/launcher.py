"""Starts one warm kernel, talks to it through private sockets, and ends it with all its processes.

The sockets lie in a folder that only this user can open; there is no TCP port. The process is a fork of the template.
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
from vidlib.runner.kernels.template import KernelTemplate

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
    """One running kernel: its process, the index of the GPU that it sees (None: no GPU), and its history.

    It is ``complete`` if the template had imported all libraries before it forked the kernel.
    """

    manager: AsyncKernelManager
    sockets: TemporaryDirectory[str]
    gpu: int | None
    pid: int
    complete: bool = True
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
        _process(self.manager).wait()
        self.sockets.cleanup()

    @property
    def needs_recycling(self) -> bool:
        """Whether to replace this kernel: it failed, ran `MAX_NOTEBOOKS`, or holds more than `MAX_BYTES`."""
        return self.failed or self.notebooks >= MAX_NOTEBOOKS or self.bytes_held() > MAX_BYTES


class OwnKernelSpecs(KernelSpecManager):
    """Maps every kernel name to vidlib's own kernel (`kernel_main`)."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """The first arguments of the kernel; there is no command, because it is forked."""
        return KernelSpec(argv=["-f", "{connection_file}"], display_name="vidlib", language="python")


class ForkingManager(AsyncKernelManager):
    """Manages a kernel that is a fork of ``template``."""

    template: KernelTemplate

    async def _async_launch_kernel(self, kernel_cmd: list[str], **options: Any) -> None:
        provisioner: Any = self.provisioner
        provisioner.process = self.template.fork(kernel_cmd, options["env"])
        self._reconcile_connection_info(provisioner.connection_info)


def start_kernel(gpu: int | None, env: Mapping[str, str], template: KernelTemplate) -> Kernel:
    """Start a kernel and return at once; `wait_until_ready` waits until it answers. It ends with the template."""
    _remove_stale_sockets()
    sockets = TemporaryDirectory(prefix=f"{SOCKETS_PREFIX}{os.getpid()}-", dir=_socket_root())
    address = {"transport": "ipc", "ip": f"{sockets.name}/kernel"}
    manager = ForkingManager(context=context(), kernel_spec_manager=OwnKernelSpecs(), **address)
    manager.template = template
    manager.connection_file = f"{sockets.name}/connection.json"
    visible = {"CUDA_VISIBLE_DEVICES": "" if gpu is None else str(gpu)} if devices.gpus() else {}
    complete = template.ready
    # ipykernel logs its end as an error; nobody reads the history of the notebooks' input; IPython before 9.7 adds the
    # working folder to the modules' folders although Python did not
    options = ["--log-level=50", "--HistoryManager.enabled=False", "--InteractiveShellApp.ignore_cwd=True"]
    try:
        asyncio.run(_start(manager, options, {**env, **visible}))
    except BaseException:
        if manager.has_kernel:
            Kernel(manager, sockets, gpu, _process(manager).pid).shutdown()
        raise
    return Kernel(manager, sockets, gpu, _process(manager).pid, complete)


async def _start(manager: AsyncKernelManager, options: list[str], env: Mapping[str, str]) -> None:
    await manager.start_kernel(extra_arguments=options, env=env)


def _process(manager: AsyncKernelManager) -> Any:
    """The `ForkedProcess` of the kernel."""
    provisioner: Any = manager.provisioner
    return provisioner.process


def wait_until_ready(kernel: Kernel) -> None:
    """Wait until a new kernel answers; raises WorkerLost if it dies before."""
    asyncio.run(_wait_until_ready(kernel.manager))


async def _wait_until_ready(manager: AsyncKernelManager) -> None:
    client = channels_to(manager)
    client.start_channels()
    ready = asyncio.ensure_future(client.wait_for_ready(timeout=START_S))
    try:
        while not ready.done():
            await asyncio.wait({ready}, timeout=ALIVE_CHECK_S)
            if not ready.done() and not await manager.is_alive():
                raise WorkerLost("a kernel died before its first notebook")
        ready.result()
    finally:
        ready.cancel()
        client.stop_channels()


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
