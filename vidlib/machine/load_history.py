"""The load of this machine in the last hour, kept in a small file, and what it says about the disk.

A line of the file is a JSON list with the fields of a `Sample`. Several processes may write: a sample that another one
took a moment ago is enough.
"""

import json
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import astuple, dataclass
from pathlib import Path

from vidlib.files import write_text
from vidlib.machine.load import Load

EVERY_S = 20.0
"""Seconds between two samples."""

KEPT_S = 3600.0
"""Seconds that a sample is kept."""

MIN_TREND_S = 300.0
"""Seconds that samples must span before they say how fast a disk fills up."""

MAX_LINES = int(2 * KEPT_S / EVERY_S)
"""Lines after which the file is written anew without the old ones."""


@dataclass(frozen=True)
class Sample:
    """The load at one moment: shares of CPU, memory and the busiest GPU in [0, 1], and bytes of the first disk.

    ``at`` is in seconds since 1970. ``gpu`` is None on a machine without one.
    """

    at: float
    cpu: float
    memory: float
    gpu: float | None
    disk_used: int
    disk_total: int

    @classmethod
    def from_load(cls, load: Load, at: float) -> "Sample":
        """The sample of a measurement of at least one disk."""
        gpu = max((gpu.percent / 100 for gpu in load.gpus), default=None)
        disk = load.disks[0]
        shares = round(load.cpu_percent / 100, 3), round(load.memory_used / load.memory_total, 3)
        return cls(at, *shares, gpu, disk.used, disk.total)


def file_in(folder: Path) -> Path:
    """The file of this machine in a folder that several machines may share."""
    return folder / f"load-{socket.gethostname()}.jsonl"


def record(file: Path, load: Load, now: float) -> None:
    """Add a measurement, unless one was added a moment ago. A disk that is full or read-only keeps none."""
    with suppress(OSError):
        if file.exists() and now - file.stat().st_mtime < EVERY_S / 2:
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        with open(file, "a", encoding="utf-8") as lines:
            lines.write(_as_line(Sample.from_load(load, now)))
        os.utime(file, (now, now))
        if len(file.read_text(encoding="utf-8").splitlines()) > MAX_LINES:
            write_text(file, "".join(map(_as_line, read(file, now))))


def read(file: Path, now: float) -> list[Sample]:
    """The samples of the last hour, oldest first."""
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    return sorted((one for one in _parse(lines) if now - KEPT_S <= one.at <= now), key=lambda one: one.at)


def full_in_s(samples: Sequence[Sample]) -> float | None:
    """In how many seconds the disk is full, if it goes on as in ``samples``; None if it does not fill up.

    The pace is the slope of the straight line that fits the samples best (least squares).
    """
    if not samples or samples[-1].at - samples[0].at < MIN_TREND_S:
        return None
    mean_at = sum(one.at for one in samples) / len(samples)
    mean_used = sum(one.disk_used for one in samples) / len(samples)
    spread = sum((one.at - mean_at) ** 2 for one in samples)
    pace = sum((one.at - mean_at) * (one.disk_used - mean_used) for one in samples) / spread
    free = samples[-1].disk_total - samples[-1].disk_used
    return free / pace if pace > 0 else None


def _as_line(sample: Sample) -> str:
    return json.dumps(astuple(sample)) + "\n"


def _parse(lines: Sequence[str]) -> Iterator[Sample]:
    for line in lines:
        with suppress(ValueError, TypeError):  # half a line of a process that was killed
            yield Sample(*json.loads(line))
