"""Active speaker detection: whether a mouth moves in time with the sound.

Engines implement `vidlib.protocols.ActiveSpeakerModel`.
"""

from contextlib import AbstractContextManager

from vidlib import vault
from vidlib.engines.registry import Engine, Registry
from vidlib.protocols import ActiveSpeakerModel

WEIGHTS = "lr_asd"
"""The vault's name for the weights of LR-ASD."""

NO_WEIGHTS = (
    "lips and sound alone tell who speaks, because the weights of LR-ASD are not on this machine; "
    "download them: vidlib models fetch lr_asd"
)

ACTIVE_SPEAKER_MODELS: Registry[ActiveSpeakerModel] = Registry(
    "active speaker model",
    {
        "lr_asd": Engine(
            classes={"cpu": "vidlib.engines.active_speaker.lrasd:LrAsd"},
            packages="torch onnx openvino scipy",
            weights=(WEIGHTS,),
        )
    },
)


def choose(wanted: str) -> str | None:
    """The model that ``tracking.speaking`` = ``wanted`` uses on this machine; None for lips and sound alone.

    ``auto`` takes the model if its weights are here, ``movement`` takes none.
    """
    if wanted == "auto":
        return "lr_asd" if vault.has(WEIGHTS) else None
    return None if wanted == "movement" else wanted


def weights(wanted: str) -> tuple[str, ...]:
    """The vault's models that ``tracking.speaking`` = ``wanted`` loads on this machine."""
    name = choose(wanted)
    return ACTIVE_SPEAKER_MODELS[name].weights if name else ()


def open_active_speaker(name: str) -> AbstractContextManager[ActiveSpeakerModel]:
    """Open a model on the CPU; raises WeightError where its weights are not on this machine."""
    return ACTIVE_SPEAKER_MODELS.open(name, "cpu")
