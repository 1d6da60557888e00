"""Active speaker detection: whether a mouth moves in time with the sound.

Engines implement `vidlib.protocols.ActiveSpeakerModel`.
"""

from contextlib import AbstractContextManager

from vidlib.engines.registry import Engine, Registry
from vidlib.protocols import ActiveSpeakerModel

WEIGHTS = "lr_asd"
"""The vault's name for the weights of LR-ASD."""

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


def open_active_speaker() -> AbstractContextManager[ActiveSpeakerModel]:
    """LR-ASD on the CPU; raises WeightError where its weights are not on this machine."""
    return ACTIVE_SPEAKER_MODELS.open("lr_asd", "cpu")
