"""The first audio track of a file, mixed to mono without losing what is only in some channels, or cancels.

Speaker layouts such as 5.1 are mixed as FFmpeg does. Discrete channels all count the same, also where `convert` split
them into several tracks. In seconds in which the channels cancel each other, the loudest channel replaces the mix.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import lru_cache
from pathlib import Path
from typing import IO, Protocol

import numpy as np
from numpy.typing import NDArray

from vidlib.media import ffmpeg
from vidlib.media.probe import MAX_DURATION_S, AudioInfo, audio_streams
from vidlib.media.sound_tracks import FROM_ZERO, channels_of_title

DTYPE = np.dtype(np.float32)

BLOCK_S = 1
"""Length in seconds of the blocks in which channels may cancel each other."""

CANCELLED = 0.1
"""Power of the mix, relative to that of independent channels, below which they cancel: a correlation of -0.8."""

MIN_LEVEL = 0.003
"""Root mean square of the loudest channel (-50 dB) below which a block counts as silent."""

CLEARLY_LOUDER = 2.0
"""Ratio of powers from which another channel than the first replaces the mix."""

TEST_RATE = 8000
"""Samples per second at which channels are compared."""


class ByteStream(Protocol):
    """A stream of bytes: ``read`` returns fewer than it was asked for only at the end."""

    def read(self, n_bytes: int = -1, /) -> bytes: ...


def open_mono(path: Path, sample_rate: int) -> AbstractContextManager[ByteStream]:
    """The first audio track as float32 samples, the first of them at 0 s. The file must have sound.

    Raises MediaError where it cannot be decoded.
    """
    if blocks := cancelled_blocks(path):
        return _open_repaired(path, sample_rate, blocks)
    return _open_mix(path, sample_rate)


def cancelled_blocks(path: Path) -> frozenset[int]:
    """Numbers of the blocks (from 0, `BLOCK_S` long) of the first track in which its channels cancel each other."""
    stat = path.stat()
    return _cancelled_blocks(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=16)
def _cancelled_blocks(path: Path, _modified_ns: int, _size: int) -> frozenset[int]:
    tracks = _parts(path)
    if sum(track.channels for track in tracks) < 2:
        return frozenset()
    with _open_channels(path, tracks, TEST_RATE) as blocks:
        return frozenset(number for number, block in enumerate(blocks) if _cancels(block))


def _cancels(block: NDArray[np.float32]) -> bool:
    """Whether the channels of ``block`` (samples, channels) cancel each other."""
    power = np.mean(np.square(block), axis=0)
    mixed = float(np.mean(np.square(block.mean(axis=1))))
    independent = float(power.sum()) / block.shape[1] ** 2
    return float(power.max()) > MIN_LEVEL**2 and mixed < CANCELLED * independent


def _parts(path: Path) -> tuple[AudioInfo, ...]:
    """The first audio track, and those that hold further channels of the same sound."""
    tracks = audio_streams(path)
    titles = [channels_of_title(track.title) for track in tracks]
    first = titles[0] if titles else None
    if first is None or first[0] != 1:
        return tracks[:1]
    parts, last = [tracks[0]], first[1]
    for track, title in zip(tracks[1:], titles[1:], strict=True):
        if title and title[0] == last + 1 and title[2] == first[2]:
            parts.append(track)
            last = title[1]
    return tuple(parts)


def _open_mix(path: Path, sample_rate: int) -> AbstractContextManager[IO[bytes]]:
    tracks = _parts(path)
    output = ["-ac", "1", *_output(sample_rate)]
    if len(tracks) == 1 and (tracks[0].layout or tracks[0].channels < 3):
        return ffmpeg.stream_decoded(path, *ffmpeg.input_args(path), "-map", "0:a:0", "-af", FROM_ZERO, *output)
    weight = 1 / sum(track.channels for track in tracks)
    mixes = []
    for number, track in enumerate(tracks):
        mean = "+".join(f"{weight:.6f}*c{channel}" for channel in range(track.channels))
        mixes.append(f"[0:{track.index}]{FROM_ZERO},pan=mono|c0={mean}[m{number}]")
    labels = "".join(f"[m{n}]" for n in range(len(tracks)))
    graph = f"{';'.join(mixes)};{labels}amix=inputs={len(tracks)}:normalize=0[mono]"
    options = ["-filter_complex", graph, "-map", "[mono]"]
    return ffmpeg.stream_decoded(path, *ffmpeg.input_args(path), *options, *output)


@contextmanager
def _open_channels(
    path: Path, tracks: tuple[AudioInfo, ...], sample_rate: int
) -> Iterator[Iterator[NDArray[np.float32]]]:
    """Blocks of all channels of the tracks, each (samples, channels)."""
    with ExitStack() as stack:
        parts = []
        for track in tracks:
            options = ["-map", f"0:{track.index}", "-af", FROM_ZERO, *_output(sample_rate)]
            stream = stack.enter_context(ffmpeg.stream_decoded(path, *ffmpeg.input_args(path), *options))
            parts.append(_blocks(stream, sample_rate * BLOCK_S, track.channels))
        yield _beside(parts)


def _beside(parts: list[Iterator[NDArray[np.float32]]]) -> Iterator[NDArray[np.float32]]:
    """Blocks with the channels of all parts."""
    for blocks in zip(*parts, strict=False):
        n_samples = min(map(len, blocks))
        yield np.hstack([block[:n_samples] for block in blocks])


def _output(sample_rate: int) -> list[str]:
    # FFmpeg fills every gap between two samples with silence, be it years
    return ["-ar", str(sample_rate), "-t", str(MAX_DURATION_S), "-f", "f32le"]


@contextmanager
def _open_repaired(path: Path, sample_rate: int, blocks: frozenset[int]) -> Iterator[ByteStream]:
    with _open_mix(path, sample_rate) as mix, _open_channels(path, _parts(path), sample_rate) as channels:
        pairs = zip(_blocks(mix, sample_rate * BLOCK_S, 1), channels, strict=False)
        yield _Pieces(
            (_loudest(sound) if number in blocks else mono).tobytes() for number, (mono, sound) in enumerate(pairs)
        )


def _blocks(stream: IO[bytes], n_samples: int, n_channels: int) -> Iterator[NDArray[np.float32]]:
    """Blocks of ``n_samples`` (the last may be shorter), each (samples, channels)."""
    frame_bytes = DTYPE.itemsize * n_channels
    while data := stream.read(n_samples * frame_bytes):
        yield np.frombuffer(data[: len(data) // frame_bytes * frame_bytes], DTYPE).reshape(-1, n_channels)


def _loudest(block: NDArray[np.float32]) -> NDArray[np.float32]:
    """The loudest channel; the first one, unless another is clearly louder, so that it does not change all the time."""
    power = np.mean(np.square(block), axis=0)
    loudest = int(power.argmax())
    return block[:, loudest if power[loudest] > CLEARLY_LOUDER * power[0] else 0]


class _Pieces:
    """Pieces of bytes as one `ByteStream`."""

    def __init__(self, pieces: Iterator[bytes]):
        self._pieces = pieces
        self._rest = bytearray()

    def read(self, n_bytes: int = -1, /) -> bytes:
        for piece in self._pieces if n_bytes < 0 or len(self._rest) < n_bytes else ():
            self._rest += piece
            if 0 <= n_bytes <= len(self._rest):
                break
        data = bytes(self._rest if n_bytes < 0 else self._rest[:n_bytes])
        del self._rest[: len(data)]
        return data
