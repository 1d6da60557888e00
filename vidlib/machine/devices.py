"""What this machine has: the only place where a decision between GPU and CPU is taken."""

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

from vidlib.errors import EngineUnavailable, GpuFailed

Wanted = Literal["auto", "cuda", "cpu"]
Device = Literal["cuda", "cpu"]

T = TypeVar("T")


@dataclass(frozen=True)
class Choice:
    """Where something will run, and why not where it was asked to (None if it is)."""

    device: Device
    fallback: str | None = None


def choose(wanted: Wanted, problem_of: Callable[[], str | None] | None = None) -> Choice:
    """``cpu`` never looks for a GPU; ``cuda`` raises EngineUnavailable without one; ``auto`` takes one if it is there.

    ``problem_of`` says what keeps the work from the GPU (None: nothing does); by default whether torch can use one.
    A machine without a GPU that was asked for ``auto`` got what was asked: that is no fallback.
    """
    if wanted == "cpu":
        return Choice("cpu")
    problem = (problem_of or cuda_problem)()
    if problem is None:
        return Choice("cuda")
    if wanted == "cuda":
        raise EngineUnavailable(f"device 'cuda' was asked for, but {problem}; ask for 'auto' or 'cpu', or mend that")
    return Choice("cpu", problem if gpus() else None)


def attempt(
    wanted: Wanted, work: Callable[[Device], T], problem_of: Callable[[], str | None] | None = None
) -> tuple[T, Choice]:
    """What ``work`` returns on the device that `choose` takes, and the choice.

    Where ``auto`` took the GPU and that gave up (GpuFailed), all of the work is done once more on the CPU, and the
    choice says why.
    """
    choice = choose(wanted, problem_of)
    try:
        return work(choice.device), choice
    except GpuFailed as error:
        if wanted != "auto":
            raise
        reason = str(error)
    return work("cpu"), Choice("cpu", reason)


@functools.cache
def cuda_problem() -> str | None:
    """Why torch cannot use a GPU here; None if it can."""
    try:
        import torch
    except ImportError as error:
        return f"torch cannot be imported ({error})"
    if torch.cuda.is_available():
        return None
    if torch.version.cuda is None:
        return f"torch {torch.__version__} was built without CUDA (see 'GPU' in the README)"
    return "torch finds no usable GPU"


@dataclass(frozen=True)
class Gpu:
    """One NVIDIA card: name, memory in bytes."""

    index: int
    name: str
    memory_bytes: int


@functools.cache
def gpus() -> tuple[Gpu, ...]:
    """The NVIDIA cards that the driver shows; none where there is no driver."""
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return ()
    handles = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())]
    return tuple(
        Gpu(index, str(pynvml.nvmlDeviceGetName(handle)), pynvml.nvmlDeviceGetMemoryInfo(handle).total)
        for index, handle in enumerate(handles)
    )


def cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0))
