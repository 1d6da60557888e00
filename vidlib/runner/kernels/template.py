"""The process that all kernels of a pool are forked from: it imports the libraries once, for all of them.

A fork takes milliseconds, and its memory is that of the template until it writes there. The template ends with its
owner, which closes the socket between both, and each kernel ends with the template.
"""

import atexit
import os
import select
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from multiprocessing import Pipe

from vidlib.child_environment import KERNEL_MEMORY
from vidlib.errors import WorkerLost
from vidlib.machine.interpreter import python_code

_started_ahead: "KernelTemplate | None" = None


def start_ahead() -> None:
    """Start a template now, for a `take` of the environment of this process later on.

    A command does so before its own imports, because those of the template then run beside them, on another core.
    """
    global _started_ahead
    _started_ahead = KernelTemplate(KERNEL_MEMORY | os.environ)
    atexit.register(_started_ahead.close)


def take(env: Mapping[str, str]) -> "KernelTemplate":
    """The template that was started ahead for this environment, or a new one; the caller closes it."""
    global _started_ahead
    if (ahead := _started_ahead) is None or ahead.ended or ahead.env != public(env):
        return KernelTemplate(env)
    _started_ahead = None
    return ahead


def public(env: Mapping[str, str]) -> dict[str, str]:
    """``env`` without the variables VIDLIB_…: they may be secrets, and each kernel brings its own."""
    return {name: value for name, value in env.items() if not name.upper().startswith("VIDLIB_")}


class KernelTemplate:
    """A running template, in the `public` part of an environment. It goes on importing while it forks kernels."""

    def __init__(self, env: Mapping[str, str]):
        self._connection, theirs = Pipe()
        self._lock = threading.Lock()
        self._ready = False
        argv = python_code("from vidlib.runner.kernels.template_main import main; main()", str(theirs.fileno()))
        self.env = public(env)
        with theirs:
            self._process = subprocess.Popen(
                argv, env=self.env, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, start_new_session=True
            )

    def fork(self, arguments: Sequence[str], env: Mapping[str, str]) -> "ForkedProcess":
        """Start a kernel with these ``arguments`` of ipykernel, in the environment ``env``.

        Raises WorkerLost if the template is gone.
        """
        with self._lock:
            try:
                self._connection.send((os.getcwd(), list(arguments), dict(env)))
                while (answer := self._connection.recv()) is True:
                    self._ready = True
            except (OSError, EOFError) as error:
                raise WorkerLost(
                    f"the process that starts kernels has ended with code {self._process.poll()}"
                ) from error
        return ForkedProcess(answer)

    @property
    def ready(self) -> bool:
        """Whether it has imported all libraries: a kernel that it forks now has them too."""
        with self._lock, suppress(OSError, EOFError):
            if not self._ready and self._connection.poll():
                self._ready = self._connection.recv()
        return self._ready

    @property
    def ended(self) -> bool:
        """Whether the process is gone; its kernels are too."""
        return self._process.poll() is not None

    def close(self) -> None:
        """End the template and the kernels that are left."""
        self._connection.close()
        self._process.kill()
        self._process.wait()


class ForkedProcess:
    """The kernel with the process number ``pid``, which is no child of this process.

    It has the methods of `subprocess.Popen` that jupyter_client calls. The exit code is unknown, and given as 1.
    """

    stdin = stdout = stderr = None

    def __init__(self, pid: int):
        self.pid = pid
        try:
            self._descriptor = os.pidfd_open(pid)
        except ProcessLookupError as error:
            raise WorkerLost("a kernel ended as it started") from error

    def poll(self) -> int | None:
        """The exit code, or None while it runs."""
        return 1 if self._ended(0) else None

    def wait(self) -> int:
        """Wait until it has ended."""
        self._ended(None)
        return 1

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._descriptor, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def _ended(self, timeout_s: float | None) -> bool:
        return bool(select.select([self._descriptor], [], [], timeout_s)[0])

    def __del__(self) -> None:
        with suppress(AttributeError, OSError):
            os.close(self._descriptor)
