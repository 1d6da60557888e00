"""Small media made during a test run, with the truth in each docstring. Import as ``from tests import sample_media``.

Every frame of a clip carries its number as a row of eight black and white blocks along its lower edge, so that a test
can tell which frame it sees: `frame_number`.
"""

import functools
import struct
import subprocess
import tempfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from tests.waiting import LIMIT_S
from vidlib.machine import commands

SIZE = (64, 48)
"""Width and height of a clip, in pixels."""

CUTS = (20, 41)
"""First frames of the second and third shot of a clip."""

N_FRAMES = 50

AWKWARD_NAMES = (
    'it\'s "two" words.mp4',
    "-dash.mp4",
    "100%03d.mp4",
    "a,b;c=[d].mp4",
    "new\nline.mp4",
    "=1+1 $(touch x)`touch y` <b onclick=x>&amp;.mp4",
    "file:colon|pipe.mp4",
    "Übergröße 北京 🎬 👩‍🎬.mp4",
    f"{'ü' * 123}.mp4",  # 250 bytes
    b"caf\xe9.mp4".decode("utf-8", "surrogateescape"),  # no UTF-8
)
"""File names that a shell, a filter graph or a careless path builder reads as something else."""

COVER = ("-f", "lavfi", "-i", "color=red:size=100x100:duration=0.04:rate=25")
AS_COVER = ("-c:v:0", "mjpeg", "-pix_fmt:v:0", "yuvj420p", "-disposition:v:0", "attached_pic")
COLOURS = np.array([(190, 60, 50), (50, 150, 70), (60, 80, 190), (200, 170, 60)], np.uint8)


