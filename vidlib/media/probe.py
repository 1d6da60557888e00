"""What ffprobe reports about a media file."""

import json
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

MAX_SIDE = 8192
"""Largest width and height that are accepted, in pixels (8K television), so that no frame fills the memory."""

MAX_DURATION_S = 24 * 3600
"""Longest duration that is accepted, in seconds; FFmpeg would fill up a longer one with billions of frames."""


@dataclass(frozen=True)
class AudioInfo:
    """One audio stream: ``index`` within the file, codec, samples per second, channels, start in seconds."""

    index: int
    codec: str
    sample_rate: int
    channels: int
    start_s: float = 0.0


@dataclass(frozen=True)
class VideoInfo:
    """The first video stream of a file, and all its audio streams.

    ``width`` and ``height`` are stored pixels, before ``rotation`` (clockwise degrees: 0, 90, 180, 270) and the sample
    aspect ratio ``sar`` apply. ``fps`` is the container's average rate; ``frames`` is None where the container has no
    count; ``duration_s`` may be 0. ``start_s`` is the time of the first frame, ``transfer`` the transfer function,
    ``timecode`` the label of the first frame in frames of ``fps``.
    """

    path: Path
    container: str
    index: int
    codec: str
    pix_fmt: str
    width: int
    height: int
    fps: Fraction
    frames: int | None
    duration_s: float
    sar: Fraction
    rotation: int
    audio: tuple[AudioInfo, ...]
    start_s: float = 0.0
    interlaced: bool = False
    transfer: str = "unknown"
    timecode: str | None = None

    @property
    def display_size(self) -> tuple[int, int]:
        """Width and height in square pixels, as a viewer sees the video, rounded to whole pixels."""
        width, height = round(self.width * self.sar), self.height
        return (height, width) if self.rotation % 180 else (width, height)

    @property
    def is_hdr(self) -> bool:
        """Whether the picture has a high dynamic range: PQ or HLG, ITU-R BT.2100."""
        return self.transfer in ("smpte2084", "arib-std-b67")

    @property
    def is_rgb(self) -> bool:
        """Whether the picture is stored as red, green and blue, as in screen recordings."""
        return self.pix_fmt.startswith(("rgb", "bgr", "gbr", "argb", "abgr", "0rgb", "0bgr", "pal8"))


def probe_video(path: Path) -> VideoInfo:
    """Describe the video file ``path``. Attached pictures (cover art) do not count as video.

    Raises MediaError if the file cannot be read, holds no video, or one larger than `MAX_SIDE` or longer than
    `MAX_DURATION_S`. An unchanged file is probed once per process, whatever its name.
    """
    if not path.is_file():
        raise MediaError(f"{str(path)!r} is no file; expected a video file")
    description = _describe(_FileState.of(path))
    streams, container = description.get("streams", []), description.get("format", {})
    videos = [s for s in streams if s.get("codec_type") == "video" and not s["disposition"].get("attached_pic")]
    if not videos:
        types = ", ".join(sorted({str(s.get("codec_type")) for s in streams})) or "nothing"
        raise MediaError(f"{path.name!r} holds no moving picture, but {types}; expected a video file")
    audio = tuple(_audio_info(s) for s in streams if s.get("codec_type") == "audio")
    info = _video_info(path, videos[0], container, audio)
    _check_limits(info, [float(part.get("duration", 0)) for part in (*streams, container)])
    return info


def _check_limits(info: VideoInfo, durations_s: list[float]) -> None:
    sides = (info.width, info.height, *info.display_size)
    if not all(2 <= side <= MAX_SIDE for side in sides):
        raise MediaError(
            f"{info.path.name!r} has {info.width} x {info.height} pixels; expected 2 to {MAX_SIDE} each way"
        )
    # the frames may last longer than every duration in the file
    frames_s = float(info.frames / info.fps) if info.frames and info.fps else 0.0
    if (longest_s := max(*durations_s, frames_s)) > MAX_DURATION_S:
        raise MediaError(f"{info.path.name!r} has a duration of {longest_s:.0f} s; expected at most {MAX_DURATION_S} s")


