"""``shots.json``: the shots of one video with their boundaries, for the later steps and for analysts.

``{"fps", "frames", "engine", "shots": [{"start", "stop", "boundary", "transition", "confidence"}]}``. Frames count from
0, and ``stop`` is not included. ``boundary`` is how the shot begins. ``transition`` has the ``[start, stop]`` of a
gradual transition, or null.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vidlib.errors import BrokenOutput
from vidlib.files import write_json
from vidlib.timeline import FPS, Shot, Span


def write(path: Path, shots: Sequence[Shot], *, engine: str) -> Path:
    """Write ``shots``, which tile a video, to ``path``."""
    rows = [_to_json(shot) for shot in shots]
    return write_json(path, {"fps": int(FPS), "frames": shots[-1].span.stop, "engine": engine, "shots": rows})


def read(path: Path) -> list[Shot]:
    """The shots in ``path``, in order; raises BrokenOutput for a file of another form."""
    try:
        return [_from_json(row) for row in json.loads(path.read_bytes())["shots"]]
    except (ValueError, KeyError, TypeError) as error:
        raise BrokenOutput(f"{path} is not a shots.json: {error!r}") from error


def _to_json(shot: Shot) -> dict[str, Any]:
    return {
        "start": shot.span.start,
        "stop": shot.span.stop,
        "boundary": shot.boundary,
        "transition": [shot.transition.start, shot.transition.stop] if shot.transition else None,
        "confidence": shot.confidence,
    }


def _from_json(row: dict[str, Any]) -> Shot:
    transition = Span(*row["transition"]) if row["transition"] else None
    return Shot(Span(row["start"], row["stop"]), row["boundary"], row["confidence"], transition)
