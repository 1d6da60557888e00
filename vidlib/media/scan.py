"""The formats that occur in a file, frame by frame.

A container states one picture size, one scan type and one channel layout. Decoders also report them with each frame,
where they may change: tapes with 4:3 and 16:9 programmes, broadcasts, files that were joined.
"""

import re
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from math import inf
from typing import NamedTuple

from vidlib.errors import CommandFailed
from vidlib.machine import commands
from vidlib.media import ffmpeg
from vidlib.media.durations import WITH_JUMPS
from vidlib.media.ffprobe import BACK_S
from vidlib.media.frames import next_frame
from vidlib.media.probe import VideoInfo, fraction

SAMPLE_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 88200, 96000, 176400, 192000)
"""Samples per second that sound is stored with."""

RATE_TOLERANCE = 0.015
"""Relative error of a rate that is measured by time stamps, which Matroska rounds to milliseconds."""

RATE_WINDOW = 12
"""Frames of sound over which its rate is measured."""

MIN_MEASUREMENTS = 6
"""Equal measurements in a row after which a sample rate counts."""

GAP_S = 0.01
"""Error of the time stamps in seconds from which sound has a gap, or an overlap."""

FIELD_SAMPLE = 500
"""Frames from the beginning in which combing is measured."""

PICTURE_FIELDS = "width,height,sample_aspect_ratio,pix_fmt,interlaced_frame"
SOUND_FIELDS = "nb_samples,channels,channel_layout"
DURATION_FIELDS = "duration_time,pkt_duration_time"  # the second is the name up to FFmpeg 5
FRAME_FIELDS = f"stream_index,pts,best_effort_timestamp_time,{DURATION_FIELDS},{PICTURE_FIELDS},{SOUND_FIELDS}"
FRAME_TAGS = "timecode"

UNSET_TIMECODES = ("00:00:00:00", "00:00:00;00")
"""Time codes of frames whose encoder knew none."""

SKIPPED = ("-skip_loop_filter", "all", "-skip_idct", "all")
"""Parts of decoding that only affect pixels: skipping them saves a third of the time."""


class PictureFormat(NamedTuple):
    """Stored size in pixels, sample aspect ratio and FFmpeg's pixel format of a frame."""

    width: int
    height: int
    sar: Fraction
    pix_fmt: str

    @property
    def display_size(self) -> tuple[int, int]:
        """Width and height in square pixels, before any rotation."""
        return round(self.width * self.sar), self.height


class SoundFormat(NamedTuple):
    """Channels of a piece of sound, FFmpeg's name of their layout ("": none), and samples per second (0: unknown)."""

    channels: int
    layout: str
    sample_rate: int


@dataclass(frozen=True)
class Stretch:
    """Consecutive frames of one format; ``start_s`` counts from the first frame of the picture."""

    format: PictureFormat
    start_s: float
    frames: int


@dataclass(frozen=True)
class Scan:
    """Formats of all frames that can be decoded.

    ``start_s`` is the time of the first frame. Its time stamp is ``delay_s`` later where the file numbers frames
    in the order of decoding. ``timecode`` is the SMPTE label that the first frame itself carries (MPEG-2, SEI of
    H.264), or None. ``interlaced`` counts the frames that the decoder flags as two fields, ``repeated`` those at the
    times of earlier frames, because the clock began again. ``ends_short`` tells that the last frame lasts less than
    half as long as the others.
    ``sounds`` maps the index of an audio stream to its formats, in order of appearance. ``with_gaps`` holds the audio
    streams whose time stamps contradict the number of samples.
    """

    picture: tuple[Stretch, ...] = ()
    start_s: float = 0.0
    delay_s: float = 0.0
    timecode: str | None = None
    interlaced: int = 0
    repeated: int = 0
    ends_short: bool = False
    sounds: dict[int, tuple[SoundFormat, ...]] = field(default_factory=dict)
    with_gaps: frozenset[int] = frozenset()

    @property
    def frames(self) -> int:
        """Number of decoded frames."""
        return sum(stretch.frames for stretch in self.picture)

    @property
    def is_uniform(self) -> bool:
        """Whether all frames of the picture have the same format."""
        return len({stretch.format for stretch in self.picture}) < 2

    @property
    def main_format(self) -> PictureFormat | None:
        """The format whose display size most frames have; the first of equals; None without a frame."""
        counts: Counter[tuple[int, int]] = Counter()
        for stretch in self.picture:
            counts[stretch.format.display_size] += stretch.frames
        if not counts:
            return None
        size = counts.most_common(1)[0][0]
        return next(stretch.format for stretch in self.picture if stretch.format.display_size == size)


