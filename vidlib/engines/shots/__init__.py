"""Shot engines: what one does, which there are, and which of them runs here."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pkgutil import resolve_name
from typing import Protocol, Self

import numpy as np

from vidlib.engines.runtime.model_cache import loaded
from vidlib.errors import EngineUnavailable, UnknownName
from vidlib.machine import devices
from vidlib.machine.devices import Device

SHOT_SCORERS = {
    "transnet": "vidlib.engines.shots.transnet:TransNet",
    "pyscenedetect": "vidlib.engines.shots.pyscenedetect:PySceneDetect",
}
"""Name -> the engine, ``module:class``; nothing is imported until it is asked for."""


class ShotScorer(Protocol):
    """Scores where shots begin. A context manager: leaving it frees the model.

    Made as ``Engine(device)``, which raises EngineUnavailable where a package is missing or it cannot use ``device``.
    """

    name: str
    device: Device
    size: tuple[int, int]
    """Width and height of the pictures that it wants, in pixels."""

    def score(self, frames: Iterable[np.ndarray], n_frames: int) -> Iterator[tuple[float, float]]:
        """The frames of a clip in order, (height, width, 3) uint8 RGB -> for each, two scores in [0, 1]:

        that a shot begins with it, and that it is part of a gradual transition. Holds a window of frames, never all.
        ``n_frames`` is how many there should be; with more or fewer, all the same each is scored.
        """

    def __enter__(self) -> Self: ...

    def __exit__(self, *exception: object) -> None: ...


@contextmanager
def open_scorer(name: str, device: Device) -> Iterator[tuple[ShotScorer, str | None]]:
    """The engine ``name`` on ``device``, and None; or for ``auto`` the first one that runs here, and why not TransNet.

    Raises UnknownName, or EngineUnavailable where it was asked for by name and cannot run.
    """
    with ExitStack() as stack:
        try:
            opened = stack.enter_context(_opened("transnet" if name == "auto" else name, device)), None
        except EngineUnavailable as error:
            if name != "auto":
                raise
            opened = stack.enter_context(_opened("pyscenedetect", "cpu")), str(error)
        yield opened


def _opened(name: str, device: Device) -> AbstractContextManager[ShotScorer]:
    if name not in SHOT_SCORERS:
        raise UnknownName("a shot engine", name, SHOT_SCORERS)
    engine = SHOT_SCORERS[name]
    return loaded((engine, device, devices.cores()), lambda: resolve_name(engine)(device))
