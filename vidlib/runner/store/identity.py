"""Which process something belongs to, in a form that other processes and machines can read, and whether it lives."""

import functools
import os
import socket
import time
from pathlib import Path

BEAT_S = 0.5
"""Seconds between two signs of life of whoever owns a run or a task."""

LEASE_S = 30.0
"""Seconds without a sign of life after which an owner counts as dead, wherever it is."""


def me() -> str:
    """This process, as ``host/place/pid/start``: no other process, on any machine, at any time, is called so."""
    return _name_of(os.getpid())  # asked for each time: a forked child is another process


@functools.cache
def _name_of(pid: int) -> str:
    return f"{socket.gethostname()}/{_place()}/{pid}/{_started(pid)}"


os.register_at_fork(after_in_child=_name_of.cache_clear)  # numbers are given again


def pid_of(owner: str) -> int:
    """The process number in an owner's name."""
    return int(owner.split("/")[2])


def host_of(owner: str) -> str:
    """The machine in an owner's name."""
    return owner.split("/", maxsplit=1)[0]


def alive(owner: str, beat_at: float) -> bool:
    """Whether ``owner`` still works, its last sign of life being at ``beat_at``.

    One that hangs or is frozen counts as dead after LEASE_S; one of this machine whose process is gone, at once.
    """
    if time.time() - beat_at > LEASE_S:
        return False
    _, place, pid, started = owner.split("/")
    return place != _place() or _started(int(pid)) == started


def _started(pid: int) -> str | None:
    """When a process began, in clock ticks since the machine did; None for one that is gone.

    Numbers are given again, but not twice in one tick. One that has ended and that nobody asked for its exit code (a
    zombie) is gone.
    """
    try:
        # proc_pid_stat(5): the name in brackets may hold anything; state is field 3, starttime field 22
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] == "Z" else fields[19]


@functools.cache
def _place() -> str:
    """Where process numbers mean what they mean here: this boot of this kernel, this PID namespace.

    Two containers may have one host name and different processes of one number.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()[:8]
        return f"{boot}-{Path('/proc/self/ns/pid').readlink().name.strip('pid:[]')}"
    except OSError:
        return "unknown"
