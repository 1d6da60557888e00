"""Audio tracks of a file, mixed to mono without losing what is only in some channels, or cancels.

Speaker layouts such as 5.1 are mixed as FFmpeg does. Discrete channels all count the same, also where `convert` split
them into several tracks. In seconds in which the channels of a track cancel each other, the loudest channel replaces
the mix.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import lru_cache
from itertools import zip_longest
from pathlib import Path
from typing import IO, Protocol

import numpy as np
from numpy.typing import NDArray

from vidlib.media import ffmpeg
from vidlib.media.probe import MAX_DURATION_S, AudioInfo, audio_streams
from vidlib.media.sound_tracks import FROM_ZERO, channels_of_title

DTYPE = np.dtype(np.float32)

FIRST_TRACK = (1,)
"""The audio tracks that are read unless others are named; tracks count from 1."""

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

Track = tuple[AudioInfo, ...]
"""An audio track, or all of the tracks into which `convert` split one."""

Blocks = Iterator[NDArray[np.float32]]
"""Consecutive pieces of sound of `BLOCK_S` seconds, the last of which may be shorter."""


class ByteStream(Protocol):
    """A stream of bytes: ``read`` returns fewer than it was asked for only at the end."""

    def read(self, n_bytes: int = -1, /) -> bytes: ...


def open_mono(path: Path, sample_rate: int, tracks: Sequence[int]) -> AbstractContextManager[ByteStream]:
    """The mean of the audio ``tracks`` as float32 samples, the first of them at 0 s. The file must have sound.

    A track that is the first part of another stands for all its parts. Raises MediaError where it cannot be decoded.
    """
    chosen = _tracks(path, tracks)
    cancelled = [_cancelled(path, track) for track in chosen]
    if any(cancelled):
        return _open_repaired(path, sample_rate, chosen, cancelled)
    return _open_mix(path, sample_rate, chosen)


def cancelled_blocks(path: Path, tracks: Sequence[int] = FIRST_TRACK) -> frozenset[int]:
    """Numbers of the blocks (from 0, `BLOCK_S` long) in which the channels of any of the tracks cancel each other."""
    return frozenset(number for track in _tracks(path, tracks) for number in _cancelled(path, track))


def _cancelled(path: Path, track: Track) -> frozenset[int]:
    stat = path.stat()
    return _cancelled_in_file(path, track, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=64)
def _cancelled_in_file(path: Path, track: Track, _modified_ns: int, _size: int) -> frozenset[int]:
    if sum(part.channels for part in track) < 2:
        return frozenset()
    with _open_channels(path, track, TEST_RATE) as blocks:
        return frozenset(number for number, block in enumerate(blocks) if _cancels(block))


def _cancels(block: NDArray[np.float32]) -> bool:
    """Whether the channels of ``block`` (samples, channels) cancel each other."""
    power = np.mean(np.square(block), axis=0)
    mixed = float(np.mean(np.square(block.mean(axis=1))))
    independent = float(power.sum()) / block.shape[1] ** 2
    return float(power.max()) > MIN_LEVEL**2 and mixed < CANCELLED * independent


def _tracks(path: Path, numbers: Sequence[int]) -> list[Track]:
    """The tracks with these numbers, each once."""
    infos = audio_streams(path)
    tracks: list[Track] = []
    for number in numbers:
        if 0 < number <= len(infos) and not any(infos[number - 1] in track for track in tracks):
            tracks.append(_parts(infos, number - 1))
    return tracks


def _parts(infos: Sequence[AudioInfo], first: int) -> Track:
    """A track and, if it is the first part of another, all other parts."""
    title = channels_of_title(infos[first].title)
    parts = [infos[first]]
    if title is None or title[0] != 1:
        return tuple(parts)
    last = title[1]
    for info in infos[first + 1 :]:
        part = channels_of_title(info.title)
        if part is None or part[0] != last + 1 or part[2] != title[2]:
            break
        parts.append(info)
        last = part[1]
    return tuple(parts)


def _is_plain(track: Track) -> bool:
    """Whether FFmpeg's own mix to mono is right."""
    return len(track) == 1 and (bool(track[0].layout) or track[0].channels < 3)


