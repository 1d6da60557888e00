"""Speech engines, which implement `vidlib.protocols.Diarizer`, and their options."""

from contextlib import AbstractContextManager
from dataclasses import dataclass

from vidlib.engines.registry import Engine, Registry
from vidlib.machine.devices import Device
from vidlib.protocols import Diarizer
from vidlib.settings import settings

DIARIZERS: Registry[Diarizer] = Registry(
    "speech engine",
    {
        "pyannote": Engine(
            classes={
                "cpu": "vidlib.engines.speech.pyannote.engine:Pyannote",
                "cuda": "vidlib.engines.speech.pyannote.engine:PyannoteOnGpu",
            },
            packages="torch pyannote-audio",
            weights=("speech_segmentation", "speaker_embedding", "voice_activity"),
        ),
        "light": Engine(
            classes={"cpu": "vidlib.engines.speech.light:Light"},
            packages="onnxruntime scipy",
            weights=("voice_activity", "speaker_embedding"),
        ),
        "lemonfox": Engine(classes={"cpu": "vidlib.engines.speech.lemonfox.engine:Lemonfox"}, packages="httpx"),
    },
)

COMMUNITY = "community-1"
"""The folder in VIDLIB_MODELS_DIR with pyannote/speaker-diarization-community-1, which nobody may distribute."""

VAULT = "vault"


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


def choose_pipeline(wanted: str) -> str:
    """The folder of pyannote's pipeline that ``audio.pyannote_model`` = ``wanted`` means here; "" is that of the vault.

    Without a wish, it is `COMMUNITY` wherever the operator has put it. ``vault`` means the vault's in any case.
    """
    if wanted:
        return "" if wanted == VAULT else wanted
    models = settings().models_dir
    return COMMUNITY if models and (models / COMMUNITY).is_dir() else ""


def open_diarizer(name: str, device: Device, options: Options) -> AbstractContextManager[Diarizer]:
    """Open the engine ``name`` on ``device`` for a block.

    Raises UnknownName; EngineUnavailable, with the remedy, where the engine cannot run here; WeightError where its
    weights are missing.
    """
    return DIARIZERS.open(name, device, options)


def weights(name: str, options: Options = Options()) -> tuple[str, ...]:
    """The models of the vault that the engine ``name`` loads; pyannote with another ``options.model`` loads none."""
    return () if name == "pyannote" and options.model else DIARIZERS[name].weights
