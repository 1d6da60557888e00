"""How busy this machine is: CPU, memory, disks and GPUs."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pynvml


@dataclass(frozen=True)
class Disk:
    """One file system, named by the first folder asked for on it: bytes in use, bytes in all."""

    folder: Path
    used: int
    total: int


@dataclass(frozen=True)
class GpuLoad:
    """One NVIDIA card: percent of its time at work, in [0, 100]; bytes of its memory in use and in all."""

    name: str
    percent: float
    memory_used: int
    memory_total: int


@dataclass(frozen=True)
class Load:
    """One reading: percent of all cores' time, in [0, 100], since the reading before; memory in bytes."""

    cpu_percent: float
    memory_used: int
    memory_total: int
    disks: tuple[Disk, ...]
    gpus: tuple[GpuLoad, ...]


@contextmanager
def watching(*folders: Path) -> Iterator[Callable[[], Load]]:
    """A function that reads the load now; ``folders`` say which disks count.

    A folder that does not exist yet stands for the nearest one above it that does. NVIDIA's library stays open until
    the block ends; a machine without it has no GPUs.
    """
    psutil.cpu_percent()  # its first answer means nothing
    with _nvml() as handles:
        yield lambda: _read(folders, handles)


def _read(folders: Iterable[Path], handles: Iterable[object]) -> Load:
    memory = psutil.virtual_memory()
    return Load(
        cpu_percent=psutil.cpu_percent(),
        memory_used=memory.total - memory.available,
        memory_total=memory.total,
        disks=tuple(_disks(folders)),
        gpus=tuple(_gpu_load(handle) for handle in handles),
    )


def _disks(folders: Iterable[Path]) -> Iterator[Disk]:
    seen = set()
    for folder in map(existing, folders):
        if (device := folder.stat().st_dev) not in seen:
            seen.add(device)
            usage = psutil.disk_usage(str(folder))
            yield Disk(folder, usage.used, usage.used + usage.free)


def existing(folder: Path) -> Path:
    """``folder``, or the nearest one above it that exists."""
    return next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())


@contextmanager
def _nvml() -> Iterator[list[object]]:
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        yield []
        return
    try:
        yield [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())]
    finally:
        pynvml.nvmlShutdown()


def _gpu_load(handle: object) -> GpuLoad:
    memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
    return GpuLoad(str(pynvml.nvmlDeviceGetName(handle)), _gpu_percent(handle), memory.used, memory.total)


def _gpu_percent(handle: object) -> float:
    """0 where the card does not say (a MIG slice has no utilization of its own)."""
    try:
        return float(pynvml.nvmlDeviceGetUtilizationRates(handle).gpu)
    except pynvml.NVMLError_NotSupported:
        return 0.0
