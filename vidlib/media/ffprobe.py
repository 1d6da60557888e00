"""The answers of ffprobe about a file. Each is asked once per process while the file stays as it is."""

import json
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from vidlib.errors import CommandFailed, MediaError
from vidlib.machine import commands
from vidlib.media import ffmpeg
from vidlib.media.playlists import refuse_playlist

PROBE_TIMEOUT_S = 60

PACKETS_TIMEOUT_S = 1800
"""Time limit for a list of all packets, in seconds: the whole file is read for it."""

Description = dict[str, Any]
"""ffprobe's own words (``-of json``): ``streams``, ``format``, ``programs``, ``chapters``."""


class Packet(NamedTuple):
    """One packet: the index of its stream, its times in seconds (None where the file has none), its duration."""

    stream: int
    pts_s: float | None
    dts_s: float | None
    duration_s: float


@dataclass(frozen=True)
class _FileState:
    """A file's content at a moment, equal for all names of the file: the key of the cache of ffprobe's answers."""

    path: Path = field(compare=False)
    state: tuple[int, ...]

    @classmethod
    def of(cls, path: Path) -> "_FileState":
        try:
            stat = path.stat()
        except OSError as error:
            raise MediaError(f"{path.name!r} is no readable video: {error}") from error
        return cls(path, (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns))


def describe(path: Path) -> Description:
    """Streams, container, programmes and chapters. Raises MediaError where the file cannot be read."""
    return _describe(_FileState.of(path))


def packets(path: Path) -> tuple[Packet, ...]:
    """All packets of all streams, in the order of the file; nothing is decoded. Raises MediaError as `describe`."""
    return _packets(_FileState.of(path))


def presentation_times(path: Path, index: int) -> tuple[Fraction, ...]:
    """The exact presentation times of one stream's packets in seconds, sorted. Raises MediaError as `describe`."""
    return _presentation_times(_FileState.of(path), index)


@lru_cache(maxsize=64)
def _describe(file: _FileState) -> Description:
    return _ask(file.path, "-show_format", "-show_streams", "-show_programs", "-show_chapters")


@lru_cache(maxsize=1)
def _packets(file: _FileState) -> tuple[Packet, ...]:
    entries = "packet=stream_index,pts_time,dts_time,duration_time"
    answer = _ask(file.path, "-show_entries", entries, timeout_s=PACKETS_TIMEOUT_S)
    return tuple(
        Packet(
            packet["stream_index"],
            _seconds(packet.get("pts_time")),
            _seconds(packet.get("dts_time")),
            _seconds(packet.get("duration_time")) or 0.0,
        )
        for packet in answer.get("packets", [])
    )


@lru_cache(maxsize=2)
def _presentation_times(file: _FileState, index: int) -> tuple[Fraction, ...]:
    answer = _ask(file.path, "-select_streams", str(index), "-show_entries", "packet=pts:stream=time_base")
    time_base = Fraction(answer["streams"][0]["time_base"])
    return tuple(sorted(packet["pts"] * time_base for packet in answer.get("packets", []) if "pts" in packet))


def _ask(path: Path, *options: str, timeout_s: float = PROBE_TIMEOUT_S) -> Description:
    refuse_playlist(path)
    args = [commands.find_program("ffprobe"), "-v", "error", "-of", "json", *options, *ffmpeg.input_args(path)]
    try:
        return json.loads(commands.run(args, timeout_s=timeout_s).stdout)
    except CommandFailed as error:
        raise MediaError(f"{path.name!r} is no readable video: {error}") from error


def _seconds(text: str | None) -> float | None:
    """Parse ffprobe's ``3.040000``; ``N/A`` and None give None."""
    return float(text) if text and text != "N/A" else None
