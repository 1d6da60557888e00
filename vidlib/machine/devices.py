"""Chooses between GPU and CPU; no other module decides this."""

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

from vidlib.errors import EngineUnavailable, GpuFailed

Wanted = Literal["auto", "cuda", "cpu"]
Device = Literal["cuda", "cpu"]

NO_GPU = "the NVIDIA driver shows no GPU"

T = TypeVar("T")


@dataclass(frozen=True)
class Choice:
    """The device of some work; ``fallback`` is the reason why it is not the requested one (None if it is)."""

    device: Device
    fallback: str | None = None


def choose(wanted: Wanted, problem_of: Callable[[], str | None] | None = None) -> Choice:
    """Choose the device: ``cpu`` never uses a GPU, ``cuda`` requires one, ``auto`` uses one if it can.

    ``problem_of`` returns the reason why the work cannot use the GPU, or None; by default it asks torch. ``auto`` on a
    machine without a GPU is no fallback. Raises EngineUnavailable for ``cuda`` where the GPU cannot be used.
    """
    if wanted == "cpu":
        return Choice("cpu")
    problem = (problem_of or cuda_problem)()
    if problem is None:
        return Choice("cuda")
    if wanted == "cuda":
        raise EngineUnavailable(f"device 'cuda' is not usable: {problem}. Choose 'auto' or 'cpu', or fix this problem")
    return Choice("cpu", problem if gpus() else None)


def attempt(
    wanted: Wanted, work: Callable[[Device], T], problem_of: Callable[[], str | None] | None = None
) -> tuple[T, Choice]:
    """Call ``work`` with the device that `choose` returns; give its result and the choice.

    If ``auto`` chose the GPU and the GPU failed (GpuFailed), the whole work is repeated on the CPU, and the choice has
    the reason.
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
    """The reason why torch cannot use a GPU on this machine; None if it can."""
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
    """One NVIDIA card: its index, its name, its memory in bytes."""

    index: int
    name: str
    memory_bytes: int


@functools.cache
def gpus() -> tuple[Gpu, ...]:
    """The NVIDIA cards that the driver lists; empty without a driver."""
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
    """Number of CPU cores that this process may use."""
    return len(os.sched_getaffinity(0))
