"""Chooses an H.264 encoder for this machine, with options for good and repeatable results."""

import functools
from dataclasses import dataclass
from typing import Literal

from vidlib.errors import CommandFailed, EngineUnavailable, OutOfMemory
from vidlib.machine import commands, devices
from vidlib.media import ffmpeg

Preset = Literal["ultrafast", "veryfast", "fast", "medium", "slow"]

NVENC_PRESETS = {"ultrafast": "p1", "veryfast": "p3", "fast": "p4", "medium": "p5", "slow": "p7"}
"""NVENC's preset for each preset of x264 (Video Codec SDK, preset migration guide)."""

X264_THREADS = 6
"""Threads of libx264, the same on every machine, because their number changes the bytes. Six threads lose nothing on
one or two cores and keep four busy; each costs 0.05 % of the file's size."""

PROBE_TIMEOUT_S = 30


@dataclass(frozen=True)
class Encoder:
    """An encoder of FFmpeg and its device; ``fallback`` is the reason for another device than the requested one."""

    name: Literal["libx264", "h264_nvenc"]
    device: Literal["cuda", "cpu"]
    fallback: str | None = None

    def options(self, preset: Preset, crf: int) -> dict[str, str | int]:
        """FFmpeg's options for constant quality ``crf`` in [0, 51]; lower is better."""
        if self.name == "h264_nvenc":
            return {"preset:v": NVENC_PRESETS[preset], "rc:v": "vbr", "cq:v": crf, "b:v": 0}
        return {"preset:v": preset, "crf": crf, "threads:v": X264_THREADS}


def choose(wanted: devices.Wanted, width: int, height: int) -> Encoder:
    """Choose the encoder for frames of this size in pixels: NVENC if it can encode one, else libx264.

    Raises EngineUnavailable for ``cuda`` where NVENC cannot.
    """
    choice = devices.choose(wanted, lambda: nvenc_problem(width, height))
    return Encoder("h264_nvenc" if choice.device == "cuda" else "libx264", choice.device, choice.fallback)


@functools.cache
def nvenc_problem(width: int, height: int) -> str | None:
    """The reason why NVENC cannot encode frames of this size on this machine; None if a trial frame works.

    FFmpeg's list of encoders is no evidence: the driver or the chip may be missing, or the size unsupported.
    """
    if not devices.gpus():
        return devices.NO_GPU
    picture = ["-f", "lavfi", "-i", f"color=size={width}x{height}:rate=25"]
    try:
        one_frame = ffmpeg.command(*picture, "-frames:v", "1", "-c:v", "h264_nvenc", "-f", "null", "-")
        commands.run(one_frame, timeout_s=PROBE_TIMEOUT_S)
    except (CommandFailed, EngineUnavailable, OutOfMemory) as error:
        return f"NVENC cannot encode {width} x {height} pixels here ({error})"
    return None
