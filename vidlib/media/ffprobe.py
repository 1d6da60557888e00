"""The answers of ffprobe about a file. Each is asked once per process while the file stays as it is."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

from vidlib.errors import CommandFailed, MediaError
from vidlib.machine import commands
from vidlib.media import ffmpeg
from vidlib.media.playlists import refuse_playlist

PROBE_TIMEOUT_S = 60

PACKETS_TIMEOUT_S = 1800
"""Time limit for a list of all packets, in seconds: the whole file is read for it."""

Description = dict[str, Any]
"""ffprobe's own words (``-of json``): ``streams``, ``format``, ``programs``, ``chapters``."""


JUMP_S = 10.0
"""A step of the clock that is longer than this, in seconds, is a jump: ``-dts_delta_threshold`` of ffmpeg."""

BACK_S = 0.1
"""A step backwards that is longer than this, in seconds, is a jump, too; ffmpeg has this number built in."""


@dataclass
class StreamPackets:
    """The packets of one stream: their number, the end of the last one, and the time that they last.

    ``end_s`` is in seconds; None where the packets have no times. In ``even_s`` the clock goes on evenly after a step
    forwards of more than `JUMP_S`, or backwards of more than `BACK_S`. ``back_s`` is the smallest such step backwards.
    """

    number: int = 0
    end_s: float | None = None
    even_s: float = 0.0
    back_s: float | None = None
    _last_dts_s: float | None = None
    _last_duration_s: float = 0.0

    def add(self, pts_s: float | None, dts_s: float | None, duration_s: float) -> None:
        """Add the next packet in the order of the file."""
        self.number += 1
        if pts_s is not None:
            self.end_s = max(self.end_s if self.end_s is not None else pts_s, pts_s + duration_s)
        if (time_s := dts_s if dts_s is not None else pts_s) is None:
            return
        if self._last_dts_s is not None:
            step_s = time_s - self._last_dts_s
            if step_s < -BACK_S:
                self.back_s = min(self.back_s or -step_s, -step_s)
            self.even_s += (step_s if -BACK_S <= step_s <= JUMP_S else self._last_duration_s) - self._last_duration_s
        self.even_s += duration_s
        self._last_dts_s, self._last_duration_s = time_s, duration_s


@dataclass(frozen=True)
class _FileState:
    """A file's content at a moment, equal for all names of the file: the key of the cache of ffprobe's answers."""

    path: Path = field(compare=False)
    state: tuple[int, ...]

    @classmethod
    def from_path(cls, path: Path) -> "_FileState":
        try:
            stat = path.stat()
        except OSError as error:
            raise MediaError(f"{path.name!r} is no readable video: {error}") from error
        return cls(path, (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns))


def describe(path: Path) -> Description:
    """Streams, container, programmes and chapters. Raises MediaError where the file cannot be read."""
    return _describe(_FileState.from_path(path))


def packets(path: Path) -> Mapping[int, StreamPackets]:
    """The packets of each stream that has any, by the stream's index; nothing is decoded.

    The whole file is read once, in little memory. Raises MediaError as `describe`.
    """
    return _packets(_FileState.from_path(path))


def presentation_times(path: Path, index: int) -> tuple[Fraction, ...]:
    """The exact presentation times of one stream's packets in seconds, sorted. Raises MediaError as `describe`."""
    return _presentation_times(_FileState.from_path(path), index)


@lru_cache(maxsize=64)
def _describe(file: _FileState) -> Description:
    return _ask(file.path, "-show_format", "-show_streams", "-show_programs", "-show_chapters")


@lru_cache(maxsize=64)
def _packets(file: _FileState) -> Mapping[int, StreamPackets]:
    refuse_playlist(file.path)
    entries = ["-show_entries", "packet=stream_index,pts_time,dts_time,duration_time", "-of", "compact=p=0"]
    streams: dict[int, StreamPackets] = {}
    with _media_error(file.path), commands.stream_stdout(_command(file.path, *entries), PACKETS_TIMEOUT_S) as lines:
        for line in lines:
            values = dict(item.split("=", 1) for item in line.decode(errors="replace").split("|") if "=" in item)
            if (index := values.get("stream_index", "")).isdigit():
                times_s = [_seconds(values.get(name)) for name in ("pts_time", "dts_time", "duration_time")]
                streams.setdefault(int(index), StreamPackets()).add(times_s[0], times_s[1], times_s[2] or 0.0)
    return streams


@lru_cache(maxsize=2)
def _presentation_times(file: _FileState, index: int) -> tuple[Fraction, ...]:
    answer = _ask(file.path, "-select_streams", str(index), "-show_entries", "packet=pts:stream=time_base")
    time_base = Fraction(answer["streams"][0]["time_base"])
    return tuple(sorted(packet["pts"] * time_base for packet in answer.get("packets", []) if "pts" in packet))


def _ask(path: Path, *options: str) -> Description:
    refuse_playlist(path)
    with _media_error(path):
        return json.loads(commands.run(_command(path, "-of", "json", *options), timeout_s=PROBE_TIMEOUT_S).stdout)


def _command(path: Path, *options: str) -> list[str]:
    return [commands.find_program("ffprobe"), "-v", "error", *options, *ffmpeg.input_args(path)]


@contextmanager
def _media_error(path: Path) -> Iterator[None]:
    """Raise MediaError, with the file's name once, where ffprobe fails in the block."""
    try:
        yield
    except CommandFailed as error:
        why = str(error).replace(f"file:{path}: ", "")
        raise MediaError(f"{path.name!r} is no readable video: {why}") from error


def _seconds(text: str | None) -> float | None:
    """Parse ffprobe's ``3.040000``; ``N/A`` and None give None."""
    return float(text) if text and text.strip() != "N/A" else None
