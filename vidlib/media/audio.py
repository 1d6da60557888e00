"""Sound as samples that need not be in memory: what is asked for comes as an array, a piece at a time."""

from collections.abc import Iterator
from typing import IO, Protocol

import numpy as np

PART = 1 << 20
"""Samples in each of `parts`, 4 MiB: little in memory, few reads."""

SAMPLE = np.dtype(np.float32)


class Samples(Protocol):
    """(n,) float32 in [-1, 1], mono: an array, or what is read like one. It has a length, and slices are arrays."""

    def __len__(self) -> int: ...

    def __getitem__(self, piece: slice, /) -> np.ndarray: ...


class StoredSamples:
    """See `Samples`: the first ``n_samples`` of a ``file`` of float32 in the byte order of this machine.

    A slice, of neighbours alone, is read when it is asked for. One thread at a time; not after the file was closed.
    """

    # a memory map would not do: each page that was looked at counts as memory of the process
    def __init__(self, file: IO[bytes], n_samples: int):
        self._file, self._n_samples = file, n_samples

    def __len__(self) -> int:
        return self._n_samples

    def __getitem__(self, piece: slice, /) -> np.ndarray:
        start, stop, _ = piece.indices(len(self))
        self._file.seek(start * SAMPLE.itemsize)
        return np.fromfile(self._file, SAMPLE, max(0, stop - start))


class Louder:
    """See `Samples`: others, each times ``gain`` when it is asked for; they may leave [-1, 1]."""

    def __init__(self, samples: Samples, gain: float):
        self._samples, self._gain = samples, SAMPLE.type(gain)

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, piece: slice, /) -> np.ndarray:
        return self._samples[piece] * self._gain


def parts(samples: Samples, n_samples: int = PART) -> Iterator[np.ndarray]:
    """The samples in pieces of ``n_samples``, in order; the last may be shorter.

    >>> [part.tolist() for part in parts(np.arange(5), 2)]
    [[0, 1], [2, 3], [4]]
    """
    for start in range(0, len(samples), n_samples):
        yield samples[start : start + n_samples]
