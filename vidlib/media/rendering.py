"""Copies of a video for people to look at: pictures that were drawn one by one, with the sound of the video."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from vidlib.files import TMP_PREFIX
from vidlib.machine import commands
from vidlib.media import ffmpeg
from vidlib.media.frames import Frame, read_frames
from vidlib.timeline import FPS

Part = tuple[int, int, int, int]
"""A part of a picture in pixels: left, top, width, height."""

ENCODER = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "24", "-pix_fmt", "yuv420p", "-threads", "2")

ALIKE_PX = 2
"""A part whose shape differs by so many pixels from that of the copy still fills it."""

BLUR_SHARE, DARKENED = 1 / 16, 0.5
"""Blur of the background in widths of the copy, and its brightness beside that of the video."""


def render(video: Path, target: Path, pictures: Iterable[Frame], size: tuple[int, int]) -> Path:
    """Write ``pictures``, of ``size`` (width, height, both even), with the sound of ``video`` to the MP4 ``target``.

    One picture at a time is in memory. Raises CommandFailed where FFmpeg fails.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=TMP_PREFIX, dir=target.parent) as folder:
        part = Path(folder) / "copy.mp4"
        raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{size[0]}x{size[1]}", "-r", str(FPS), "-i", "pipe:0"]
        sound = [*ffmpeg.input_args(video), "-map", "0:v", "-map", "1:a:0?", "-c:a", "aac", "-b:a", "96k"]
        output = [*ENCODER, "-movflags", "+faststart", f"file:{part}"]
        with commands.feed_stdin(ffmpeg.command(*raw, *sound, *output)) as stdin:
            for picture in pictures:
                stdin.write(picture.tobytes())
        os.replace(part, target)
    return target


def parts_of(video: Path, source: tuple[int, int], parts: Iterable[Part], size: tuple[int, int]) -> Iterator[Frame]:
    """The pictures of ``video``, of ``source`` (width, height): of each the part, brought to ``size``.

    A part of another shape is shown as a whole, over a blurred copy that fills the picture.
    """
    frames = read_frames(video, *source, scale_flags="bilinear")
    for frame, (left, top, width, height) in zip(frames, parts, strict=False):
        yield _fitted(frame[top : top + height, left : left + width], size)


def _fitted(part: Frame, size: tuple[int, int]) -> Frame:
    import cv2

    height, width = part.shape[:2]
    scale = min(size[0] / width, size[1] / height)
    inner = max(2, round(width * scale)), max(2, round(height * scale))
    if size[0] - inner[0] <= ALIKE_PX and size[1] - inner[1] <= ALIKE_PX:
        return np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), np.uint8)
    picture = _background(part, size)
    left, top = (size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2
    shown = cv2.resize(part, inner, interpolation=cv2.INTER_AREA)
    picture[top : top + inner[1], left : left + inner[0]] = shown
    return picture


def _background(part: Frame, size: tuple[int, int]) -> Frame:
    """The middle of ``part`` as a blurred, darkened picture of ``size``."""
    import cv2

    height, width = part.shape[:2]
    scale = min(width / size[0], height / size[1])
    inner_width, inner_height = max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
    left, top = (width - inner_width) // 2, (height - inner_height) // 2
    small = cv2.resize(part[top : top + inner_height, left : left + inner_width], (size[0] // 8, size[1] // 8))
    blurred = cv2.GaussianBlur(small, (0, 0), max(1.0, size[0] // 8 * BLUR_SHARE))
    return np.asarray(cv2.resize(blurred, size) * DARKENED, np.uint8)