def has_audio(path: Path) -> bool:
    """Whether the file has an audio stream. Raises MediaError if it cannot be read."""
    streams = _describe(_FileState.of(path)).get("streams", [])
    return any(stream.get("codec_type") == "audio" for stream in streams)


def frame_times(info: VideoInfo) -> list[Fraction]:
    """Presentation times of all stored frames, in seconds, sorted; nothing is decoded.

    Frames that an edit list leaves out are included. Raises MediaError where the file cannot be read.
    """
    return list(_frame_times(_FileState.of(info.path), info.index))


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


@lru_cache(maxsize=64)
def _describe(file: _FileState) -> dict[str, Any]:
    return _ffprobe(file.path, "-show_format", "-show_streams")


@lru_cache(maxsize=2)
def _frame_times(file: _FileState, index: int) -> tuple[Fraction, ...]:
    answer = _ffprobe(file.path, "-select_streams", str(index), "-show_entries", "packet=pts:stream=time_base")
    time_base = Fraction(answer["streams"][0]["time_base"])
    return tuple(sorted(packet["pts"] * time_base for packet in answer.get("packets", []) if "pts" in packet))


def _ffprobe(path: Path, *options: str) -> dict[str, Any]:
    refuse_playlist(path)
    args = [commands.find_program("ffprobe"), "-v", "error", "-of", "json", *options, *ffmpeg.input_args(path)]
    try:
        return json.loads(commands.run(args, timeout_s=PROBE_TIMEOUT_S).stdout)
    except CommandFailed as error:
        raise MediaError(f"{path.name!r} is no readable video: {error}") from error


def _video_info(
    path: Path, stream: dict[str, Any], container: dict[str, Any], audio: tuple[AudioInfo, ...]
) -> VideoInfo:
    tags = container.get("tags", {}) | stream.get("tags", {})
    return VideoInfo(
        path=path,
        container=container.get("format_name", ""),
        index=stream["index"],
        codec=stream.get("codec_name", "unknown"),
        pix_fmt=stream.get("pix_fmt", "unknown"),
        width=int(stream.get("width", 0)),
        height=int(stream.get("height", 0)),
        fps=_fraction(stream.get("avg_frame_rate")),
        frames=int(stream["nb_frames"]) if stream.get("nb_frames", "").isdigit() else None,
        duration_s=float(stream.get("duration") or container.get("duration") or 0),
        sar=_fraction(stream.get("sample_aspect_ratio", "1:1").replace(":", "/")) or Fraction(1),
        rotation=_rotation(stream),
        audio=audio,
        start_s=float(stream.get("start_time", 0)),
        interlaced=stream.get("field_order", "unknown") not in ("progressive", "unknown"),
        transfer=stream.get("color_transfer", "unknown"),
        timecode=tags.get("timecode"),
    )


def _audio_info(stream: dict[str, Any]) -> AudioInfo:
    return AudioInfo(
        index=stream["index"],
        codec=stream.get("codec_name", "unknown"),
        sample_rate=int(stream.get("sample_rate", 0)),
        channels=stream.get("channels", 0),
        start_s=float(stream.get("start_time", 0)),
    )


def _fraction(text: str | None) -> Fraction:
    """Parse ffprobe's ``30000/1001``; ``0/0`` and None give 0."""
    top, _, bottom = (text or "0").partition("/")
    return Fraction(int(top), int(bottom or 1)) if int(bottom or 1) else Fraction(0)


def _rotation(stream: dict[str, Any]) -> int:
    """Clockwise degrees that a player turns the picture by; ffprobe reports them counter-clockwise."""
    turns = [data["rotation"] for data in stream.get("side_data_list", []) if "rotation" in data]
    return round(-float(turns[0]) / 90) * 90 % 360 if turns else 0