def scan_formats(info: VideoInfo, timeout_s: float, *, key_frames: bool = False) -> Scan:
    """Decode the picture and all audio streams of ``info.path``, and collect the formats of their frames.

    ``key_frames`` limits the picture to its key frames, a twentieth of the work; H.264 changes its size and shape only
    there. A file that breaks off, or breaks the decoder, is scanned as far as it goes.
    """
    collected = _Collected(info)
    skipped = [*SKIPPED, "-skip_frame", "nokey"] if key_frames else SKIPPED
    options = ["-threads", "0", *skipped, "-v", "error", "-of", "compact=p=0", "-show_frames"]
    entries = ["-show_entries", f"frame={FRAME_FIELDS}:frame_tags={FRAME_TAGS}", *ffmpeg.input_args(info.path)]
    try:
        with commands.stream_stdout([commands.find_program("ffprobe"), *options, *entries], timeout_s) as lines:
            for line in lines:
                collected.add(dict(_pairs(line.decode(errors="replace").strip())))
    except CommandFailed:
        pass  # the conversion meets the same error, and explains it
    return collected.result()


def is_combed(info: VideoInfo) -> bool | None:
    """Whether the first frames show two moments each (FFmpeg's idet); None if they do not move enough to tell.

    A rolling title that is progressive looks combed to this measure, so it only confirms what a container states.
    """
    command = ffmpeg.command(*ffmpeg.input_args(info.path), "-map", f"0:{info.index}", "-frames:v", str(FIELD_SAMPLE))
    shown = ["info" if arg == "error" else arg for arg in command]
    try:
        messages = commands.run([*shown, "-vf", "idet", "-f", "null", "-"], timeout_s=600).stderr
    except CommandFailed:  # the conversion meets the same error, and explains it
        return None
    counts = re.findall(r"Multi frame detection: TFF:\s*(\d+) BFF:\s*(\d+) Progressive:\s*(\d+)", messages)
    if not counts:
        return None
    top, bottom, progressive = map(int, counts[-1])
    return None if top + bottom == progressive else top + bottom > progressive


def is_transparent(info: VideoInfo) -> bool:
    """Whether any part of any frame can be seen through, and another cannot.

    Many programs that record 32-bit RGB leave the alpha channel at 0 everywhere: such a picture is opaque. Raises
    MediaError where the picture cannot be decoded.
    """
    width, height = 64, 36
    alpha = f"format=rgba,alphaextract,format=gray,negate,scale={width}:{height}:flags=area,format=rgb24"
    output = ["-map", f"0:{info.index}", "-vf", alpha, "-fps_mode", "passthrough", "-f", "rawvideo"]
    with ffmpeg.stream_decoded(info.path, *decoder_options(info), *ffmpeg.input_args(info.path), *output) as stream:
        hidden = visible = False
        while not (hidden and visible) and (frame := next_frame(stream, width, height)) is not None:
            hidden |= bool(frame.any())
            visible |= bool((frame < 255).any())
    return hidden and visible


def decoder_options(info: VideoInfo) -> list[str]:
    """Options before an input that choose a decoder: FFmpeg's own for VP8 and VP9 drop the alpha channel."""
    decoders = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
    return ["-c:v", decoders[info.codec]] if info.hidden_alpha and info.codec in decoders else []


