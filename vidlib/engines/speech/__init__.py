"""Speech engines: what one does, and which there are."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pkgutil import resolve_name
from typing import Protocol, Self

from vidlib.engines.runtime.model_cache import cached_model
from vidlib.errors import EngineUnavailable, UnknownName
from vidlib.machine import devices
from vidlib.machine.devices import Device
from vidlib.media.audio import Samples
from vidlib.progress import Report, quiet
from vidlib.timeline import Turn, speaker_label

DIARIZERS = {
    "pyannote": "vidlib.engines.speech.pyannote.engine:Pyannote",
    "light": "vidlib.engines.speech.light:Light",
    "lemonfox": "vidlib.engines.speech.lemonfox.engine:Lemonfox",
}
"""Name -> the engine, ``module:class``; nothing is imported until it is asked for."""

ON_GPU = frozenset({"pyannote"})
"""The engines that can use a GPU of this machine."""

PACKAGES = {"pyannote": "torch pyannote-audio", "light": "onnxruntime scipy", "lemonfox": "httpx"}
"""What to install where one of them cannot be imported."""

WEIGHTS = {
    "pyannote": ("speech_segmentation", "speaker_embedding"),
    "light": ("voice_activity", "speaker_embedding"),
    "lemonfox": (),
}
"""The vault's models that each loads."""

Voiced = tuple[float, float, str | None]
"""Somebody speaks: start and stop in seconds, and any name for the voice; None where nobody knows whose it is."""


@dataclass(frozen=True)
class Options:
    """What every engine is made with.

    ``threshold`` is the distance in [0, 2] from which two voices are two people, ``min_gap_s`` the seconds of pause up
    to which a turn goes on, ``min_turn_s`` those below which it names nobody. ``model`` is a folder with a pipeline of
    pyannote, None for the vault's; ``language`` the one that is spoken, "" where that is to be found out: each is for
    the one engine that knows what to do with it.
    """

    threshold: float = 0.7
    min_gap_s: float = 0.2
    min_turn_s: float = 0.1
    model: str = ""
    language: str = ""


@dataclass(frozen=True)
class Caption:
    """What is said from ``start_s`` to ``stop_s`` seconds; ``text`` is one line and not empty."""

    start_s: float
    stop_s: float
    text: str


@dataclass(frozen=True)
class Diarization:
    """Who speaks when, in seconds from the first sample, all lists in order of time.

    ``turns`` of different speakers may overlap; their labels are SPEAKER_00, SPEAKER_01, ... by first appearance.
    ``speech`` are the ``(start, stop)`` in which anybody speaks, without overlap; it covers every turn. ``captions``
    are the text, of an engine that understands it.
    """

    turns: list[Turn]
    speech: list[tuple[float, float]]
    captions: tuple[Caption, ...] = ()


class Diarizer(Protocol):
    """Finds who speaks when. A context manager: leaving it frees the models.

    Made as ``Engine(device, options)``. Raises EngineUnavailable, or WeightError, where it cannot run.
    """

    name: str
    device: Device

    def diarize(
        self, waveform: Samples, *, min_speakers: int = 1, max_speakers: int | None = None, report: Report = quiet
    ) -> Diarization:
        """`Samples` at 16 kHz -> who speaks when; the same waveform gives the same answer, in memory or not.

        Never more than ``max_speakers`` speakers, and ``min_speakers`` wherever the sound has as many voices.
        ``report`` is given seconds of sound. Raises GpuFailed where the GPU gives up, EngineUnavailable where a service
        does.
        """

    def __enter__(self) -> Self: ...

    def __exit__(self, *exception: object) -> None: ...


def open_diarizer(name: str, device: Device, options: Options) -> AbstractContextManager[Diarizer]:
    """The engine ``name`` on ``device``.

    Raises UnknownName, or EngineUnavailable, with the remedy, where it cannot run here.
    """
    check_name(name)
    key = (DIARIZERS[name], device, options, devices.cores())
    return cached_model(key, lambda: _engine(name)(device, options))


def check_name(name: str) -> None:
    """Raise UnknownName, which lists the known ones, for what is no engine."""
    if name not in DIARIZERS:
        raise UnknownName("a speech engine", name, DIARIZERS)


def gpu_problem(name: str) -> str | None:
    """Why the engine ``name`` cannot use a GPU here; None if it can."""
    return devices.cuda_problem() if name in ON_GPU else f"engine {name!r} uses none"


def _engine(name: str) -> type[Diarizer]:
    try:
        return resolve_name(DIARIZERS[name])
    except ImportError as error:
        raise EngineUnavailable(
            f"engine {name!r} cannot run here: {error}. Install what it needs with: pip install {PACKAGES[name]}"
        ) from error


def diarization(
    voiced: Sequence[Voiced], duration_s: float, min_gap_s: float, min_turn_s: float, max_speakers: int | None = None
) -> Diarization:
    """Turns from ``voiced``, in any order: cut at the end of the sound, joined over short pauses, named.

    Where there are more than ``max_speakers``, those who speak least are nobody. Turns have a confidence of 1.

    >>> diarization([(1.0, 2.0, "b"), (0.0, 0.9, "a"), (2.1, 9.0, "b")], 3.0, 0.2, 0.1).turns
    [Turn(start_s=0.0, stop_s=0.9, speaker='SPEAKER_00', confidence=1.0), \
Turn(start_s=1.0, stop_s=3.0, speaker='SPEAKER_01', confidence=1.0)]
    """
    within = [(round(start, 3), round(min(stop, duration_s), 3), voice) for start, stop, voice in voiced]
    within = [(start, stop, voice) for start, stop, voice in within if start < stop]
    spans = {
        voice: joined(((start, stop) for start, stop, _ in own), min_gap_s)
        for voice, own in groupby(sorted((v for v in within if v[2] is not None), key=itemgetter(2)), itemgetter(2))
    }
    most = sorted(spans, key=lambda voice: -sum(stop - start for start, stop in spans[voice]))[:max_speakers]
    named = sorted((*span, voice) for voice in most for span in spans[voice] if span[1] - span[0] >= min_turn_s)
    labels: dict[str, str] = {}
    turns = [Turn(start, stop, labels.setdefault(voice, speaker_label(len(labels)))) for start, stop, voice in named]
    everything = [(start, stop) for start, stop, _ in within] + [span for own in spans.values() for span in own]
    return Diarization(turns, joined(everything))


def joined(spans: Iterable[tuple[float, float]], gap_s: float = 0.0) -> list[tuple[float, float]]:
    """The time that ``spans`` (start, stop) cover, in order and without overlap; gaps up to ``gap_s`` are closed.

    >>> joined([(3.0, 4.0), (0.0, 1.5), (1.0, 2.0)])
    [(0.0, 2.0), (3.0, 4.0)]
    """
    covered: list[tuple[float, float]] = []
    for start, stop in sorted(spans):
        if covered and start - covered[-1][1] <= gap_s:
            covered[-1] = covered[-1][0], max(stop, covered[-1][1])
        else:
            covered.append((start, stop))
    return covered