def _open_mix(path: Path, sample_rate: int, tracks: Sequence[Track]) -> AbstractContextManager[IO[bytes]]:
    if len(tracks) == 1 and _is_plain(tracks[0]):
        options = ["-map", f"0:{tracks[0][0].index}", "-af", FROM_ZERO]
    else:
        filters: list[str] = []
        weights: list[str] = []
        for track in tracks:
            for part in track:
                filters.append(f"[0:{part.index}]{FROM_ZERO},{_to_mono(track, part, sample_rate)}[t{len(filters)}]")
                share = part.channels / sum(other.channels for other in track)
                weights.append(str(share / len(tracks)))
        labels = "".join(f"[t{number}]" for number in range(len(filters)))
        mix = f"amix=inputs={len(filters)}:duration=longest:normalize=0:weights={' '.join(weights)}"
        options = ["-filter_complex", f"{';'.join(filters)};{labels}{mix}[mix]", "-map", "[mix]"]
    return ffmpeg.stream_decoded(path, *ffmpeg.input_args(path), *options, "-ac", "1", *_output(sample_rate))


def _to_mono(track: Track, part: AudioInfo, sample_rate: int) -> str:
    """Filters that mix a part of a track to mono; discrete channels all count the same."""
    to_mono = f"aformat=channel_layouts=mono:sample_rates={sample_rate}"
    if _is_plain(track) or part.channels < 2:
        return to_mono
    mean = "+".join(f"{1 / part.channels:.6f}*c{channel}" for channel in range(part.channels))
    return f"pan=mono|c0={mean},{to_mono}"


@contextmanager
def _open_channels(path: Path, track: Track, sample_rate: int) -> Iterator[Blocks]:
    """Blocks of all channels of a track, each (samples, channels)."""
    with ExitStack() as stack:
        parts = []
        for part in track:
            options = ["-map", f"0:{part.index}", "-af", FROM_ZERO, *_output(sample_rate)]
            stream = stack.enter_context(ffmpeg.stream_decoded(path, *ffmpeg.input_args(path), *options))
            parts.append(_blocks(stream, sample_rate * BLOCK_S, part.channels))
        yield _beside(parts)


def _beside(parts: Sequence[Blocks]) -> Blocks:
    """Blocks with the channels of all parts."""
    for blocks in zip(*parts, strict=False):
        n_samples = min(map(len, blocks))
        yield np.hstack([block[:n_samples] for block in blocks])


def _output(sample_rate: int) -> list[str]:
    # FFmpeg fills every gap between two samples with silence, be it years
    return ["-ar", str(sample_rate), "-t", str(MAX_DURATION_S), "-f", "f32le"]


@contextmanager
def _open_repaired(
    path: Path, sample_rate: int, tracks: Sequence[Track], cancelled: Sequence[frozenset[int]]
) -> Iterator[ByteStream]:
    """The mean of the tracks, each of which is its loudest channel in the blocks where it cancels."""
    with ExitStack() as stack:
        repaired = []
        for track, blocks in zip(tracks, cancelled, strict=True):
            mix = stack.enter_context(_open_mix(path, sample_rate, [track]))
            channels = stack.enter_context(_open_channels(path, track, sample_rate))
            repaired.append(_repaired(_blocks(mix, sample_rate * BLOCK_S, 1), channels, blocks))
        yield _Pieces(mean.tobytes() for mean in _mean(repaired))


def _repaired(mix: Blocks, channels: Blocks, cancelled: frozenset[int]) -> Blocks:
    for number, (mono, sound) in enumerate(zip(mix, channels, strict=False)):
        yield _loudest(sound) if number in cancelled else mono[:, 0]


def _mean(tracks: Sequence[Blocks]) -> Blocks:
    """The mean of tracks, as long as the longest."""
    for blocks in zip_longest(*tracks, fillvalue=np.zeros(0, DTYPE)):
        total = np.zeros(max(map(len, blocks)), DTYPE)
        for block in blocks:
            total[: len(block)] += block / DTYPE.type(len(tracks))
        yield total


def _blocks(stream: IO[bytes], n_samples: int, n_channels: int) -> Blocks:
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
