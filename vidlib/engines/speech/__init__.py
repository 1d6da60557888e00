"""Speech engines: what one does, and which there are."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pkgutil import resolve_name
from typing import Protocol, Self

from vidlib.engines.runtime.model_cache import cached_model
from vidlib.errors import EngineUnavailable, UnknownName
from vidlib.machine import devices
from vidlib.machine.devices import Device
from vidlib.media.audio import Samples
from vidlib.progress import Report, quiet
from vidlib.timeline import Segment, Turn, Turns, speaker_label, support

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


@dataclass(frozen=True)
class Options:
    """Options of every engine; an engine ignores those that it does not know.

    ``threshold`` is the cosine distance in [0, 2] from which two groups of speaker embeddings are two speakers.
    ``min_gap_s`` is the shortest pause that ends a turn, in seconds; a turn shorter than ``min_turn_s`` names nobody.
    ``model`` names a folder with another pyannote pipeline; "" means the models of the vault. ``language`` is the
    spoken language, such as ``english``; "" lets the engine detect it.
    """

    threshold: float = 0.7
    min_gap_s: float = 0.2
    min_turn_s: float = 0.1
    model: str = ""
    language: str = ""


@dataclass(frozen=True)
class Caption:
    """The ``text`` spoken from ``start_s`` to ``stop_s`` seconds: one line, not empty."""

    start_s: float
    stop_s: float
    text: str


@dataclass(frozen=True)
class Diarization:
    """Who speaks when, in seconds from the first sample; every list is in order of time.

    ``turns`` of different speakers may overlap; speakers are SPEAKER_00, SPEAKER_01, ... by first appearance.
    ``speech`` is the time in which anybody speaks: segments without overlap that cover every turn. ``captions`` are
    empty unless the engine transcribes.
    """

    turns: Turns
    speech: list[Segment]
    captions: tuple[Caption, ...] = ()

    @classmethod
    def from_turns(
        cls,
        turns: Iterable[Turn],
        duration_s: float,
        options: Options,
        *,
        unnamed: Iterable[Segment] = (),
        max_speakers: int | None = None,
    ) -> Self:
        """Clip, merge and label the raw ``turns`` of an engine: any order, any names, any overlap.

        ``unnamed`` is speech of unknown speakers. Turns end with the sound, of ``duration_s`` seconds. Where there are
        more than ``max_speakers``, those who speak least become unnamed, as turns below ``options.min_turn_s`` do.

        >>> turns = [Turn(1.0, 2.0, "b"), Turn(0.0, 0.9, "a"), Turn(2.1, 9.0, "b")]
        >>> Diarization.from_turns(turns, 3.0, Options()).turns
        [Turn(start_s=0.0, stop_s=0.9, speaker='SPEAKER_00', confidence=1.0), \
Turn(start_s=1.0, stop_s=3.0, speaker='SPEAKER_01', confidence=1.0)]
        """
        clipped = Turns(
            replace(turn, start_s=part.start_s, stop_s=part.stop_s)
            for turn in turns
            if (part := clip(turn.segment, duration_s))
        ).support(options.min_gap_s)
        others = [part for segment in unnamed if (part := clip(segment, duration_s))]
        by_speaker = clipped.by_speaker()
        named = set(sorted(by_speaker, key=lambda name: -by_speaker[name].duration_s)[:max_speakers])
        long = [turn for turn in clipped if turn.speaker in named and turn.duration_s >= options.min_turn_s]
        return cls(label_speakers(long), support([*others, *clipped.segments]))


def clip(segment: Segment, duration_s: float) -> Segment | None:
    """The part of a segment before ``duration_s``, in whole milliseconds; None where nothing is left."""
    start_s, stop_s = round(segment.start_s, 3), round(min(segment.stop_s, duration_s), 3)
    return Segment(start_s, stop_s) if start_s < stop_s else None


def label_speakers(turns: Iterable[Turn]) -> Turns:
    """The ``turns``, in order of time, with SPEAKER_00, SPEAKER_01, ... by first appearance as speakers."""
    labels: dict[str, str] = {}
    return Turns(replace(turn, speaker=labels.setdefault(turn.speaker, speaker_label(len(labels)))) for turn in turns)


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
