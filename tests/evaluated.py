"""A small film of which all is known, and results of it that are perfect, or wrong in one way. No model, no video.

200 frames of 640x360: A alone (close), a cut at 60 to A and B (two-shot: A speaks, then B from 100), a dissolve from
130 to 140 to footage without a face, over which C is heard, and out of black from 170 to 180 A again, whose lips move
while nobody is heard. The flash at frame 20 is no cut.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from vidlib.evaluation.ground_truth import Event, Part, TrueFace, TrueShot, Truth
from vidlib.evaluation.load_results import Results
from vidlib.results.exports import rttm, shots_csv
from vidlib.results.exports.people_json import Person
from vidlib.timeline import Shot, Span, Turn

CLOSE, LEFT, RIGHT = (50, 0, 540, 360), (10, 60, 300, 240), (330, 60, 300, 240)
FRAMES = 200
LABELS = {"A": "SPEAKER_00", "B": "SPEAKER_01", "C": "SPEAKER_02"}


def face(speaker: str, panel: tuple[int, int, int, int], speaking: bool, lips_move: bool | None = None) -> TrueFace:
    """A face; its lips move where it speaks, unless told otherwise."""
    return TrueFace(
        speaker=speaker, panel=panel, speaking=speaking, lips_move=speaking if lips_move is None else lips_move
    )


def shot(start: int, transition: str, kind: str, *parts: Part, length: int = 0) -> TrueShot:
    """A shot whose beginning is mixed with the one before for ``length`` frames."""
    return TrueShot(start=start, full=start + length, transition=transition, length=length, kind=kind, parts=parts)


def part(start: int, audible: str | None, *faces: TrueFace) -> Part:
    """What is seen and heard from a frame on."""
    return Part(start=start, faces=faces, audible=audible)


TRUTH = Truth(
    fps=25,
    frames=FRAMES,
    size=(640, 360),
    shots=(
        shot(0, "start", "close", part(0, "A", face("A", CLOSE, True))),
        shot(
            60,
            "cut",
            "two",
            part(60, "A", face("A", LEFT, True), face("B", RIGHT, False)),
            part(100, "B", face("A", LEFT, False), face("B", RIGHT, True)),
        ),
        shot(130, "dissolve", "broll", part(130, "C"), length=10),
        shot(170, "black", "close", part(170, None, face("A", CLOSE, False, lips_move=True)), length=10),
    ),
    events=(Event(kind="flash", start=20, stop=21),),
)

SHOTS = [
    Shot(Span(0, 60), "start"),
    Shot(Span(60, 135), "cut"),
    Shot(Span(135, 172), "dissolve"),
    Shot(Span(172, 200), "fade"),
]

TURNS = [
    Turn(0.0, 4.0, "SPEAKER_00"),
    Turn(4.0, 5.2, "SPEAKER_01"),
    Turn(5.2, 6.8, "SPEAKER_02"),
]


PEOPLE = [
    Person(1, {1: 0.99, 2: 0.98, 4: 0.6}, 160, 100, "SPEAKER_00", 0.95),
    Person(2, {3: 1.0}, 70, 30, "SPEAKER_01", 0.8),
]
"""A is the first, B the second."""


def rows(truth: Truth = TRUTH) -> list[dict[str, Any]]:
    """A perfect tracking table as dictionaries: each person of a shot is a track, with his or her own voice."""
    ids: dict[tuple[int, str], int] = {}
    found = []
    for moment in truth.moments():
        for one in moment.part.faces:
            left, top, width, height = one.panel
            found.append(
                {
                    "frame": moment.frame + 1,
                    "track_id": ids.setdefault((moment.number, one.speaker), len(ids) + 1),
                    "source": "face_landmarker",
                    "label": "face",
                    "centroid_x": left + width / 2,
                    "centroid_y": top + height / 2,
                    "bbox_width": width / 4,
                    "bbox_height": height / 3,
                    "confidence": 0.95,
                    "is_speaking": one.speaking,
                    "speaking_confidence": 0.9 if one.speaking else 0.1,
                    "speaker": LABELS[one.speaker],
                    "jawOpen": 0.1,
                }
            )
    return found


def found(**changed: Any) -> Results:
    """Perfect results, but for what is ``changed``."""
    perfect: dict[str, Any] = {
        "stem": "film",
        "where": Path("docs"),
        "shots": SHOTS,
        "kinds_known": True,
        "tracks": pd.DataFrame(rows()),
        "turns": TURNS,
        "people": PEOPLE,
    }
    return Results(**(perfect | changed))


def publish(folder: Path, stem: str = "film", leave_out: Sequence[str] = ()) -> Path:
    """The perfect results as files in ``folder``, called ``stem`` and the suffixes, of which some may be left out."""
    folder.mkdir(parents=True, exist_ok=True)
    if ".csv" not in leave_out:
        shots_csv.write(folder / f"{stem}.csv", [shot.span for shot in SHOTS])
    if ".rttm" not in leave_out:
        rttm.write(folder / f"{stem}.rttm", TURNS)
    if "_tracking.parquet" not in leave_out:
        pd.DataFrame(rows()).to_parquet(folder / f"{stem}_tracking.parquet")
    return folder


def write_truth(path: Path, truth: Truth = TRUTH) -> Path:
    """The truth as a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(truth.model_dump_json(by_alias=True))
    return path
