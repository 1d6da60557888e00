"""Speech engines: what one does, and which there are."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import Protocol, Self

import numpy as np

from vidlib import devices
from vidlib.devices import Device
from vidlib.engines.loaded import loaded
from vidlib.errors import EngineUnavailable, UnknownName
from vidlib.progress import Report, quiet
from vidlib.timeline import Turn

DIARIZERS = {"pyannote": "vidlib.engines.speech_pyannote:Pyannote"}
"""Name -> the engine, ``module:class``; nothing is imported until it is asked for."""


@dataclass(frozen=True)
class Diarization:
    """Who speaks when, in seconds from the first sample, both lists in order of time.

    ``turns`` of different speakers may overlap; their labels are SPEAKER_00, SPEAKER_01, ... by first appearance.
    ``speech`` are the ``(start, stop)`` in which anybody speaks, without overlap; it covers every turn.
    """

    turns: list[Turn]
    speech: list[tuple[float, float]]


class Diarizer(Protocol):
    """Finds who speaks when. A context manager: leaving it frees the models.

    Made as ``Engine(device, threshold=..., min_gap_s=..., min_turn_s=...)``: the distance in [0, 2] from which two
    voices are two people, the seconds of pause up to which a turn goes on, the seconds below which it names nobody.
    Raises EngineUnavailable where it cannot run.
    """

    name: str
    device: Device

    def diarize(
        self, waveform: np.ndarray, *, min_speakers: int = 1, max_speakers: int | None = None, report: Report = quiet
    ) -> Diarization:
        """(n,) float32 in [-1, 1], mono, 16 kHz -> who speaks when; the same waveform gives the same answer.

        ``report`` is given seconds of sound. Raises GpuFailed where the GPU gives up.
        """

    def __enter__(self) -> Self: ...

    def __exit__(self, *exception: object) -> None: ...


def open_diarizer(
    name: str, device: Device, *, threshold: float, min_gap_s: float, min_turn_s: float
) -> AbstractContextManager[Diarizer]:
    """The engine ``name`` on ``device``.

    Raises UnknownName, or EngineUnavailable, with the remedy, where it cannot run here.
    """
    if name not in DIARIZERS:
        raise UnknownName("a speech engine", name, DIARIZERS)
    options = {"threshold": threshold, "min_gap_s": min_gap_s, "min_turn_s": min_turn_s}
    key = (DIARIZERS[name], device, *options.items(), devices.cores())
    return loaded(key, lambda: _engine(name)(device, **options))


def _engine(name: str) -> type[Diarizer]:
    try:
        return resolve_name(DIARIZERS[name])
    except ImportError as error:
        raise EngineUnavailable(
            f"engine {name!r} cannot run here: {error}. Install what it needs with: pip install torch pyannote-audio"
        ) from error


def joined(spans: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """The time that ``spans`` (start, stop) cover, in order and without overlap.

    >>> joined([(3.0, 4.0), (0.0, 1.5), (1.0, 2.0)])
    [(0.0, 2.0), (3.0, 4.0)]
    """
    covered: list[tuple[float, float]] = []
    for start, stop in sorted(spans):
        if covered and start <= covered[-1][1]:
            covered[-1] = covered[-1][0], max(stop, covered[-1][1])
        else:
            covered.append((start, stop))
    return covered