class _Collected:
    """Formats while frames arrive in the order of the file."""

    def __init__(self, info: VideoInfo):
        self.info, self.picture = info, info.index
        self.stretches: list[Stretch] = []
        self.interlaced = self.repeated = 0
        self._latest_s, self._began_again = -inf, False
        self._last_duration_s: float | None = None
        self.start_s: float | None = None
        self.delay_s = 0.0
        self.timecode: str | None = None
        self.sounds = {track.index: _CollectedSound(track.sample_rate) for track in info.audio}

    def add(self, frame: dict[str, str]) -> None:
        index = int(frame.get("stream_index", -1))
        if "nb_samples" in frame and index in self.sounds:
            self.sounds[index].add(frame)
        elif index == self.picture and "width" in frame:
            self._add_picture(frame)

    def result(self) -> Scan:
        sounds = {index: tuple(sound.formats) for index, sound in self.sounds.items() if sound.formats}
        with_gaps = frozenset(index for index, sound in self.sounds.items() if sound.has_gaps)
        start_s = (self.start_s or 0.0) - self.delay_s
        stretches = tuple(self.stretches)
        counts = self.interlaced, self.repeated
        ends_short = self._last_duration_s is not None and self._last_duration_s * float(self.info.fps) < 1 / 2
        return Scan(stretches, start_s, self.delay_s, self.timecode, *counts, ends_short, sounds, with_gaps)

    def _add_picture(self, frame: dict[str, str]) -> None:
        sar = fraction(frame.get("sample_aspect_ratio", "1:1").replace(":", "/").replace("N/A", "1")) or Fraction(1)
        format_ = PictureFormat(int(frame["width"]), int(frame["height"]), sar, frame.get("pix_fmt", "unknown"))
        self.interlaced += frame.get("interlaced_frame") == "1"
        self._last_duration_s = _number(frame.get("duration_time") or frame.get("pkt_duration_time"))
        time_s = _number(frame.get("best_effort_timestamp_time"))
        if time_s is not None and self.info.container not in WITH_JUMPS:
            self._began_again |= time_s < self._latest_s - BACK_S
            self.repeated += self._began_again and time_s <= self._latest_s
            self._latest_s = max(self._latest_s, time_s)
        last = self.stretches[-1] if self.stretches else None
        if last and last.format == format_:
            self.stretches[-1] = Stretch(format_, last.start_s, last.frames + 1)
            return
        time_s = time_s or 0.0
        if self.start_s is None:
            self.start_s = time_s
            self.delay_s = self._delay_s(frame, time_s)
            self.timecode = None if (label := frame.get("tag:timecode")) in UNSET_TIMECODES else label
        self.stretches.append(Stretch(format_, time_s - self.start_s, 1))

    def _delay_s(self, first: dict[str, str], time_s: float) -> float:
        """How much later than the first packet the first frame seems to be, because it has no time stamp of its own."""
        if first.get("pts") != "N/A" or self.info.container in WITH_JUMPS or not self.info.fps:
            return 0.0
        return min(max(0.0, time_s - self.info.start_s), float(self.info.reordered / self.info.fps))


class _CollectedSound:
    """Formats of an audio stream while its frames arrive; ``stated_rate`` is the container's."""

    def __init__(self, stated_rate: int):
        self.formats: list[SoundFormat] = []
        self.has_gaps = False
        self._stated_rate = stated_rate
        self._samples = 0
        self._first_s: float | None = None
        self._window: deque[tuple[float, int]] = deque(maxlen=RATE_WINDOW)  # time, samples before it
        self._measured = (0, 0)  # rate, number of equal measurements in a row

    def add(self, frame: dict[str, str]) -> None:
        time_s = _number(frame.get("best_effort_timestamp_time"))
        if time_s is not None:
            self._add_time(time_s)
        self._samples += int(frame["nb_samples"])
        layout = frame.get("channel_layout", "unknown")
        self._add_format(int(frame["channels"]), "" if layout == "unknown" else layout)

    def _add_time(self, time_s: float) -> None:
        if self._first_s is None:
            self._first_s = time_s
        expected_s = self._first_s + self._samples / self._stated_rate if self._stated_rate else time_s
        self.has_gaps = self.has_gaps or abs(time_s - expected_s) > GAP_S
        self._window.append((time_s, self._samples))
        (start_s, start), (stop_s, stop) = self._window[0], self._window[-1]
        if len(self._window) < RATE_WINDOW or stop_s <= start_s:
            return
        measured = (stop - start) / (stop_s - start_s)
        rate = next((rate for rate in SAMPLE_RATES if abs(measured / rate - 1) < RATE_TOLERANCE), 0)
        self._measured = (rate, self._measured[1] + 1 if rate == self._measured[0] else 1)

    def _add_format(self, channels: int, layout: str) -> None:
        rate = self._measured[0] if self._measured[1] >= MIN_MEASUREMENTS else 0
        last = self.formats[-1] if self.formats else None
        if last and last[:2] == (channels, layout) and rate in (0, last.sample_rate):
            return
        if last and last[:2] == (channels, layout) and last.sample_rate == 0:
            self.formats[-1] = SoundFormat(channels, layout, rate)
        elif last and last[:2] != (channels, layout):  # the rate was measured before the change
            self._measured = (0, 0)
            self._window.clear()
            self.formats.append(SoundFormat(channels, layout, 0))
        else:
            self.formats.append(SoundFormat(channels, layout, rate))


def _pairs(line: str) -> Iterator[tuple[str, str]]:
    for part in line.split("|"):
        name, separator, value = part.partition("=")
        if separator:
            yield name, value


def _number(text: str | None) -> float | None:
    try:
        return float(text or "")
    except ValueError:  # N/A
        return None