def picture(number: int, shot: int = 0, size: tuple[int, int] = SIZE) -> np.ndarray:
    """(height, width, 3) uint8 RGB: a field in the shot's colour, a square that moves, and the number in blocks."""
    width, height = size
    frame = np.empty((height, width, 3), np.uint8)
    frame[:] = COLOURS[shot % len(COLOURS)]
    left = number * 2 % (width - 12)
    frame[8:20, left : left + 12] = 255 - COLOURS[shot % len(COLOURS)]
    edges = np.linspace(0, width, 9).round().astype(int)
    for bit, (start, stop) in enumerate(pairwise(edges)):
        frame[height * 5 // 6 :, start:stop] = 255 if number >> bit & 1 else 0
    return frame


def frame_number(frame: np.ndarray) -> int:
    """The number in the blocks of a decoded `picture`, at any size, (height, width, 3)."""
    height, width = frame.shape[:2]
    row = frame[height * 11 // 12].mean(axis=-1)
    return sum(1 << bit for bit in range(8) if row[width * (2 * bit + 1) // 16] > 127)


def clip(
    path: Path,
    *,
    n_frames: int = N_FRAMES,
    cuts: Sequence[int] = CUTS,
    size: tuple[int, int] = SIZE,
    fps: str = "25",
    sounds: int = 1,
    options: Sequence[str] = (),
) -> Path:
    """A clip of ``n_frames`` (at most 256) whose second, third, ... shot begins at the frames of ``cuts``.

    ``sounds`` audio tracks of 440, 880, ... Hz as long as the picture; ``options`` are ffmpeg's, for the output, and
    win over H.264 yuv420p with AAC.
    """
    path.write_bytes(_encode(path.suffix, n_frames, tuple(cuts), size, fps, sounds, tuple(options)))
    return path


@functools.cache
def _encode(
    suffix: str,
    n_frames: int,
    cuts: tuple[int, ...],
    size: tuple[int, int],
    fps: str,
    sounds: int,
    options: tuple[str, ...],
) -> bytes:
    """The content of a `clip`, which ffmpeg encodes once in a test run."""
    width, height = size
    shots = np.searchsorted(np.array(cuts), np.arange(n_frames), side="right")
    raw = b"".join(picture(number, shot, size).tobytes() for number, shot in enumerate(shots))
    video = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", fps, "-i", "pipe:0"]
    seconds = n_frames / _rate(fps)
    tones = [f"sine=frequency={440 * (n + 1)}:sample_rate=48000:duration={seconds:.6f}" for n in range(sounds)]
    audio = [arg for tone in tones for arg in ("-f", "lavfi", "-i", tone)]
    maps = [arg for n in range(sounds + 1) for arg in ("-map", str(n))]
    codecs = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-preset", "ultrafast", "-crf", "12", "-c:a", "aac"]
    with tempfile.TemporaryDirectory(prefix="vidlib-clip-") as folder:
        file = Path(folder, f"clip{suffix}")
        _ffmpeg(*video, *audio, *maps, *codecs, "-movflags", "+faststart", *options, _name(file), stdin=raw)
        return file.read_bytes()


def silent(path: Path) -> Path:
    """A clip without an audio track."""
    return clip(path, sounds=0)


def odd_size(path: Path) -> Path:
    """63 x 47 pixels, which H.264 in yuv420p cannot hold."""
    return clip(path, size=(63, 47), options=["-pix_fmt", "yuv444p"])


def anamorphic(path: Path) -> Path:
    """64 x 48 stored pixels, each twice as wide as high: to be shown as 128 x 48."""
    return clip(path, options=["-vf", "setsar=2"])


def rotated(path: Path) -> Path:
    """64 x 48 stored pixels that a player turns by 90 degrees clockwise: the blocks are then along the left edge."""
    data = bytearray(clip(path).read_bytes())
    matrix = data.index(b"tkhd") + 4 + 40  # ISO 14496-12, 8.3.2, version 0
    data[matrix : matrix + 36] = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 48 << 16, 0, 1 << 30)
    path.write_bytes(data)
    return path


def variable_rate(path: Path) -> Path:
    """Frames 0-24 last 1/25 s each, frames 25-48 twice that, the last 1/25 s: 2.96 s, so 74 frames at 25 fps."""
    slower = "setpts='round(if(lt(N,25),N,2*N-25)/25/TB)'"
    return clip(path, sounds=0, options=["-vf", slower, "-fps_mode", "passthrough"])


def truncated(path: Path) -> Path:
    """A clip whose index (at its beginning) promises 50 frames, and whose data end in the middle."""
    data = clip(path, sounds=0).read_bytes()
    start = data.index(b"mdat")
    path.write_bytes(data[: start + (len(data) - start) // 2])
    return path


def headless(path: Path) -> Path:
    """A clip whose index was to come last and was never written: no program can read it."""
    data = clip(path, options=["-movflags", "-faststart"]).read_bytes()
    path.write_bytes(data[: data.rindex(b"moov") - 4])
    return path


def garbage(path: Path) -> Path:
    """Bytes that are no media, under a video's name."""
    path.write_bytes(np.random.default_rng(0).bytes(20_000))
    return path


def sound_only(path: Path) -> Path:
    """Two seconds of a tone, no picture."""
    _ffmpeg("-f", "lavfi", "-i", "sine=duration=2", "-c:a", "aac", "-f", "mp4", _name(path))
    return path


def cover_only(path: Path) -> Path:
    """Two seconds of a tone with cover art, which is a video stream to ffprobe and no video to anybody else."""
    tone = ["-f", "lavfi", "-i", "sine=duration=2"]
    _ffmpeg(*tone, *COVER, "-map", "0", "-map", "1", "-c:a", "aac", *AS_COVER, _name(path))
    return path


def with_cover(path: Path) -> Path:
    """A clip with cover art beside its video."""
    bare = clip(path.with_name(f"bare {path.name}"))
    _ffmpeg("-i", _name(bare), *COVER, "-map", "1", "-map", "0", "-c", "copy", *AS_COVER, _name(path))
    bare.unlink()
    return path


def tone(path: Path, seconds: float = 2.0) -> Path:
    """A WAV file: 440 Hz, mono, 16 kHz."""
    _ffmpeg("-f", "lavfi", "-i", f"sine=frequency=440:sample_rate=16000:duration={seconds}", _name(path))
    return path


def playlist(path: Path, target: Path) -> Path:
    """Text that makes ffmpeg, unless it is told otherwise, open ``target`` in place of it."""
    path.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{target}\n#EXT-X-ENDLIST\n")
    return path


def concat_script(path: Path, target: Path) -> Path:
    """As `playlist`, in ffmpeg's own words; ``target`` lies in the same folder."""
    path.write_text(f"ffconcat version 1.0\nfile '{target.name}'\n")
    return path


TRAPS = {
    "hls": "#EXTM3U\n#EXTINF:2,\n{target}\n#EXT-X-ENDLIST\n",
    "hls key": '#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="{target}"\n#EXTINF:2,\nhttp://127.0.0.1:9/x.ts\n',
    "hls and bytes": "\ufeff \n#EXTM3U\n#EXTINF:2,\n{target}\n#EXT-X-ENDLIST\n\0\1\2",
    "concat": "ffconcat version 1.0\nfile '{target}'\n",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 9 RTP/AVP 96\n",
    "dash": '<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period><AdaptationSet>'
    '<Representation id="1"><BaseURL>{target}</BaseURL></Representation></AdaptationSet></Period></MPD>',
    "imf": '<CompositionPlaylist xmlns="http://www.smpte-ra.org/schemas/2067-3/2016">{target}</CompositionPlaylist>',
    "smil": '<smil><body><video src="{target}"/></body></smil>',
    "asx": '<ASX version="3.0"><ENTRY><REF HREF="{target}"/></ENTRY></ASX>',
    "pls": "[playlist]\nFile1={target}\nNumberOfEntries=1\n",
    "asf": "[Reference]\nRef1=http://127.0.0.1:9/x.asf\n",
    "rtsp": "RTSPtextRTSP://127.0.0.1:9/x\n",
    "vobsub": "# VobSub index file, v7 (do not modify this line!)\nid: en, index: 0\ntimestamp: 00:00:01:000\n",
    "names": "{target}\nhttp://127.0.0.1:9/x.mp4\n",
}
"""Texts that name another file or a host, in the words of programs that would open it."""


def trap(path: Path, kind: str, target: Path) -> Path:
    """One of the `TRAPS` for ``target``, as the file ``path``."""
    path.write_text(TRAPS[kind].format(target=target))
    return path


def external(path: Path, target: Path) -> Path:
    """A clip whose pictures are said to lie in the file ``target``: an alias (QuickTime File Format)."""
    clip(path, sounds=0, options=["-movflags", "-faststart"])
    where = str(target).encode()
    where += bytes(len(where) % 2)
    alias = bytes(10) + bytes(28) + bytes(12) + bytes(64) + bytes(16) + struct.pack(">HH", 1, 1) + bytes(16)
    alias += struct.pack(">HH", 2, len(where)) + where + struct.pack(">hH", -1, 0)
    entry = struct.pack(">I4sI", 12 + len(alias), b"alis", 0) + alias
    path.write_bytes(with_box(path.read_bytes(), "moov/trak/mdia/minf/dinf/dref", struct.pack(">II", 0, 1) + entry))
    return path


def endless(path: Path) -> Path:
    """A clip that says it takes 2 s, and that each of its frames is shown for a day."""
    data = clip(path, sounds=0).read_bytes()
    times = struct.pack(">IIII", 0, 1, N_FRAMES, 2**30)  # ISO 14496-12, 8.6.1.2
    path.write_bytes(with_box(data, "moov/trak/mdia/minf/stbl/stts", times))
    return path


def with_box(data: bytes, path: str, body: bytes) -> bytes:
    """An MP4 in which the box at ``path``, such as ``moov/trak``, holds ``body``; nothing else is put right."""
    name, _, below = path.partition("/")
    out, at = b"", 0
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        inside = data[at + 8 : at + size]
        if kind == name.encode():
            inside = with_box(inside, below, body) if below else body
        out += struct.pack(">I4s", len(inside) + 8, kind) + inside
        at += size
    return out


def far_apart(path: Path, seconds: int) -> Path:
    """A Matroska file of 50 frames that says it takes 2 s; the last ten are shown ``seconds`` later."""
    late = f"setpts='N/25/TB+if(lt(N,40),0,{seconds}/TB)'"
    data = clip(path, sounds=0, options=["-vf", late, "-fps_mode", "passthrough", "-f", "matroska"]).read_bytes()
    at = data.index(b"\x44\x89\x88") + 3  # the element Duration, RFC 9559, 5.1.2.11: milliseconds
    path.write_bytes(data[:at] + struct.pack(">d", 2000) + data[at + 8 :])
    return path


def _rate(fps: str) -> float:
    top, _, bottom = fps.partition("/")
    return int(top) / int(bottom or 1)


def _name(path: Path) -> str:
    return f"file:{path}"


def _ffmpeg(*args: str, stdin: bytes = b"") -> None:
    command = [commands.find_program("ffmpeg"), "-v", "error", "-y", *args]
    done = subprocess.run(command, input=stdin, capture_output=True, timeout=LIMIT_S)
    assert done.returncode == 0, done.stderr.decode()
