"""What a media file contains, and its frames and sound as arrays."""

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

import numpy as np

from vidlib.errors import CommandFailed, MediaError
from vidlib.machine import commands
from vidlib.media import ffmpeg
from vidlib.media.audio import SAMPLE, StoredSamples
from vidlib.media.playlists import refuse_playlist
from vidlib.timeline import FPS, seconds

SAMPLE_RATE = 16_000
"""Samples per second of every waveform here (what the speech models were trained on)."""

SAMPLES_PER_FRAME = int(SAMPLE_RATE / FPS)

RUNS_AT_ONCE = 16
"""Places of a video that stills are sought at by one ffmpeg."""

NEAR = 50
"""Frames (2 s) that are sooner read than sought: a seek reads from the last key frame, mostly a whole shot."""

PROBE_TIMEOUT_S = 60

PART_BYTES = 1 << 20
"""Bytes of sound that are read at a time."""

MAX_SIDE = 8192
"""Width and height that are accepted, in pixels: 8K television, and no picture that fills the memory."""

MAX_DURATION_S = 24 * 3600
"""The longest file that is accepted, in seconds; more is a lie, and would be filled up with billions of frames."""


@dataclass(frozen=True)
class AudioInfo:
    """One audio stream: ``index`` within the file, codec, samples per second, channels, when it begins in seconds."""

    index: int
    codec: str
    sample_rate: int
    channels: int
    start_s: float = 0.0


