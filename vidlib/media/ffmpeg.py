"""FFmpeg as a child process: build a command (a list), run it under limits, explain its failure.

Files from outside are hostile: each is named ``file:PATH`` and opened with whitelists of protocols and formats, so that
no playlist or script under a video's name makes ffmpeg open another file or host. Commands are lists; no shell sees a
file name.
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
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from typing import IO

from vidlib.errors import CommandFailed, EngineUnavailable

FORMATS = (
    "mov,matroska,mpegts,mpeg,mpegvideo,avi,asf,flv,mxf,gxf,lxf,dv,ogg,nut,ivf,wtv,rm,obu,h264,hevc,vc1,m4v,"
    "yuv4mpegpipe,mjpeg,gif,wav,w64,aiff,caf,flac,mp3,aac,ac3,eac3,amr"
)
"""Demuxers that read one file and open no other: not concat, hls, dash, sdp, image2, imf and their like."""

MAX_PIXELS = 8192 * 8192
"""The largest picture that is decoded: one in the middle of a stream may be larger than all before."""

INPUT_OPTIONS = {"protocol_whitelist": "file,pipe,fd", "format_whitelist": FORMATS, "max_pixels": str(MAX_PIXELS)}
"""What every input from outside is opened with."""


def program(name: str, package: str = "ffmpeg") -> str:
    """Where a program of a Debian ``package`` is: on PATH, or beside this Python (where set-up without root puts it).

    Raises EngineUnavailable, with the remedy, if it is in neither place.
    """
    if path := which(name) or which(name, path=Path(sys.executable).parent):
        return path
    raise EngineUnavailable(f"{name} is not installed. Install it with: apt-get install {package}")


def input_args(path: Path, *options: str) -> list[str]:
    """Arguments that open ``path`` and nothing else, whatever its name and content; ``options`` apply to it."""
    safe = [arg for name, value in INPUT_OPTIONS.items() for arg in (f"-{name}", value)]
    return [*safe, *options, "-i", f"file:{path}"]


def command(*args: str | Path) -> list[str]:
    """An ffmpeg command that asks nothing, reads no terminal, overwrites its output and logs only what went wrong."""
    return [program("ffmpeg"), "-hide_banner", "-nostdin", "-y", "-loglevel", "error", *map(str, args)]


def run(
    args: Sequence[str], *, timeout_s: float, on_line: Callable[[str], None] | None = None, accept: Sequence[int] = (0,)
) -> str:
    """Run a program to its end and return what it printed; ``on_line`` is given each line as it comes.

    Raises CommandFailed with the last lines of stderr for another exit code than those of ``accept``; a program that
    takes longer than ``timeout_s`` seconds is ended with everything it started, and fails with code -9.
    """
    with _started(args, stdout=subprocess.PIPE, text=True, errors="replace") as (process, stderr):
        return _to_its_end(process, stderr, timeout_s, on_line, accept)


def picked(numbers: Sequence[int]) -> str:
    """A filter of ffmpeg that lets through the frames of these numbers only (from 0, rising).

    >>> picked([3, 7])
    "select='if(lt(n,7),eq(n,3),eq(n,7))'"
    """

    def one_of(numbers: Sequence[int]) -> str:  # a search tree, for a long sum is more than ffmpeg parses
        if len(numbers) == 1:
            return f"eq(n,{numbers[0]})"
        middle = len(numbers) // 2
        return f"if(lt(n,{numbers[middle]}),{one_of(numbers[:middle])},{one_of(numbers[middle:])})"

    return f"select='{one_of(numbers)}'"


@dataclass(frozen=True)
class Pass:
    """One pass over a file: frames of the first output so far written, and what ffmpeg complained of (``""``: nothing).

    FFmpeg ends with code 0 on files that are damaged or cut; these two say what really happened.
    """

    frames: int
    complaints: str


def run_counted(args: Sequence[str], *, timeout_s: float, on_frame: Callable[[int], None] | None = None) -> Pass:
    """Run an ffmpeg command to its end and count; ``on_frame`` is given the number of frames so far, now and then.

    Raises CommandFailed as `run` does.
    """
    n_frames = 0

    def on_line(line: str) -> None:
        nonlocal n_frames
        name, _, value = line.partition("=")
        if name == "frame":
            n_frames = int(value)
            if on_frame:
                on_frame(n_frames)

    args = [args[0], "-progress", "pipe:1", "-stats_period", "0.5", *args[1:]]
    with _started(args, stdout=subprocess.PIPE, text=True, errors="replace") as (process, stderr):
        _to_its_end(process, stderr, timeout_s, on_line, accept=(0,))
        return Pass(n_frames, tail(stderr))


def _to_its_end(
    process: subprocess.Popen,
    stderr: IO[bytes],
    timeout_s: float,
    on_line: Callable[[str], None] | None,
    accept: Sequence[int],
) -> str:
    timer = threading.Timer(timeout_s, end_group, [process])
    timer.start()
    lines = []
    try:
        for line in process.stdout:
            lines.append(line)
            if on_line:
                on_line(line.rstrip())
        code = process.wait()
    finally:
        timed_out = not timer.is_alive()
        timer.cancel()
    if code not in accept:
        raise CommandFailed(
            process.args, code, f"ended after its limit of {timeout_s:g} s" if timed_out else tail(stderr)
        )
    return "".join(lines)


@contextmanager
def reading(args: Sequence[str], timeout_s: float | None = None) -> Iterator[IO[bytes]]:
    """What a program writes to stdout, as a stream of bytes; leaving the block early ends the program.

    After ``timeout_s`` seconds (None: never) the program is ended. Raises CommandFailed if the program itself failed
    after all it wrote was read.
    """
    with _started(args, stdout=subprocess.PIPE) as (process, stderr), _ending_after(timeout_s, process):
        yield process.stdout
        if process.stdout.read(1):
            return
        if code := process.wait():
            raise CommandFailed(args, code, tail(stderr))


@contextmanager
def _ending_after(timeout_s: float | None, process: subprocess.Popen) -> Iterator[None]:
    if timeout_s is None:
        yield
        return
    timer = threading.Timer(timeout_s, end_group, [process])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextmanager
def _started(args: Sequence[str], **options) -> Iterator[tuple[subprocess.Popen, IO[bytes]]]:
    with tempfile.TemporaryFile() as stderr:
        process = subprocess.Popen(
            [*_dying_with_parent(), *args], stdin=subprocess.DEVNULL, stderr=stderr, start_new_session=True, **options
        )
        process.args = args
        try:
            yield process, stderr
        finally:
            end_group(process)
            process.stdout.close()


@functools.cache
def _dying_with_parent() -> tuple[str, ...]:
    """What a command begins with, so that the system ends it with its parent: it would go on writing otherwise.

    A program does it, not a function in the child: for that Python has to copy all of a process that holds gigabytes,
    which takes 70 ms, instead of 1.
    """
    return (program("setpriv", "util-linux"), "--pdeathsig", "KILL", "--")


def end_group(process: subprocess.Popen) -> None:
    """End a process that leads its own group, and all of the group."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def tail(stderr: IO[bytes], n_bytes: int = 4000) -> str:
    """The last ``n_bytes`` of a file that a program wrote to, without the addresses that differ from run to run."""
    end = stderr.seek(0, os.SEEK_END)
    stderr.seek(max(0, end - n_bytes))
    return re.sub(r" @ 0x[0-9a-f]+\]", "]", stderr.read().decode(errors="replace"))


@functools.cache
def version() -> str:
    """FFmpeg's version, such as ``5.1.9-0+deb12u1``; ``absent`` where it is not installed."""
    try:
        return run([program("ffmpeg"), "-version"], timeout_s=30).split(" ", 3)[2]
    except EngineUnavailable:
        return "absent"
