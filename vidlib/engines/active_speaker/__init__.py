"""Active speaker: whether a mouth moves in time with the sound. What such an engine does, and which there is."""

from concurrent.futures import Future
from contextlib import AbstractContextManager
from pkgutil import resolve_name
from typing import Protocol, Self

import numpy as np

from vidlib.engines.runtime.model_cache import loaded
from vidlib.machine import devices

ACTIVE_SPEAKER = "vidlib.engines.active_speaker.lrasd:LrAsd"

WEIGHTS = "lr_asd"
"""The vault's model that it loads."""


class ActiveSpeaker(Protocol):
    """Compares mouths with the sound. A context manager: leaving it frees the models.

    Mouths are squares of ``side`` pixels. They are looked at in windows of at most ``window`` frames, with ``margin``
    frames before and after.
    """

    name: str
    side: int
    window: int
    margin: int

    def look(self, crops: np.ndarray) -> Future[np.ndarray]:
        """Begin to see what a mouth does: (margin + n + margin, side, side) uint8 grey -> (n, features) float32."""

    def listen(self, samples: np.ndarray) -> np.ndarray:
        """What is heard: mono sound at 16 kHz, (640 n,) float32 in [-1, 1] -> (n, features) float32 for n frames."""

    def decide(self, seen: np.ndarray, heard: np.ndarray) -> np.ndarray:
        """How likely the mouth makes the sound in each frame: (n, features) twice -> (n,) float32, log-odds."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *exception: object) -> None: ...


def open_active_speaker() -> AbstractContextManager[ActiveSpeaker]:
    """The engine, on the CPU; raises WeightError where its weights are not on this machine."""
    return loaded((ACTIVE_SPEAKER, devices.cores()), lambda: resolve_name(ACTIVE_SPEAKER)())
