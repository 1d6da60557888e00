"""Videos that flash and beep at the same moments, and measures of their conversion.

The middle of the picture is white, and a tone of 1 kHz sounds, for 0.2 s in every second: by default from its beginning
on, where every whole frame rate has a frame. A bar that moves
by 1.25 widths per second shows combing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vidlib.machine import commands
from vidlib.media import ffmpeg
from vidlib.media.audio import SAMPLE_RATE, read_waveform
from vidlib.media.frames import read_frames
from vidlib.media.probe import probe_video
from vidlib.timeline import FPS

ON_S = 0.2
"""Duration of flash and beep."""

LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1"}


@dataclass(frozen=True)
class Piece:
    """The format of a piece of video: size in pixels, sample aspect ratio, fields, sound.

    Flash and beep begin ``first_s`` seconds after each whole second.
    """

    size: tuple[int, int] = (160, 120)
    sar: str = "1"
    rate: str = "25"
    interlaced: bool = False
    channels: int = 2
    sample_rate: int = 48000
    seconds: float = 2
    first_s: float = 0.0


def picture(piece: Piece) -> str:
    """A source and its filters, in FFmpeg's words; an interlaced one shows 50 moments a second, upper field first."""
    width, height = piece.size
    rate = "50" if piece.interlaced else piece.rate
    source = f"s={width}x{height}:r={rate}:d={piece.seconds}"
    bar = f"color=gray:{source}[ground];color=white:s={width // 8}x{height // 4}:r={rate}:d={piece.seconds}[bar]"
    moving = "[ground][bar]overlay=x='mod(t*W*1.25,W)':y=H*3/4:format=yuv444"
    on = f"lt(mod(t+1.0001-{piece.first_s},1),{ON_S})"
    flash = f"drawbox=x=iw/4:y=ih/4:w=iw/2:h=ih/2:color=white:t=fill:enable='{on}'"
    fields = ",tinterlace=interleave_top,setfield=tff" if piece.interlaced else ""
    return f"{bar};{moving},{flash}{fields},setsar={piece.sar}"


def sound(piece: Piece) -> str:
    """A source in FFmpeg's words: the beep in all channels."""
    beep = f"0.3*sin(2*PI*1000*t)*lt(mod(t+1-{piece.first_s},1),{ON_S})"
    channels = "|".join([beep] * piece.channels)
    layout = f":c={LAYOUTS[piece.channels]}" if piece.channels in LAYOUTS else ""
    return f"aevalsrc='{channels}':s={piece.sample_rate}:d={piece.seconds}{layout}"


def write(path: Path, piece: Piece, *options: str) -> Path:
    """The video of one piece; ``options`` are FFmpeg's, for the output."""
    run_ffmpeg(*_sources(piece), *_rate(piece), *options, f"file:{path}")
    return path


def joined(path: Path, pieces: Sequence[Piece], *options: str) -> Path:
    """An MPEG transport stream in which the format changes with each of the pieces."""
    parts = [path.with_name(f"part {number} {path.name}") for number in range(len(pieces))]
    start_s, sources, outputs = 10.0, [], []  # from 10 s on, because FFmpeg moves what would begin before 0 s
    for number, (piece, part) in enumerate(zip(pieces, parts, strict=True)):
        sources += _sources(piece)
        maps = ["-map", f"{2 * number}", "-map", f"{2 * number + 1}", *_rate(piece)]
        fields = ["-flags", "+ildct+ilme"] if piece.interlaced else []
        times = ["-muxdelay", "0", "-muxpreload", "0", "-output_ts_offset", str(start_s), "-f", "mpegts"]
        outputs += [*maps, "-pix_fmt", "yuv420p", *fields, *options, *times, f"file:{part}"]
        start_s += piece.seconds
    run_ffmpeg(*sources, *outputs)
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    for part in parts:
        part.unlink()
    return path


def _sources(piece: Piece) -> list[str]:
    return ["-f", "lavfi", "-i", picture(piece), "-f", "lavfi", "-i", sound(piece)]


def _rate(piece: Piece) -> list[str]:
    return ["-r", "25"] if piece.interlaced else []


def run_ffmpeg(*args: str | Path) -> None:
    """Run FFmpeg; raises CommandFailed with its messages."""
    commands.run(ffmpeg.command(*args), timeout_s=120)


def sync_errors_s(video: Path) -> list[float]:
    """Seconds from the beginning of each flash of a converted video to that of the nearest beep; not of one at 0 s."""
    width, height = probe_video(video).display_size
    middle = [frame[height // 2, width // 2].mean() > 190 for frame in read_frames(video, width, height)]
    flashes = [number / float(FPS) for number in range(1, len(middle)) if middle[number] and not middle[number - 1]]
    loud = np.convolve(np.abs(read_waveform(video)), np.ones(32) / 32, "same") > 0.05
    edges = (np.flatnonzero(loud[1:] & ~loud[:-1]) + 1) / SAMPLE_RATE
    if not flashes or not len(edges):
        raise ValueError(f"{video} has {len(flashes)} flashes and {len(edges)} beeps; expected some")
    return [float(min(edges - flash, key=abs)) for flash in flashes]


def combing(video: Path) -> float:
    """The largest share of pixels, over all frames, that differ from both lines beside them in the same direction."""
    width, height = probe_video(video).display_size
    shares = []
    for frame in read_frames(video, width, height):
        lines = frame[height * 3 // 4 + 2 :, :, 1].astype(int)
        above, below = lines[1:-1] - lines[:-2], lines[1:-1] - lines[2:]
        shares.append(float(np.mean((above * below > 0) & (abs(above) > 30) & (abs(below) > 30))))
    return max(shares)