@dataclass(frozen=True)
class VideoInfo:
    """What ffprobe says of a file.

    ``width`` and ``height`` are stored pixels, before ``rotation`` (clockwise degrees: 0, 90, 180, 270) and the sample
    aspect ``sar``; ``fps`` is the container's average, ``base_fps`` the lowest rate that hits every timestamp (another
    one means a variable rate); ``frames`` is None where the container does not say; ``duration_s`` may be 0;
    ``start_s`` is when the picture begins, ``transfer`` how values become light, ``timecode`` the label of its first
    frame in frames of ``fps``.
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
    start_s: float = 0.0
    interlaced: bool = False
    transfer: str = "unknown"
    timecode: str | None = None

    @property
    def display_size(self) -> tuple[int, int]:
        """Width and height in square pixels, as a viewer sees it, rounded to whole pixels."""
        width, height = round(self.width * self.sar), self.height
        return (height, width) if self.rotation % 180 else (width, height)

    @property
    def is_hdr(self) -> bool:
        """Whether the picture has a high dynamic range: PQ or HLG, ITU-R BT.2100."""
        return self.transfer in ("smpte2084", "arib-std-b67")

    @property
    def is_rgb(self) -> bool:
        """Whether the picture is stored as red, green and blue, as screen recordings are."""
        return self.pix_fmt.startswith(("rgb", "bgr", "gbr", "argb", "abgr", "0rgb", "0bgr", "pal8"))


def probe(path: Path) -> VideoInfo:
    """What the video file ``path`` contains; attached pictures (cover art) are no video.

    Raises MediaError if it cannot be read, holds no video, or one larger than `MAX_SIDE` or longer than
    `MAX_DURATION_S`.
    """
    if not path.is_file():
        raise MediaError(f"{str(path)!r} is no file; expected a video file")
    found = _described(_Stored.at(path))
    streams = found.get("streams", [])
    videos = [s for s in streams if s.get("codec_type") == "video" and not s["disposition"].get("attached_pic")]
    if not videos:
        kinds = ", ".join(sorted({str(s.get("codec_type")) for s in streams})) or "nothing"
        raise MediaError(f"{path.name!r} holds no moving picture, but {kinds}; expected a video file")
    audio = tuple(_audio_info(s) for s in streams if s.get("codec_type") == "audio")
    info = _video_info(path, videos[0], found.get("format", {}), audio)
    sides = (info.width, info.height, *info.display_size)
    if not all(2 <= side <= MAX_SIDE for side in sides):
        raise MediaError(f"{path.name!r} has {info.width} x {info.height} pixels; expected 2 to {MAX_SIDE} each way")
    said = [float(part.get("duration", 0)) for part in (*streams, found.get("format", {}))]
    if (longest_s := max(*said, _shown_s(info))) > MAX_DURATION_S:
        raise MediaError(f"{path.name!r} says that it is {longest_s:.0f} s long; expected at most {MAX_DURATION_S} s")
    return info


def _shown_s(info: VideoInfo) -> float:
    """How long all frames take by the times that they have, which may be more than the duration that is said."""
    return float(info.frames / info.fps) if info.frames and info.fps else 0.0


def timestamps(info: VideoInfo) -> list[Fraction]:
    """When each stored frame is shown, in seconds, in order; nothing is decoded.

    Frames that an edit list leaves out are among them. Raises MediaError where the file cannot be read.
    """
    return list(_timestamps(_Stored.at(info.path), info.index))


@lru_cache(maxsize=2)
def _timestamps(file: "_Stored", index: int) -> tuple[Fraction, ...]:
    found = _ffprobe(file.path, "-select_streams", str(index), "-show_entries", "packet=pts:stream=time_base")
    time_base = Fraction(found["streams"][0]["time_base"])
    return tuple(sorted(packet["pts"] * time_base for packet in found.get("packets", []) if "pts" in packet))


def decode(
    info: VideoInfo, *also: str, timeout_s: float, on_frame: Callable[[int], None] | None = None
) -> ffmpeg.DecodeStats:
    """Decode picture and sound from beginning to end: how many frames there really are, and complaints.

    Kept is what further outputs of ffmpeg ``also`` names. ``on_frame`` is given the number of frames so far. Raises
    MediaError where the file cannot be decoded at all, CommandFailed where what is to be kept cannot be written.
    """
    maps = [arg for index in (info.index, *(a.index for a in info.audio)) for arg in ("-map", f"0:{index}")]
    output = [*maps, "-fps_mode", "passthrough", "-f", "null", "-", *also]
    try:
        return ffmpeg.run_counted(
            ffmpeg.command(*ffmpeg.input_args(info.path), *output), timeout_s=timeout_s, on_frame=on_frame
        )
    except CommandFailed as error:
        if also:  # one that can be decoded alone is not what failed
            decode(info, timeout_s=timeout_s)
            raise
        raise MediaError(f"{info.path.name!r} cannot be decoded: {error}") from error


def frames(
    path: Path,
    width: int,
    height: int,
    *,
    only: Sequence[int] | None = None,
    pix_fmt: str = "rgb24",
    scale_flags: str = "area",
) -> Iterator[np.ndarray]:
    """Every decoded frame in order, one at a time: (height, width, 3) uint8, read-only, RGB or as ``pix_fmt`` says.

    ``only`` are the frames that are wanted (from 0, rising, at least one): many cost one pass, where each of `stills`
    costs a seek. Other sizes than the video's own are scaled to. Frames are neither dropped nor repeated. Raises
    MediaError where the file cannot be decoded.
    """
    picture = ["-map", "0:V:0", *scaled(width, height, only, scale_flags)]
    with _decoding(path, *picture, "-f", "rawvideo", "-pix_fmt", pix_fmt) as stream:
        while (frame := next_frame(stream, width, height)) is not None:
            yield frame


def scaled(width: int, height: int, only: Sequence[int] | None = None, scale_flags: str = "area") -> list[str]:
    """Options of ffmpeg for every frame, or ``only`` those of these numbers (from 0, rising), in this size."""
    pick = f"{ffmpeg.select_filter(only)}," if only is not None else ""
    return ["-vf", f"{pick}scale={width}:{height}:flags={scale_flags}", "-fps_mode", "passthrough"]


def stills(path: Path, numbers: Sequence[int], width: int, height: int) -> list[np.ndarray]:
    """The frames of these ``numbers`` (0-based) of a video at `FPS`, (height, width, 3) uint8 RGB each.

    Each is sought by its time, so a few cost the same in a long video as in a short one; those that follow each other
    closely are read on to. Raises MediaError for a number past the end.
    """
    runs = _runs(numbers)
    groups = [runs[start : start + RUNS_AT_ONCE] for start in range(0, len(runs), RUNS_AT_ONCE)]
    return [still for group in groups for still in _stills(path, group, width, height)]


def _runs(numbers: Sequence[int]) -> list[list[int]]:
    """The numbers in runs that rise by `NEAR` at most.

    >>> _runs([0, 30, 200, 200])
    [[0, 30], [200], [200]]
    """
    runs: list[list[int]] = []
    for number in numbers:
        if runs and 0 < number - runs[-1][-1] <= NEAR:
            runs[-1].append(number)
        else:
            runs.append([number])
    return runs


def _stills(path: Path, runs: Sequence[Sequence[int]], width: int, height: int) -> Iterator[np.ndarray]:
    """All by one ffmpeg that opens the file once for each run: starting one takes longer than finding a frame."""
    # half a frame early: what is shown first from then on is the frame that is meant
    times = [max(0.0, float(seconds(run[0]) - 1 / (2 * FPS))) for run in runs]
    # two threads each: the inputs are read one after the other, and a frame may lie ten seconds behind its key frame
    inputs = [arg for at_s in times for arg in ffmpeg.input_args(path, "-threads", "2", "-an", "-ss", f"{at_s:.6f}")]
    fit = f"setpts=N,scale={width}:{height}:flags=area,setsar=1"
    graph = "".join(f"[{place}:V:0]{_run_of(run)},{fit}[run{place}];" for place, run in enumerate(runs))
    graph += "".join(f"[run{place}]" for place in range(len(runs))) + f"concat=n={len(runs)}[stills]"
    output = ["-filter_complex", graph, "-map", "[stills]", "-fps_mode", "passthrough"]
    numbers = [number for run in runs for number in run]
    with _reading(path, *inputs, *output, "-f", "rawvideo", "-pix_fmt", "rgb24") as stream:
        found = [next_frame(stream, width, height) for _ in numbers]
    if missing := sum(frame is None for frame in found):
        raise MediaError(f"{path.name!r} has no frame {sorted(numbers)[-missing]}")  # it lacks those past its end
    yield from found


def _run_of(run: Sequence[int]) -> str:
    """Filters that let a run through, of an input that begins with its first frame, and then end that input."""
    return f"trim=end_frame={run[-1] - run[0] + 1},{ffmpeg.select_filter([number - run[0] for number in run])}"


def waveform(path: Path, sample_rate: int = SAMPLE_RATE) -> np.ndarray:
    """The first audio stream mixed to mono: (n,) float32 in [-1, 1]; empty where the file has no sound.

    Sample 0 is at 0 s, also where the sound begins later than the picture. Four hours at 16 kHz take 0.9 GiB. Raises
    MediaError where the sound cannot be decoded.
    """
    if not _has_sound(path):
        return np.zeros(0, np.float32)
    samples = bytearray()  # grows in place: all parts and their sum would be twice as much
    with _mono(path, sample_rate) as stream:
        while part := stream.read(PART_BYTES):
            samples += part
    return np.frombuffer(samples, np.float32)


@contextmanager
def stored_waveform(path: Path, folder: Path, n_samples: int) -> Iterator[StoredSamples]:
    """The first ``n_samples`` of `waveform`, or all if there are fewer, on disk instead of in memory: 230 MB an hour.

    The file is in ``folder`` and has no name, so that nothing is left of it, whatever ends this process. Raises
    MediaError where the sound cannot be decoded, OSError where it cannot be written.
    """
    with TemporaryFile(dir=folder) as file:
        if _has_sound(path):
            with _mono(path, SAMPLE_RATE) as stream:
                shutil.copyfileobj(stream, file, PART_BYTES)
        yield StoredSamples(file, min(n_samples, file.tell() // SAMPLE.itemsize))


def sound(path: Path) -> Iterator[np.ndarray]:
    """The first audio stream mixed to mono, one frame at `FPS` after the other: (640,) float32 in [-1, 1] each.

    Only one frame's sound is in memory at a time; the last one may be shorter. Nothing where the file has no sound.
    Raises MediaError where the sound cannot be decoded.
    """
    if not _has_sound(path):
        return
    n_bytes = SAMPLES_PER_FRAME * np.dtype(np.float32).itemsize
    with _mono(path, SAMPLE_RATE) as stream:
        while part := stream.read(n_bytes):
            yield np.frombuffer(part, np.float32)


def loudness(path: Path) -> np.ndarray:
    """How loud `sound` is during each frame: (n,) float32, root mean square in [0, 1]."""
    return np.array([np.sqrt(np.mean(part**2)) for part in sound(path)], np.float32)


def _has_sound(path: Path) -> bool:
    return any(stream.get("codec_type") == "audio" for stream in _described(_Stored.at(path)).get("streams", []))


def _mono(path: Path, sample_rate: int) -> AbstractContextManager[IO[bytes]]:
    """The first audio stream as float32 samples, the first of them at 0 s."""
    mono = ["-map", "0:a:0", "-af", "aresample=async=1:first_pts=0", "-ac", "1", "-ar", str(sample_rate)]
    mono += ["-t", str(MAX_DURATION_S)]  # silence fills up what lies between two samples, be it years
    return _decoding(path, *mono, "-f", "f32le")


@contextmanager
def _decoding(path: Path, *output: str) -> Iterator[IO[bytes]]:
    with _reading(path, *ffmpeg.input_args(path), *output) as stream:
        yield stream


@contextmanager
def _reading(path: Path, *args: str) -> Iterator[IO[bytes]]:
    try:
        with commands.stream_stdout(ffmpeg.command(*args, "pipe:1")) as stream:
            yield stream
    except CommandFailed as error:
        raise MediaError(f"{path.name!r} cannot be decoded: {error}") from error


def next_frame(stream: IO[bytes], width: int, height: int) -> np.ndarray | None:
    """The next frame of raw ones, 3 bytes a pixel: (height, width, 3) uint8, read-only; None at their end."""
    data = stream.read(width * height * 3)
    return np.frombuffer(data, np.uint8).reshape(height, width, 3) if len(data) == width * height * 3 else None


@dataclass(frozen=True)
class _Stored:
    """A file as it is now, the same by whatever name: ffprobe, which takes 0.1 s to start, is asked once about it."""

    path: Path = field(compare=False)
    state: tuple[int, ...]

    @classmethod
    def at(cls, path: Path) -> "_Stored":
        try:
            now = path.stat()
        except OSError as error:
            raise MediaError(f"{path.name!r} is no readable video: {error}") from error
        return cls(path, (now.st_dev, now.st_ino, now.st_size, now.st_mtime_ns))


@lru_cache(maxsize=64)
def _described(file: _Stored) -> dict[str, Any]:
    """What ffprobe says of a file and its streams."""
    return _ffprobe(file.path, "-show_format", "-show_streams")


def _ffprobe(path: Path, *options: str) -> dict[str, Any]:
    refuse_playlist(path)
    args = [commands.find_program("ffprobe"), "-v", "error", "-of", "json", *options]
    try:
        return json.loads(commands.run([*args, *ffmpeg.input_args(path)], timeout_s=PROBE_TIMEOUT_S).stdout)
    except CommandFailed as error:
        raise MediaError(f"{path.name!r} is no readable video: {error}") from error


def _video_info(path: Path, stream: dict, container: dict, audio: tuple[AudioInfo, ...]) -> VideoInfo:
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
        base_fps=_fraction(stream.get("r_frame_rate")),
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


def _audio_info(stream: dict) -> AudioInfo:
    return AudioInfo(
        index=stream["index"],
        codec=stream.get("codec_name", "unknown"),
        sample_rate=int(stream.get("sample_rate", 0)),
        channels=stream.get("channels", 0),
        start_s=float(stream.get("start_time", 0)),
    )


def _fraction(text: str | None) -> Fraction:
    """ffprobe's ``30000/1001``; ``0/0`` and nothing are 0."""
    top, _, bottom = (text or "0").partition("/")
    return Fraction(int(top), int(bottom or 1)) if int(bottom or 1) else Fraction(0)


def _rotation(stream: dict) -> int:
    """Clockwise degrees that a player turns the picture by; ffprobe gives them counter-clockwise."""
    turns = [data["rotation"] for data in stream.get("side_data_list", []) if "rotation" in data]
    return round(-float(turns[0]) / 90) * 90 % 360 if turns else 0
