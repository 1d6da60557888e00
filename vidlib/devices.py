"""What this machine has: the only place where a decision between GPU and CPU is taken."""

import functools
import os
from dataclasses import dataclass
from typing import Literal

from vidlib.errors import EngineUnavailable

Wanted = Literal["auto", "cuda", "cpu"]


@dataclass(frozen=True)
class Choice:
    """Where something will run, and why not where it was asked to (None if it is)."""

    device: Literal["cuda", "cpu"]
    fallback: str | None = None


def choose(wanted: Wanted) -> Choice:
    """``cpu`` never looks for a GPU; ``cuda`` raises EngineUnavailable without one; ``auto`` takes one if it is there.

    A machine without a GPU that was asked for ``auto`` got what was asked: that is no fallback.
    """
    if wanted == "cpu":
        return Choice("cpu")
    problem = cuda_problem()
    if problem is None:
        return Choice("cuda")
    if wanted == "cuda":
        raise EngineUnavailable(f"device 'cuda' was asked for, but {problem}; ask for 'auto' or 'cpu', or mend that")
    return Choice("cpu", problem if gpus() else None)


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
