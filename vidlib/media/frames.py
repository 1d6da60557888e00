"""The frames of a video as arrays."""

from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from vidlib.errors import CommandFailed, MediaError
from vidlib.media import ffmpeg
from vidlib.media.probe import VideoInfo
from vidlib.timeline import FPS, seconds

Frame = NDArray[np.uint8]
"""One frame, shape (height, width, 3), in [0, 255]."""

SEEKS_AT_ONCE = 16
"""Positions of a video that one ffmpeg process seeks to."""

SEEK_FROM = 50
"""Frames (2 s) up to which reading on is faster than seeking: a seek decodes from the last key frame."""


def read_frames(
    path: Path,
    width: int,
    height: int,
    *,
    only: Sequence[int] | None = None,
    pix_fmt: str = "rgb24",
    scale_flags: str = "area",
    threads: int = 0,
) -> Generator[Frame, None, None]:
    """Decode all frames in order, one at a time: (height, width, 3) uint8, read-only, RGB unless ``pix_fmt`` differs.

    ``only`` selects frames by number (from 0, rising, at least one) in a single pass; `read_stills` seeks instead.
    Frames are scaled to ``width`` and ``height`` in pixels, and neither dropped nor repeated. ``threads`` decode, by
    default one more than there are cores. Raises MediaError where the file cannot be decoded.
    """
    options = ["-map", "0:V:0", *ffmpeg.scale_options(width, height, only, scale_flags)]
    output = [*options, "-f", "rawvideo", "-pix_fmt", pix_fmt]
    source = ffmpeg.input_args(path, "-threads", str(threads))
    with ffmpeg.stream_decoded(path, *source, *output) as stream:
        while (frame := next_frame(stream, width, height)) is not None:
            yield frame


def read_stills(path: Path, numbers: Sequence[int], width: int, height: int) -> list[Frame]:
    """Seek the frames with these ``numbers`` (from 0) in a video at `FPS`: (height, width, 3) uint8 RGB each.

    A few frames of a long video cost as much as those of a short one. Frames within `SEEK_FROM` of each other share a
    seek. Raises MediaError for a number beyond the last frame.
    """
    runs = _runs(numbers)
    groups = [runs[start : start + SEEKS_AT_ONCE] for start in range(0, len(runs), SEEKS_AT_ONCE)]
    return [still for group in groups for still in _seek(path, group, width, height)]


def next_frame(stream: IO[bytes], width: int, height: int) -> Frame | None:
    """Read the next frame of raw video, 3 bytes a pixel: (height, width, 3) uint8, read-only; None at the end."""
    data = stream.read(width * height * 3)
    return np.frombuffer(data, np.uint8).reshape(height, width, 3) if len(data) == width * height * 3 else None


def decode_all(
    info: VideoInfo, *extra_outputs: str, timeout_s: float, on_frame: Callable[[int], None] | None = None
) -> ffmpeg.DecodeStats:
    """Decode picture and sound from beginning to end, and count the frames that are really there.

    ``extra_outputs`` are arguments of FFmpeg for files to write in the same pass. ``on_frame`` receives the number of
    frames so far. Raises MediaError where the file cannot be decoded, CommandFailed where an extra output cannot be
    written.
    """
    maps = [arg for index in (info.index, *(track.index for track in info.audio)) for arg in ("-map", f"0:{index}")]
    output = [*maps, "-fps_mode", "passthrough", "-f", "null", "-", *extra_outputs]
    command = ffmpeg.command(*ffmpeg.input_args(info.path), *output)
    try:
        return ffmpeg.run_counted(command, timeout_s=timeout_s, on_frame=on_frame)
    except CommandFailed as error:
        if extra_outputs:  # if the file can be decoded alone, the extra outputs failed
            decode_all(info, timeout_s=timeout_s)
            raise
        raise MediaError(f"{info.path.name!r} cannot be decoded: {error}") from error


def _runs(numbers: Sequence[int]) -> list[list[int]]:
    """Split the numbers into runs that rise by at most `SEEK_FROM`.

    >>> _runs([0, 30, 200, 200])
    [[0, 30], [200], [200]]
    """
    runs: list[list[int]] = []
    for number in numbers:
        if runs and 0 < number - runs[-1][-1] <= SEEK_FROM:
            runs[-1].append(number)
        else:
            runs.append([number])
    return runs


def _seek(path: Path, runs: Sequence[Sequence[int]], width: int, height: int) -> list[Frame]:
    """Read all runs with one process that opens the file once for each; starting a process takes longer than a seek."""
    # seek half a frame early, so that the first frame shown from then on is the wanted one
    times = [max(0.0, float(seconds(run[0]) - 1 / (2 * FPS))) for run in runs]
    # two threads each, because inputs are read in turn and a frame may lie ten seconds after its key frame
    inputs = [arg for at_s in times for arg in ffmpeg.input_args(path, "-threads", "2", "-an", "-ss", f"{at_s:.6f}")]
    fit = f"setpts=N,scale={width}:{height}:flags=area,setsar=1"
    graph = "".join(f"[{index}:V:0]{_run_filter(run)},{fit}[run{index}];" for index, run in enumerate(runs))
    graph += "".join(f"[run{index}]" for index in range(len(runs))) + f"concat=n={len(runs)}[stills]"
    output = ["-filter_complex", graph, "-map", "[stills]", "-fps_mode", "passthrough"]
    numbers = [number for run in runs for number in run]
    with ffmpeg.stream_decoded(path, *inputs, *output, "-f", "rawvideo", "-pix_fmt", "rgb24") as stream:
        frames = [frame for _ in numbers if (frame := next_frame(stream, width, height)) is not None]
    if n_missing := len(numbers) - len(frames):
        raise MediaError(f"{path.name!r} has no frame {sorted(numbers)[-n_missing]}")  # it ends before the last ones
    return frames


def _run_filter(run: Sequence[int]) -> str:
    """Filters that keep the frames of a run and then end the input, which begins with the run's first frame."""
    return f"trim=end_frame={run[-1] - run[0] + 1},{ffmpeg.select_filter([number - run[0] for number in run])}"
