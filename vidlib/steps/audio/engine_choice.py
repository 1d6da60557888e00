"""Which engine hears the speakers: the first of those named that works."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypedDict

from vidlib.engines.speech import DIARIZERS, Options, open_diarizer
from vidlib.errors import Cancelled, EngineUnavailable, LeaseLost, OutOfMemory, Postponed, VidlibError
from vidlib.machine import devices
from vidlib.machine.devices import Device
from vidlib.media.audio import Samples
from vidlib.progress import Report, quiet
from vidlib.protocols import Diarization
from vidlib.results.review import ReviewItem
from vidlib.text import one_line

log = logging.getLogger("vidlib.audio")

NO_FAILURE_OF_AN_ENGINE = (Cancelled, LeaseLost, Postponed, OutOfMemory, MemoryError)
"""Errors after which no other engine is tried: the step stops, or another attempt has more memory."""

MAX_REASON_CHARS = 300


class SpeakerLimits(TypedDict):
    """Arguments of `Diarizer.diarize`; None means no limit."""

    min_speakers: int
    max_speakers: int | None


@dataclass(frozen=True)
class Request:
    """What an engine is asked: ``wanted`` is the device."""

    wanted: devices.Wanted
    options: Options
    speakers: SpeakerLimits


@dataclass(frozen=True)
class Answer:
    """A diarization, the engine that made it, its device, and a note for a person on each engine that failed."""

    diarization: Diarization
    engine: str
    choice: devices.Choice
    items: tuple[ReviewItem, ...] = ()


def diarize(waveform: Samples, engines: Sequence[str], request: Request, report: Report = quiet) -> Answer:
    """Diarize ``waveform`` by the first of the ``engines`` that works, whatever makes the ones before it fail.

    Raises the error of the engine if there is one, else EngineUnavailable with the error of each.
    """
    names = tuple(engines)
    if request.wanted == "cuda":  # engines without a GPU are no alternative then, unless there are no others
        names = tuple(filter(DIARIZERS.uses_gpu, names)) or names
    failed: dict[str, str] = {}
    for name in names:
        work = partial(_diarize, name, waveform, request, report)
        try:
            diarization, choice = devices.attempt(request.wanted, work, partial(DIARIZERS.gpu_problem, name))
        except NO_FAILURE_OF_AN_ENGINE:
            raise
        except Exception as error:
            if len(names) == 1:
                raise
            failed[name], last = describe_failure("speech", name, error), error
        else:
            reasons = [*_listed(failed), *filter(None, [choice.fallback])]
            named = devices.Choice(choice.device, "; ".join(reasons) or None)
            return Answer(diarization, name, named, _review_items(name, failed))
    raise EngineUnavailable("; ".join(_listed(failed))) from last


def _diarize(name: str, waveform: Samples, request: Request, report: Report, device: Device) -> Diarization:
    with open_diarizer(name, device, request.options) as diarizer:
        return diarizer.diarize(waveform, **request.speakers, report=report)


def describe_failure(kind: str, name: str, error: Exception) -> str:
    """Why the engine ``name`` failed, as one line; a fault of the code goes to the log with its traceback."""
    if isinstance(error, VidlibError):
        return str(error)
    log.warning("the %s engine %s failed", kind, name, exc_info=error)
    return one_line(f"{type(error).__name__}: {error}", MAX_REASON_CHARS)


def _listed(failed: dict[str, str]) -> list[str]:
    return [f"not {name}: {reason}" for name, reason in failed.items()]


def _review_items(engine: str, failed: dict[str, str]) -> tuple[ReviewItem, ...]:
    return tuple(
        ReviewItem(message=f"{engine} found the speakers, because {name} did not work: {reason}")
        for name, reason in failed.items()
    )
