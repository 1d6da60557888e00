"""Run external programs under limits, and explain their failures.

Commands are argument lists: no shell sees a file name. Each program leads a process group of its own, which ends with
this process, at the time limit, or when the caller stops reading.
"""

import functools
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from typing import IO, cast

from vidlib.errors import CommandFailed, EngineUnavailable, OutOfMemory, VidlibError
from vidlib.text import printable

STDERR_BYTES = 4000
"""Bytes at the end of a program's messages that are kept."""


def find_program(name: str, package: str = "ffmpeg", *, fallback: str = "") -> str:
    """Path of a program that the Debian ``package`` installs.

    It is on PATH, or beside this Python, where a set-up without root puts it, or at the path ``fallback``. Raises
    EngineUnavailable, with the remedy, if it is in none of these places.
    """
    if path := which(name) or which(name, path=Path(sys.executable).parent) or which(fallback):
        return path
    raise EngineUnavailable(f"{name} is not installed. Install it with: apt-get install {package}")


@dataclass(frozen=True)
class Output:
    """Everything that a program printed to stdout, and the last `STDERR_BYTES` of its messages."""

    stdout: str
    stderr: str


def run(
    args: Sequence[str], *, timeout_s: float, on_line: Callable[[str], None] | None = None, accept: Sequence[int] = (0,)
) -> Output:
    """Run a program to its end. ``on_line`` receives each line of stdout at once.

    Raises CommandFailed for an exit code that is not in ``accept``. A program that runs longer than ``timeout_s``
    seconds is killed with its process group; its code is then -9. Raises OutOfMemory if anything else killed it.
    """
    with _started(args) as (process, stdout, stderr):
        lines = []
        with _time_limit(process, timeout_s) as timed_out:
            for line in map(_decoded, stdout):
                lines.append(line)
                if on_line:
                    on_line(line.rstrip())
            code = process.wait()
        messages = tail(stderr)
        if code not in accept:
            limit = f"ended after its limit of {timeout_s:g} s" if timed_out.is_set() else None
            raise _failure(args, code, messages, limit)
        return Output("".join(lines), messages)


@contextmanager
def stream_stdout(args: Sequence[str], timeout_s: float | None = None) -> Iterator[IO[bytes]]:
    """Run a program and read its stdout as a stream of bytes. Leaving the block early kills the program.

    The program is killed after ``timeout_s`` seconds (None: never). Raises CommandFailed if the whole stream was read
    and the program itself failed, and OutOfMemory if anything but the time limit killed it.
    """
    with _started(args) as (process, stdout, stderr), _time_limit(process, timeout_s) as timed_out:
        yield stdout
        if stdout.read(1):
            return
        if code := process.wait():
            messages = tail(stderr)
            raise _failure(args, code, messages, messages if timed_out.is_set() else None)


@contextmanager
def feed_stdin(args: Sequence[str]) -> Iterator[IO[bytes]]:
    """Run a program, and write to its stdin in the block; then it runs to its end. An error in the block kills it.

    Raises CommandFailed if the program fails, also where it does so before it has read everything, and OutOfMemory if
    the system killed it.
    """
    with _started(args, stdin=subprocess.PIPE) as (process, _, stderr):
        stdin = cast(IO[bytes], process.stdin)
        with suppress(BrokenPipeError):
            yield stdin
        with suppress(BrokenPipeError):
            stdin.close()
        if code := process.wait():
            raise _failure(args, code, tail(stderr), None)


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill a process that leads its own group, and the whole group."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def tail(stderr: IO[bytes], n_bytes: int = STDERR_BYTES) -> str:
    """Read the last ``n_bytes`` of a program's messages, printable except for line ends.

    FFmpeg's memory addresses are removed, because they differ every time.
    """
    end = stderr.seek(0, os.SEEK_END)
    stderr.seek(max(0, end - n_bytes))
    messages = stderr.read()
    if end > n_bytes:  # not from the middle of a line
        messages = messages.partition(b"\n")[2] or messages
    return re.sub(r" @ 0x[0-9a-f]+\]", "]", printable(messages, keep="\n"))


def _failure(args: Sequence[str], code: int, messages: str, limit: str | None) -> VidlibError:
    """The error for a program that failed; ``limit`` is the message for one that exceeded its time limit, else None.

    Nothing here but the time limit kills a program that is still read, so another SIGKILL is that of the system.
    """
    if code == -signal.SIGKILL and limit is None:
        return OutOfMemory(f"{args[0]} was killed (signal 9), as the system does when memory runs out")
    return CommandFailed(args, code, messages if limit is None else limit)


def _decoded(line: bytes) -> str:
    return line.decode(errors="replace")


@contextmanager
def _time_limit(process: subprocess.Popen[bytes], timeout_s: float | None) -> Iterator[threading.Event]:
    """Kill the process after ``timeout_s`` seconds; the event then is set."""
    timed_out = threading.Event()
    if timeout_s is None:
        yield timed_out
        return

    def expire() -> None:
        timed_out.set()
        kill_group(process)

    timer = threading.Timer(timeout_s, expire)
    timer.daemon = True
    timer.start()
    try:
        yield timed_out
    finally:
        timer.cancel()


@contextmanager
def _started(
    args: Sequence[str], stdin: int = subprocess.DEVNULL
) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes], IO[bytes]]]:
    """The running program, its stdout, and the file that receives its stderr."""
    with tempfile.TemporaryFile() as stderr:
        process = subprocess.Popen(
            [*_kill_with_parent(), *args],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,
        )
        stdout = cast(IO[bytes], process.stdout)
        try:
            yield process, stdout, stderr
        finally:
            kill_group(process)
            stdout.close()


@functools.cache
def _kill_with_parent() -> tuple[str, ...]:
    """Arguments before a command that let the kernel kill it when its parent dies; otherwise it would keep writing.

    A wrapper program sets the signal. ``preexec_fn`` would do the same, but it makes Python copy the page tables of a
    process that holds gigabytes, which takes 70 ms instead of 1 ms.
    """
    return (find_program("setpriv", "util-linux"), "--pdeathsig", "KILL", "--")
