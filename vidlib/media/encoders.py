"""The H.264 encoders: which one this machine can use, and the options that make its work good and repeatable."""

import functools
from dataclasses import dataclass
from typing import Literal

from vidlib.errors import CommandFailed, EngineUnavailable
from vidlib.machine import commands, devices
from vidlib.media import ffmpeg

Preset = Literal["ultrafast", "veryfast", "fast", "medium", "slow"]

NVENC_PRESETS = {"ultrafast": "p1", "veryfast": "p3", "fast": "p4", "medium": "p5", "slow": "p7"}
"""What NVIDIA calls the same trade of time against size (Video Codec SDK, preset migration guide)."""

X264_THREADS = 6
"""Threads of libx264, which give other bytes than another number of them: the same on every machine and any number of
cores. Six lose nothing on one core or two and keep four busy; each costs 0.05 % of the file's size."""

PROBE_TIMEOUT_S = 30


@dataclass(frozen=True)
class Encoder:
    """An encoder's name to ffmpeg, where it runs, and why that is not where it was asked to (None if it is)."""

    name: Literal["libx264", "h264_nvenc"]
    device: Literal["cuda", "cpu"]
    fallback: str | None = None

    def options(self, preset: Preset, crf: int) -> dict[str, str | int]:
        """FFmpeg's options for constant quality ``crf`` in [0, 51], lower is better."""
        if self.name == "h264_nvenc":
            return {"preset:v": NVENC_PRESETS[preset], "rc:v": "vbr", "cq:v": crf, "b:v": 0}
        return {"preset:v": preset, "crf": crf, "threads:v": X264_THREADS}


def choose(wanted: devices.Wanted, width: int, height: int) -> Encoder:
    """The encoder for pictures of this size: NVENC where a one-frame encode works, else libx264.

    Raises EngineUnavailable for ``cuda`` where it does not.
    """
    choice = devices.choose(wanted, lambda: nvenc_problem(width, height))
    return Encoder("h264_nvenc" if choice.device == "cuda" else "libx264", choice.device, choice.fallback)


@functools.cache
def nvenc_problem(width: int, height: int) -> str | None:
    """Why NVENC cannot encode pictures of this size here; None if it can, shown by encoding one.

    That ffmpeg lists the encoder says nothing: it may be without driver or chip, or refuse the size.
    """
    picture = ["-f", "lavfi", "-i", f"color=size={width}x{height}:rate=25"]
    try:
        one_frame = ffmpeg.command(*picture, "-frames:v", "1", "-c:v", "h264_nvenc", "-f", "null", "-")
        commands.run(one_frame, timeout_s=PROBE_TIMEOUT_S)
    except (CommandFailed, EngineUnavailable) as error:
        return f"NVENC cannot encode {width} x {height} pixels here ({error})"
    return None
