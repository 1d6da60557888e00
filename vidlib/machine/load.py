"""Measures the load of this machine: use of CPU, memory, disks and NVIDIA GPUs."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pynvml


@dataclass(frozen=True)
class Disk:
    """One file system, named by the first requested folder on it: bytes in use and in total."""

    folder: Path
    used: int
    total: int


@dataclass(frozen=True)
class GpuLoad:
    """One NVIDIA card: percent of time in use, in [0, 100]; bytes of its memory in use and in total."""

    name: str
    percent: float
    memory_used: int
    memory_total: int


@dataclass(frozen=True)
class Load:
    """One measurement: CPU percent over all cores, in [0, 100], since the last measurement; memory in bytes."""

    cpu_percent: float
    memory_used: int
    memory_total: int
    disks: tuple[Disk, ...]
    gpus: tuple[GpuLoad, ...]


@contextmanager
def load_reader(*folders: Path) -> Iterator[Callable[[], Load]]:
    """Give a function that measures the load now. ``folders`` select the disks.

    A folder that does not exist yet counts as its nearest existing parent. NVIDIA's library stays open until the block
    ends; a machine without it has no GPUs.
    """
    psutil.cpu_percent()  # the first value has no meaning, it only starts the interval
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
    for folder in map(nearest_existing, folders):
        if (device := folder.stat().st_dev) not in seen:
            seen.add(device)
            usage = psutil.disk_usage(str(folder))
            yield Disk(folder, usage.used, usage.used + usage.free)


def nearest_existing(folder: Path) -> Path:
    """``folder``, or its nearest parent that exists."""
    return next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())


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
    """Utilization in percent; 0 for a card without this value, such as a MIG slice."""
    try:
        return float(pynvml.nvmlDeviceGetUtilizationRates(handle).gpu)
    except pynvml.NVMLError_NotSupported:
        return 0.0
