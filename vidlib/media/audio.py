"""The sound of a file as mono samples, in memory or on disk (see `vidlib.media.mixdown`)."""

import shutil
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Protocol

import numpy as np
from numpy.typing import NDArray

from vidlib.media.mixdown import DTYPE, FIRST_TRACK, open_mono
from vidlib.media.probe import has_audio
from vidlib.timeline import FPS

SAMPLE_RATE = 16_000
"""Samples per second of every waveform here; the speech models were trained at this rate."""

SAMPLES_PER_FRAME = int(SAMPLE_RATE / FPS)
"""Samples during one frame at `FPS`."""

CHUNK_SAMPLES = 1 << 20
"""Samples in each of `chunks`, 4 MiB: little memory, few reads."""

READ_BYTES = 1 << 20
"""Bytes that are read from FFmpeg at a time."""

Waveform = NDArray[np.float32]
"""Mono samples, shape (n,), in [-1, 1]."""


class Samples(Protocol):
    """Mono sound, (n,) float32 in [-1, 1]: an array, or an object with a length whose slices are arrays."""

    def __len__(self) -> int: ...

    def __getitem__(self, piece: slice, /) -> Waveform: ...


class StoredSamples:
    """`Samples` that stay on disk: the first ``n_samples`` of a ``file`` of float32 in this machine's byte order.

    A slice (step 1) is read from the file each time. Use it from one thread at a time, while the file is open.
    """

    # a memory map would not do, because every page that was touched counts as memory of the process
    def __init__(self, file: IO[bytes], n_samples: int):
        self._file, self._n_samples = file, n_samples

    def __len__(self) -> int:
        return self._n_samples

    def __getitem__(self, piece: slice, /) -> Waveform:
        start, stop, _ = piece.indices(len(self))
        self._file.seek(start * DTYPE.itemsize)
        return np.fromfile(self._file, DTYPE, max(0, stop - start))


class AmplifiedSamples:
    """`Samples` multiplied by ``gain`` when they are read; they may leave [-1, 1]."""

    def __init__(self, samples: Samples, gain: float):
        self._samples, self._gain = samples, DTYPE.type(gain)

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, piece: slice, /) -> Waveform:
        return self._samples[piece] * self._gain


def chunks(samples: Samples, n_samples: int = CHUNK_SAMPLES) -> Iterator[Waveform]:
    """Split the samples into arrays of ``n_samples``, in order; the last may be shorter.

    >>> [chunk.tolist() for chunk in chunks(np.arange(5), 2)]
    [[0, 1], [2, 3], [4]]
    """
    for start in range(0, len(samples), n_samples):
        yield samples[start : start + n_samples]


def read_waveform(path: Path, sample_rate: int = SAMPLE_RATE, tracks: Sequence[int] = FIRST_TRACK) -> Waveform:
    """Decode audio ``tracks``, mixed to mono: (n,) float32 in [-1, 1]; empty where the file has no sound.

    Sample 0 is at 0 s, also where the sound begins later than the picture. Four hours at 16 kHz take 0.9 GiB. Raises
    MediaError where the sound cannot be decoded.
    """
    if not has_audio(path):
        return np.zeros(0, DTYPE)
    samples = bytearray()  # grows in place: a list of chunks and their sum would need twice the memory
    with open_mono(path, sample_rate, tracks) as stream:
        while data := stream.read(READ_BYTES):
            samples += data
    return np.frombuffer(samples, DTYPE)


@contextmanager
def stored_waveform(
    path: Path, folder: Path, n_samples: int, tracks: Sequence[int] = FIRST_TRACK
) -> Iterator[StoredSamples]:
    """Decode the first ``n_samples`` of `read_waveform` (or all, if there are fewer) to disk: 230 MB an hour.

    The file is in ``folder`` and has no name, so it disappears however this process ends. Raises MediaError where the
    sound cannot be decoded, OSError where it cannot be written.
    """
    with TemporaryFile(dir=folder) as file:
        if has_audio(path):
            with open_mono(path, SAMPLE_RATE, tracks) as stream:
                shutil.copyfileobj(stream, file, READ_BYTES)
        yield StoredSamples(file, min(n_samples, file.tell() // DTYPE.itemsize))


def read_by_frame(path: Path, tracks: Sequence[int] = FIRST_TRACK) -> Generator[Waveform, None, None]:
    """Decode audio ``tracks``, mixed to mono, frame by frame at `FPS`: (640,) float32 in [-1, 1] each.

    One frame's sound is in memory at a time; the last may be shorter. Yields nothing where the file has no sound.
    Raises MediaError where the sound cannot be decoded.
    """
    if not has_audio(path):
        return
    n_bytes = SAMPLES_PER_FRAME * DTYPE.itemsize
    with open_mono(path, SAMPLE_RATE, tracks) as stream:
        while data := stream.read(n_bytes):
            yield np.frombuffer(data, DTYPE)


def loudness_by_frame(path: Path) -> Waveform:
    """Root mean square of the sound during each frame at `FPS`: (n frames,) float32 in [0, 1]."""
    return np.array([np.sqrt(np.mean(samples**2)) for samples in read_by_frame(path)], DTYPE)
