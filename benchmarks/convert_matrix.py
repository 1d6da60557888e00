"""Convert videos of 2 s in all combinations of container, codecs, frame rate and channels, and measure how exact it is.

    python benchmarks/convert_matrix.py [--subset N] [--seed SEED] [--only WORD]

It prints one line per combination that is not exact, and one line for each container: number of combinations, worst
error of the number of frames, worst sync error, worst combing, and channels that are missing. The exit code is 1 if any
combination fails, or exceeds `WORST_SYNC_S` or `WORST_COMBING`. FFmpeg cannot make a few combinations; the last line
counts them.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from random import Random

from composing.flash_and_beep import Piece, combing, sync_errors_s, write

from vidlib.errors import CommandFailed, VidlibError
from vidlib.media.durations import AVI
from vidlib.media.probe import probe_video
from vidlib.steps import convert
from vidlib.timeline import FPS

SECONDS = 2
SUBSET = 160

WORST_SYNC_S = 0.02
WORST_COMBING = 0.005
MAX_FRAME_ERROR = 1
"""Limits. The number of frames may differ from duration times rate by less than one frame, by rounding."""

RATES = ("24000/1001", "24", "25", "30000/1001", "30", "50", "60000/1001", "60", "25i")

VIDEO_CODECS = {
    "mp4": ("libx264", "libx265", "mpeg4"),
    "mov": ("libx264", "prores_ks", "mjpeg", "qtrle"),
    "mkv": ("libx264", "ffv1", "libvpx-vp9", "mpeg2video"),
    "webm": ("libvpx",),
    "ts": ("libx264", "mpeg2video"),
    "mpg": ("mpeg2video",),
    "avi": ("mpeg4", "mjpeg", "rawvideo"),
    "flv": ("flv", "libx264"),
    "wmv": ("wmv2",),
    "mxf": ("mpeg2video", "dnxhd"),
    "nut": ("ffv1",),
    "ogv": ("libtheora",),
    "3gp": ("libx264",),
}

SOUNDS = {
    "mp4": (("aac", 2, 48000), ("aac", 6, 48000), ("ac3", 6, 48000), ("aac", 1, 44100)),
    "mov": (("pcm_s16le", 2, 48000), ("pcm_s24le", 6, 48000), ("aac", 2, 44100), ("pcm_s16le", 8, 48000)),
    "mkv": (("flac", 2, 44100), ("libopus", 2, 48000), ("ac3", 6, 48000), ("pcm_s16le", 4, 48000), ("aac", 2, 48000)),
    "webm": (("libopus", 2, 48000), ("libvorbis", 2, 44100)),
    "ts": (("aac", 2, 48000), ("mp2", 2, 48000), ("ac3", 6, 48000)),
    "mpg": (("mp2", 2, 44100), ("ac3", 6, 48000)),
    "avi": (("mp3", 2, 44100), ("pcm_s16le", 2, 48000), ("pcm_s16le", 6, 48000), ("ac3", 2, 48000)),
    "flv": (("mp3", 2, 44100), ("aac", 1, 44100)),
    "wmv": (("wmav2", 2, 44100),),
    "mxf": (("pcm_s16le", 2, 48000), ("pcm_s16le", 8, 48000)),
    "nut": (("pcm_s16le", 2, 96000), ("pcm_s16le", 12, 48000)),
    "ogv": (("libvorbis", 2, 44100),),
    "3gp": (("aac", 1, 32000),),
}
"""Codec, channels and samples per second for each container."""

INTERLACED_CODECS = {"libx264", "mpeg2video", "mpeg4", "prores_ks"}

PIXELS = {
    "prores_ks": "yuv422p10le",
    "qtrle": "rgb24",
    "mjpeg": "yuvj420p",
    "dnxhd": "yuv422p",
    "libx265": "yuv420p10le",
}

OPTIONS = {
    "libx264": ("-preset", "ultrafast"),
    "libx265": ("-preset", "ultrafast", "-x265-params", "log-level=none"),
    "libvpx-vp9": ("-deadline", "realtime", "-b:v", "2M"),
    "libvpx": ("-deadline", "realtime", "-b:v", "2M"),
    "dnxhd": ("-b:v", "120M"),
}


@dataclass(frozen=True)
class Combination:
    """A kind of file."""

    container: str
    video: str
    rate: str
    sound: tuple[str, int, int]

    def __str__(self) -> str:
        codec, channels, sample_rate = self.sound
        return f"{self.container} {self.video} {self.rate} {codec} {channels} channels {sample_rate} Hz"

    def make(self, folder: Path) -> Path:
        """Write the file; raises CommandFailed where FFmpeg cannot."""
        codec, channels, sample_rate = self.sound
        interlaced = self.rate == "25i"
        size = (1920, 1080) if self.video == "dnxhd" else (160, 120)
        rate = "25" if interlaced else self.rate
        piece = Piece(size, "1", rate, interlaced, channels, sample_rate, SECONDS)
        fields = ["-flags", "+ildct+ilme"] if interlaced else []
        quality = ["-q:v", "3", "-pix_fmt", PIXELS.get(self.video, "yuv420p"), *OPTIONS.get(self.video, ())]
        sound = ["-c:a", codec, "-ar", str(sample_rate), "-strict", "-2"]
        return write(folder / f"clip.{self.container}", piece, "-c:v", self.video, *quality, *fields, *sound)


@dataclass(frozen=True)
class Measured:
    """How exact one conversion is."""

    frame_error: float
    sync_s: float
    combing: float
    missing_channels: int

    @property
    def is_exact(self) -> bool:
        """Whether all limits are kept."""
        in_time = self.frame_error < MAX_FRAME_ERROR and self.sync_s < WORST_SYNC_S
        return in_time and self.combing < WORST_COMBING and not self.missing_channels

    def __str__(self) -> str:
        sync = f"sync {self.sync_s * 1000:5.1f} ms"
        return f"frames {self.frame_error:4.2f}, {sync}, combing {self.combing:.4f}, channels -{self.missing_channels}"


def combinations() -> Iterator[Combination]:
    """All combinations that make sense."""
    for container, codecs in VIDEO_CODECS.items():
        for video in codecs:
            for rate in RATES:
                if rate != "25i" or video in INTERLACED_CODECS:
                    yield from (Combination(container, video, rate, sound) for sound in SOUNDS[container])


def measure(combination: Combination, folder: Path) -> Measured:
    """Make the file, convert it and compare."""
    source = combination.make(folder)
    inputs = convert.Inputs(source=source, out_dir=folder / "out")
    outputs = convert.run(inputs, convert.Params(device="cpu", preset="ultrafast"))
    info = probe_video(source)
    late_frames = int((info.start_s - info.file_start_s) * FPS + 0.5 / FPS)  # the first frame is repeated before it
    shown = info.frames if info.container == AVI and info.frames else outputs.source_frames  # with empty chunks
    expected = Fraction(shown) / Fraction(combination.rate.removesuffix("i")) * FPS + late_frames
    channels = sum(track.channels for track in probe_video(outputs.video).audio)
    return Measured(
        frame_error=abs(float(outputs.frames - expected)),
        sync_s=max(map(abs, sync_errors_s(outputs.video))),
        combing=combing(outputs.video),
        missing_channels=combination.sound[1] - channels,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--subset", type=int, default=SUBSET, help="number of combinations, drawn by chance; 0: all")
    parser.add_argument("--seed", type=int, default=0, help="of the draw")
    parser.add_argument("--only", default="", help="convert only combinations with this word, such as mxf")
    options = parser.parse_args(arguments)
    chosen = [
        combination for combination in combinations() if options.only in str(combination).split() or not options.only
    ]
    if options.subset:
        chosen = Random(options.seed).sample(chosen, min(options.subset, len(chosen)))
    results: dict[str, list[Measured]] = {}
    unmade, failed = 0, 0
    for combination in chosen:
        with tempfile.TemporaryDirectory() as folder:
            try:
                measured = measure(combination, Path(folder))
            except CommandFailed:
                unmade += 1
                continue
            except (VidlibError, ValueError) as error:
                failed += 1
                print(f"FAILED {combination}: {error}", flush=True)
                continue
        results.setdefault(combination.container, []).append(measured)
        if not measured.is_exact:
            print(f"inexact {combination}: {measured}", flush=True)
    return _summarize(results, unmade, failed)


def _summarize(results: dict[str, list[Measured]], unmade: int, failed: int) -> int:
    results = {**results, "all": [measured for group in results.values() for measured in group]}
    for container, group in results.items():
        if group:
            worst = Measured(
                max(measured.frame_error for measured in group),
                max(measured.sync_s for measured in group),
                max(measured.combing for measured in group),
                max(measured.missing_channels for measured in group),
            )
            exact = sum(measured.is_exact for measured in group)
            print(f"{container:5} {exact} of {len(group)} exact; worst: {worst}")
    print(f"{failed} failed; FFmpeg could not make {unmade} combinations")
    return int(failed > 0 or not all(measured.is_exact for measured in results["all"]))


if __name__ == "__main__":
    sys.exit(main())
