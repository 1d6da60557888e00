"""Engines that find the words of speech, which implement `vidlib.protocols.Transcriber`."""

from pathlib import Path

from vidlib import vault
from vidlib.engines.registry import Engine, Registry
from vidlib.engines.speech.words.windows import assign_speakers
from vidlib.errors import ParamError, UnknownName
from vidlib.machine.devices import Device
from vidlib.media.audio import Samples
from vidlib.progress import Report, quiet
from vidlib.protocols import Diarization, Transcriber, Transcript

WHISPER: dict[Device, str] = {"cpu": "vidlib.engines.speech.words.whisper:Whisper"}

TRANSCRIBERS: Registry[Transcriber] = Registry(
    "words engine",
    {
        "whisper": Engine(classes=WHISPER, packages="ctranslate2", weights=("whisper",)),
        "whisper-base": Engine(
            classes=WHISPER,
            packages="ctranslate2",
            weights=("whisper_base", "whisper_base_config", "whisper_base_vocabulary"),
        ),
    },
)
"""The engines, the best first: an operator's own model in ``VIDLIB_MODELS_DIR/whisper``, then that of the vault."""

CODES = {
    "arabic": "ar", "chinese": "zh", "czech": "cs", "danish": "da", "dutch": "nl", "english": "en", "finnish": "fi",
    "french": "fr", "german": "de", "greek": "el", "hebrew": "he", "hungarian": "hu", "italian": "it", "japanese": "ja",
    "korean": "ko", "norwegian": "no", "polish": "pl", "portuguese": "pt", "romanian": "ro", "russian": "ru",
    "spanish": "es", "swedish": "sv", "turkish": "tr", "ukrainian": "uk",
}  # fmt: skip
"""The code of each language that ``audio.language`` may also write out, as Lemonfox needs it."""


def choose(wanted: str) -> str | None:
    """The engine that ``audio.words`` = ``wanted`` uses on this machine; None for none.

    ``auto`` takes the first whose weights are here. Raises UnknownName for an engine that does not exist.
    """
    if wanted == "auto":
        return next((name for name in TRANSCRIBERS if has_weights(name)), None)
    if wanted == "off":
        return None
    if wanted not in TRANSCRIBERS:
        raise UnknownName("auto, off or a words engine", wanted, ("auto", "off", *TRANSCRIBERS))
    return wanted


def weights(name: str | None) -> tuple[str, ...]:
    """The models that the engine ``name`` loads."""
    return TRANSCRIBERS[name].weights if name else ()


def transcribe(
    name: str, waveform: Samples, diarization: Diarization, language: str = "", report: Report = quiet
) -> Transcript:
    """The words of the speech in ``diarization``, with its speakers; without speech nothing is loaded.

    Raises ParamError for a ``language`` that the model does not know, EngineUnavailable where a package is missing, and
    WeightError where the weights are.
    """
    if not diarization.speech:
        return Transcript((), "")
    code = CODES.get(language, language)
    with TRANSCRIBERS.open(name, "cpu", engine_folder(name)) as transcriber:
        if code and not transcriber.knows(code):
            raise ParamError(
                f"audio.language = {language!r}: {name} does not know it; expected a code such as 'fr', a name such as "
                "'french', or '' to detect the language"
            )
        transcript = transcriber.transcribe(waveform, diarization.speech, language=code, report=report)
    words = assign_speakers(transcript.words, diarization.turns)
    return Transcript(tuple(words), transcript.language)


def has_weights(name: str) -> bool:
    """Whether the weights of the engine ``name`` are on this machine. They are not read."""
    return all(
        vault.own_folder(model) is not None if model in vault.OWN_FOLDERS else vault.has(model)
        for model in TRANSCRIBERS[name].weights
    )


def engine_folder(name: str) -> Path:
    """The folder with the checked files of the engine ``name``; raises WeightError if one is missing or damaged."""
    model, *others = TRANSCRIBERS[name].weights
    if model in vault.OWN_FOLDERS:
        return vault.needed_own_folder(model)
    folder = vault.path(model).parent
    for other in others:
        vault.path(other)
    return folder
