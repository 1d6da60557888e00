"""The words of the audio step: by which engine, and why there are none. No failure of a words engine fails the step."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from vidlib.engines.speech import words as transcription
from vidlib.errors import Cancelled, EngineUnavailable, LeaseLost, ParamError, Postponed
from vidlib.media.audio import Samples
from vidlib.progress import Report, quiet
from vidlib.protocols import Diarization, Transcript
from vidlib.results.review import ReviewItem
from vidlib.steps.audio.engine_choice import describe_failure

LEMONFOX = "lemonfox"
"""The engine that finds speakers and words at once."""

NO_WEIGHTS = "the weights for words are not on this machine; download them: vidlib models fetch"

log = logging.getLogger("vidlib.audio")


@dataclass(frozen=True)
class Request:
    """``audio.engines``, ``audio.words`` and ``audio.language``."""

    diarizers: Sequence[str]
    wanted: str
    language: str = ""

    @property
    def engine(self) -> str | None:
        """The words engine; None for none, and where Lemonfox alone listens, which finds the words itself."""
        return None if set(self.diarizers) == {LEMONFOX} else transcription.choose(self.wanted)


@dataclass(frozen=True)
class Answer:
    """A transcript and its engine; ``problem`` is why there is none, and ``items`` tell a person of a failure."""

    transcript: Transcript
    engine: str = ""
    problem: str | None = None
    items: tuple[ReviewItem, ...] = ()


def find_words(request: Request, waveform: Samples, diarization: Diarization, report: Report = quiet) -> Answer:
    """The words of the diarization if it has some, else those that the engine finds.

    Raises ParamError for a language that the engine does not know, and WeightError or EngineUnavailable where an
    engine that ``audio.words`` names is not on this machine.
    """
    name = request.engine
    if diarization.words or name is None:
        lacks_weights = not diarization.words and request.wanted != "off" and bool(diarization.speech)
        engine = LEMONFOX if diarization.words else ""
        return Answer(Transcript(diarization.words, ""), engine, NO_WEIGHTS if lacks_weights else None)
    try:
        return Answer(transcription.transcribe(name, waveform, diarization, request.language, report), name)
    except (Cancelled, LeaseLost, Postponed, ParamError):
        raise
    except Exception as error:
        absent = isinstance(error, EngineUnavailable) or not transcription.has_weights(name)
        if request.wanted == name and absent:
            raise
        return _without_words(name, describe_failure("words", name, error))


def _without_words(name: str, reason: str) -> Answer:
    item = ReviewItem(message=f"there are no words, because {name} did not work: {reason}")
    return Answer(Transcript((), ""), "", item.message, (item,))
