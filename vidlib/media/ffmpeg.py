"""Commands for FFmpeg that are safe with files from outside.

Files from outside are hostile. Each is named ``file:PATH`` and opened with whitelists of protocols and formats, so that
no playlist or script with a video's name makes FFmpeg open another file or host.
"""

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from vidlib.errors import CommandFailed, EngineUnavailable, MediaError
from vidlib.machine import commands

FORMATS = (
    "mov,matroska,mpegts,mpeg,mpegvideo,avi,asf,flv,mxf,gxf,lxf,dv,ogg,nut,ivf,wtv,rm,obu,h264,hevc,vc1,m4v,"
    "yuv4mpegpipe,mjpeg,gif,wav,w64,aiff,caf,flac,mp3,aac,ac3,eac3,amr"
)
"""Demuxers that read one file and open no other. concat, hls, dash, sdp, image2 and imf are therefore missing."""

MAX_PIXELS = 8192 * 8192
"""Pixels of the largest frame that is decoded. A frame in the middle of a stream may be larger than all before it."""

INPUT_OPTIONS = {
    "protocol_whitelist": "file,pipe,fd",
    "format_whitelist": FORMATS,
    "max_pixels": str(MAX_PIXELS),
    "analyzeduration": "30000000",
    "probesize": str(32 << 20),
}
"""Options that every input from outside is opened with. The last two, in microseconds and bytes, find streams of a
broadcast that begin late; by default, FFmpeg only looks at 5 s."""


def input_args(path: Path, *options: str) -> list[str]:
    """Arguments that open ``path`` and no other file, whatever its name and content; ``options`` apply to it."""
    safe = [arg for name, value in INPUT_OPTIONS.items() for arg in (f"-{name}", value)]
    return [*safe, *options, "-i", f"file:{path}"]


def command(*args: str | Path) -> list[str]:
    """An ffmpeg command that asks no question, reads no terminal, overwrites its output and logs only errors."""
    return [commands.find_program("ffmpeg"), "-hide_banner", "-nostdin", "-y", "-loglevel", "error", *map(str, args)]


def select_filter(numbers: Sequence[int]) -> str:
    """A filter of FFmpeg that keeps only the frames with these numbers (from 0, rising, at least one).

    >>> select_filter([3, 7])
    "select='if(lt(n,7),eq(n,3),eq(n,7))'"
    """

    def condition(numbers: Sequence[int]) -> str:  # a search tree, because FFmpeg's parser limits the depth of a sum
        if len(numbers) == 1:
            return f"eq(n,{numbers[0]})"
        middle = len(numbers) // 2
        return f"if(lt(n,{numbers[middle]}),{condition(numbers[:middle])},{condition(numbers[middle:])})"

    return f"select='{condition(numbers)}'"


def scale_options(width: int, height: int, only: Sequence[int] | None = None, scale_flags: str = "area") -> list[str]:
    """Options for every frame, or ``only`` the frames with these numbers (from 0, rising), scaled to this size."""
    select = f"{select_filter(only)}," if only is not None else ""
    return ["-vf", f"{select}scale={width}:{height}:flags={scale_flags}", "-fps_mode", "passthrough"]


@contextmanager
def stream_decoded(path: Path, *args: str) -> Iterator[IO[bytes]]:
    """Run ffmpeg with these arguments (inputs and one output format), and read what it decodes from ``path``.

    Raises MediaError, with the file's name, where it cannot be decoded.
    """
    try:
        with commands.stream_stdout(command(*args, "pipe:1")) as stream:
            yield stream
    except CommandFailed as error:
        raise MediaError(f"{path.name!r} cannot be decoded: {error}") from error


@dataclass(frozen=True)
class DecodeStats:
    """Frames that the first output received, and FFmpeg's error messages (``""``: none).

    FFmpeg ends with code 0 on files that are damaged or cut; these two values reveal it.
    """

    frames: int
    messages: str


def run_counted(args: Sequence[str], *, timeout_s: float, on_frame: Callable[[int], None] | None = None) -> DecodeStats:
    """Run an ffmpeg command to its end and count frames; ``on_frame`` receives their number twice a second.

    Raises CommandFailed as `commands.run` does.
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
    output = commands.run(args, timeout_s=timeout_s, on_line=on_line)
    return DecodeStats(n_frames, output.stderr)


@functools.cache
def version() -> str:
    """FFmpeg's version, such as ``5.1.9-0+deb12u1``; ``absent`` where it is not installed."""
    try:
        return commands.run([commands.find_program("ffmpeg"), "-version"], timeout_s=30).stdout.split(" ", 3)[2]
    except EngineUnavailable:
        return "absent"
