"""A pool of warm kernels: they are running already, have imported the libraries, and keep the models in memory.

All kernels of a pool are forks of one `KernelTemplate`. A kernel runs one notebook at a time (`client`); `kernel_main`
resets it between two notebooks.
"""

import atexit
import functools
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum, auto

from vidlib.child_environment import environment_of_kernels
from vidlib.errors import WorkerLost
from vidlib.runner.kernels import launcher, template
from vidlib.runner.kernels.launcher import Kernel
from vidlib.settings import load


class State(Enum):
    """What a kernel of the pool is doing. The pool changes it, under its lock, as follows.

    | from              | event                                                 | to          |
    |-------------------|-------------------------------------------------------|-------------|
    | -                 | `start_ahead`, or `acquire` finds no idle kernel      | STARTING    |
    | STARTING          | the kernel answers                                    | IDLE        |
    | STARTING          | the kernel cannot be started                          | ENDED       |
    | IDLE              | `acquire` for the same GPU                            | BUSY        |
    | IDLE              | `acquire` for another GPU while the pool is full      | ENDED       |
    | BUSY              | the notebook ended                                    | IDLE        |
    | BUSY              | it ended and the kernel needs recycling               | ENDED       |
    | all               | `close`                                               | ENDED       |

    An ENDED kernel is no part of the pool; another one is started for it unless the pool is closed.
    """

    STARTING = auto()
    IDLE = auto()
    BUSY = auto()
    ENDED = auto()


@dataclass(eq=False)
class Slot:
    """One place of the pool, for the GPU ``gpu``; ``kernel`` is None until its process was started."""

    gpu: int | None
    state: State = State.STARTING
    kernel: Kernel | None = None


class KernelPool:
    """At most ``size`` warm kernels, in the environment ``env`` (default: that of this process, without secrets).

    A context manager: leaving it ends every kernel. `State` shows what happens to a kernel.
    """

    def __init__(self, size: int, env: Mapping[str, str] | None = None):
        self.size = size
        self._env = dict(env or environment_of_kernels(load()))
        self._slots: list[Slot] = []
        self._template: template.KernelTemplate | None = None
        self._changed = threading.Condition()
        self._starter = ThreadPoolExecutor(1, "kernel-starter")
        self._helpers = ThreadPoolExecutor(2 * size, "kernel-helper")
        self._closed = False
        self._start_error: str | None = None

    def __enter__(self) -> "KernelPool":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start_ahead(self, gpu: int | None = None) -> None:
        """Start kernels until there are ``size``, without waiting for them."""
        with self._changed:
            while not self._closed and len(self._slots) < self.size:
                self._start(gpu)

    @contextmanager
    def acquire(self, gpu: int | None = None, timeout_s: float | None = None) -> Iterator[Kernel]:
        """A kernel for one notebook that sees the GPU with index ``gpu`` (None: no GPU).

        It goes back to the pool, or is replaced if it needs recycling. Raises WorkerLost if no kernel can be started,
        if none is free within ``timeout_s`` seconds, or if the pool is closed.
        """
        slot, kernel = self._take(gpu, timeout_s)
        try:
            yield kernel
        except BaseException:
            kernel.failed = True
            raise
        finally:
            kernel.notebooks += 1
            self._release(slot, kernel)

    def close(self) -> None:
        """End every kernel and wait until they are gone."""
        with self._changed:
            self._closed = True
            ending = list(self._slots)
            idle = self._in(State.IDLE)
            for slot in idle:
                self._remove(slot)
            self._changed.notify_all()
        for slot in ending:
            if slot.kernel:
                slot.kernel.kill()
        for slot in idle:
            _shutdown(slot)
        self._starter.shutdown()
        self._helpers.shutdown()
        for slot in self._in(State.IDLE):  # these were starting
            _shutdown(slot)
        if self._template:
            self._template.close()

    def _in(self, *states: State) -> list[Slot]:
        return [slot for slot in self._slots if slot.state in states]

    def _take(self, gpu: int | None, timeout_s: float | None) -> tuple[Slot, Kernel]:
        """Make an idle kernel BUSY, as soon as there is one."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._start_error or self._idle(gpu), timeout_s)
            if self._closed:
                raise WorkerLost("the kernels of this process were closed")
            if message := self._start_error:
                self._start_error = None
                raise WorkerLost(message)
            slot = self._idle(gpu)
            if slot is None or slot.kernel is None:
                raise WorkerLost(f"no kernel was ready within {timeout_s} s; allow more time or run fewer notebooks")
            slot.state = State.BUSY
            return slot, slot.kernel

    def _idle(self, gpu: int | None) -> Slot | None:
        """The idle kernel to use for ``gpu``: the one that ran the most notebooks. Else starts one."""
        idle = self._in(State.IDLE)
        if matching := [slot for slot in idle if slot.gpu == gpu]:
            return max(matching, key=lambda slot: slot.kernel.notebooks if slot.kernel else 0)
        if len(self._slots) < self.size:
            self._start(gpu)
        elif idle and not self._in(State.STARTING):
            self._remove(idle[-1])
            self._helpers.submit(_shutdown, idle[-1])
            self._start(gpu)
        return None

    def _start(self, gpu: int | None) -> None:
        slot = Slot(gpu)
        self._slots.append(slot)
        self._starter.submit(self._launch, slot)

    def _launch(self, slot: Slot) -> None:
        """Start the process of a kernel; runs in the starter's thread."""
        try:
            slot.kernel = launcher.start_kernel(slot.gpu, self._env, self._running_template())
        except Exception as error:  # noqa: BLE001 the thread that waits for the kernel has to learn of any error
            self._start_failed(slot, error)
        else:
            self._helpers.submit(self._await_ready, slot, slot.kernel)

    def _running_template(self) -> template.KernelTemplate:
        """The template, started by the first kernel, and again if somebody killed it; only the starter calls this."""
        if self._template is None or self._template.ended:
            self._template = template.take(self._env)
        return self._template

    def _await_ready(self, slot: Slot, kernel: Kernel) -> None:
        try:
            launcher.wait_until_ready(kernel)
        except Exception as error:  # noqa: BLE001 as in `_launch`
            kernel.shutdown()
            self._start_failed(slot, error)
        else:
            self._make_idle(slot, kernel)

    def _start_failed(self, slot: Slot, error: Exception) -> None:
        with self._changed:
            self._start_error = f"no kernel can be started: {type(error).__name__}: {error}"
            self._remove(slot)
            self._changed.notify_all()

    def _release(self, slot: Slot, kernel: Kernel) -> None:
        """Take back a kernel that ended its work."""
        if not self._needs_recycling(kernel):
            self._make_idle(slot, kernel)
            return
        kernel.shutdown()
        with self._changed:
            self._remove(slot)
        self.start_ahead(slot.gpu)

    def _needs_recycling(self, kernel: Kernel) -> bool:
        """Whether to replace a kernel: it asks for it, or has to import what a new one would have already."""
        outdated = not kernel.complete and self._template is not None and self._template.ready
        return outdated or kernel.needs_recycling

    def _remove(self, slot: Slot) -> None:
        slot.state = State.ENDED
        self._slots.remove(slot)

    def _make_idle(self, slot: Slot, kernel: Kernel) -> None:
        with self._changed:
            slot.state = State.IDLE
            self._changed.notify_all()


def _shutdown(slot: Slot) -> None:
    if slot.kernel:
        slot.kernel.shutdown()


@functools.cache
def default_pool() -> KernelPool:
    """The pool of one kernel for callers of Papermill that bring no kernel; it ends with this process."""
    pool = KernelPool(1)
    atexit.register(pool.close)
    return pool
