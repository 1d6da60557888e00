"""What a media file contains, and its frames and sound as arrays."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from vidlib import ffmpeg
from vidlib.errors import CommandFailed, MediaError

SAMPLE_RATE = 16_000
"""Samples per second of every waveform here (what the speech models were trained on)."""

PROBE_TIMEOUT_S = 60


@dataclass(frozen=True)
class AudioInfo:
    """One audio stream: ``index`` within the file, codec, samples per second, channels."""

    index: int
    codec: str
    sample_rate: int
    channels: int


@dataclass(frozen=True)
class VideoInfo:
    """What ffprobe says of a file.

    ``width`` and ``height`` are stored pixels, before ``rotation`` (clockwise degrees: 0, 90, 180, 270) and the sample
    aspect ``sar``; ``fps`` is the container's average, ``base_fps`` the lowest rate that hits every timestamp (another
    one means a variable rate); ``frames`` is None where the container does not say; ``duration_s`` may be 0.
    """

    path: Path
    container: str
    index: int
    codec: str
    pix_fmt: str
    width: int
    height: int
    fps: Fraction
    base_fps: Fraction
    frames: int | None
    duration_s: float
    sar: Fraction
    rotation: int
    audio: tuple[AudioInfo, ...]

    @property
    def display_size(self) -> tuple[int, int]:
        """Width and height in square pixels, as a viewer sees it, rounded to whole pixels."""
        width, height = round(self.width * self.sar), self.height
        return (height, width) if self.rotation % 180 else (width, height)


def probe(path: Path) -> VideoInfo:
    """What the video file ``path`` contains; attached pictures (cover art) are no video.

    Raises MediaError if it cannot be read or holds no video.
    """
    args = [ffmpeg.program("ffprobe"), "-v", "error", "-of", "json", "-show_format", "-show_streams"]
    try:
        found = json.loads(ffmpeg.run([*args, *ffmpeg.input_args(path)], timeout_s=PROBE_TIMEOUT_S))
    except CommandFailed as error:
        raise MediaError(f"{path.name!r} is no readable video: {error}") from error
    streams = found.get("streams", [])
    videos = [s for s in streams if s.get("codec_type") == "video" and not s["disposition"].get("attached_pic")]
    if not videos:
        kinds = ", ".join(sorted({str(s.get("codec_type")) for s in streams})) or "nothing"
        raise MediaError(f"{path.name!r} holds no video stream, but {kinds}; expected a video file")
    audio = tuple(_audio_info(s) for s in streams if s.get("codec_type") == "audio")
    return _video_info(path, videos[0], found.get("format", {}), audio)


def _video_info(path: Path, stream: dict, container: dict, audio: tuple[AudioInfo, ...]) -> VideoInfo:
    duration = stream.get("duration") or container.get("duration") or 0
    return VideoInfo(
        path=path,
        container=container.get("format_name", ""),
        index=stream["index"],
        codec=stream.get("codec_name", "unknown"),
        pix_fmt=stream.get("pix_fmt", "unknown"),
        width=int(stream.get("width", 0)),
        height=int(stream.get("height", 0)),
        fps=_fraction(stream.get("avg_frame_rate")),
        base_fps=_fraction(stream.get("r_frame_rate")),
        frames=int(stream["nb_frames"]) if stream.get("nb_frames", "").isdigit() else None,
        duration_s=float(duration),
        sar=_fraction(stream.get("sample_aspect_ratio", "1:1").replace(":", "/")) or Fraction(1),
        rotation=_rotation(stream),
        audio=audio,
    )


def _audio_info(stream: dict) -> AudioInfo:
    return AudioInfo(
        stream["index"], stream.get("codec_name", "unknown"), int(stream.get("sample_rate", 0)), stream["channels"]
    )


def _fraction(text: str | None) -> Fraction:
    """ffprobe's ``30000/1001``; ``0/0`` and nothing are 0."""
    top, _, bottom = (text or "0").partition("/")
    return Fraction(int(top), int(bottom or 1)) if int(bottom or 1) else Fraction(0)


def _rotation(stream: dict) -> int:
    """Clockwise degrees that a player turns the picture by; ffprobe gives them counter-clockwise."""
    turns = [data["rotation"] for data in stream.get("side_data_list", []) if "rotation" in data]
    return round(-float(turns[0]) / 90) * 90 % 360 if turns else 0


def frames(
    path: Path, width: int, height: int, *, pix_fmt: str = "rgb24", scale_flags: str = "area"
) -> Iterator[np.ndarray]:
    """Every decoded frame in order, one at a time: (height, width, 3) uint8, read-only, RGB or as ``pix_fmt`` says.

    Other sizes than the video's own are scaled to. Frames are neither dropped nor repeated. Raises MediaError where
    the file cannot be decoded.
    """
    scale = ["-vf", f"scale={width}:{height}:flags={scale_flags}"]
    output = ["-map", "0:V:0", *scale, "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", pix_fmt, "pipe:1"]
    n_bytes = width * height * 3
    try:
        with ffmpeg.reading(ffmpeg.command(*ffmpeg.input_args(path), *output)) as stream:
            while len(data := stream.read(n_bytes)) == n_bytes:
                yield np.frombuffer(data, np.uint8).reshape(height, width, 3)
    except CommandFailed as error:
        raise MediaError(f"{path.name!r} cannot be decoded: {error}") from error


def waveform(path: Path, sample_rate: int = SAMPLE_RATE) -> np.ndarray:
    """The first audio stream mixed to mono: (n,) float32 in [-1, 1]; empty where the file has no sound.

    Four hours at 16 kHz take 0.9 GiB. Raises MediaError where the sound cannot be decoded.
    """
    if not probe(path).audio:
        return np.zeros(0, np.float32)
    output = ["-map", "0:a:0", "-ac", "1", "-ar", str(sample_rate), "-f", "f32le", "pipe:1"]
    try:
        with ffmpeg.reading(ffmpeg.command(*ffmpeg.input_args(path), *output)) as stream:
            return np.frombuffer(stream.read(), np.float32)
    except CommandFailed as error:
        raise MediaError(f"the sound of {path.name!r} cannot be decoded: {error}") from error
