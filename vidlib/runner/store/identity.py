"""The identity of a process, in a form that other processes and machines can read, and whether the process lives."""

import functools
import os
import socket
import time
from pathlib import Path

HEARTBEAT_S = 0.5
"""Seconds between two heartbeats of the owner of a run, a task, a lease or a download."""

LEASE_S = 30.0
"""Seconds without a heartbeat after which an owner counts as dead, on whichever machine it is."""


def this_process() -> str:
    """This process, as ``host/namespace/pid/start``; no other process on any machine ever has the same identity."""
    return _identity_of(os.getpid())  # asked each time, because a forked child is another process


@functools.cache
def _identity_of(pid: int) -> str:
    return f"{socket.gethostname()}/{_namespace()}/{pid}/{_started(pid)}"


os.register_at_fork(after_in_child=_identity_of.cache_clear)  # the system uses process numbers again


def pid_of(owner: str) -> int:
    """The process number in an identity."""
    return int(owner.split("/")[2])


def host_of(owner: str) -> str:
    """The machine in an identity."""
    return owner.split("/", maxsplit=1)[0]


def alive(owner: str | None, heartbeat_at: float | None) -> bool:
    """Whether ``owner`` still works, if its last heartbeat was at ``heartbeat_at`` (seconds since 1970).

    A process that hangs or is frozen counts as dead after LEASE_S. A process of this machine that is gone counts as
    dead at once. So does one of another machine, or of an earlier start of this one, with a heartbeat in the future.
    """
    if owner is None or heartbeat_at is None or time.time() - heartbeat_at > LEASE_S:
        return False
    try:
        _, namespace, pid, started = owner.split("/")
        if namespace == _namespace():
            return _started(int(pid)) == started
    except ValueError:  # no identity that this version writes
        return False
    return heartbeat_at - time.time() <= LEASE_S


def _started(pid: int) -> str | None:
    """The start of a process, in clock ticks since the start of the machine; None for a process that is gone.

    The system uses a process number again, but not twice in one tick. A zombie counts as gone: it has ended, and only
    its parent has not asked for the exit code yet.
    """
    try:
        # proc_pid_stat(5): the name in brackets may contain anything; state is field 3, starttime is field 22
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] == "Z" else fields[19]


@functools.cache
def _namespace() -> str:
    """The scope of process numbers: this boot of this kernel, and this PID namespace.

    Two containers may have the same host name, and different processes with the same number.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()[:8]
        return f"{boot}-{Path('/proc/self/ns/pid').readlink().name.strip('pid:[]')}"
    except OSError:
        return "unknown"
