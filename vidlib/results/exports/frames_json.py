"""The layout that the JSON files for After Effects share: one line for each frame, so that any length is streamed.

``{"fps", "total_frames", "frames_analysis": [`` is the first line, then a line for each frame, counted from 1 with none
left out, and last what is known of the whole.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from vidlib.errors import BrokenOutput
from vidlib.files import atomic_write
from vidlib.timeline import FPS

Frame = TypeVar("Frame", bound=BaseModel)
"""What is known of one frame; its first field is ``frame``, counted from 1."""

Whole = TypeVar("Whole", bound=BaseModel)
"""What a whole file holds."""


def write(path: Path, frames: Iterable[Frame], total_frames: int, **whole: Any) -> Path:
    """Write ``frames``, one at a time, and after them the ``whole``; the same values give the same bytes.

    Raises BrokenOutput unless they are the frames 1 to ``total_frames`` in order.
    """
    with atomic_write(path, newline="") as file:
        file.write(f'{{"fps":{int(FPS)},"total_frames":{total_frames},"frames_analysis":[')
        number = 0
        for number, frame in enumerate(frames, 1):
            if frame.frame != number:
                raise BrokenOutput(f"{path}: frame {frame.frame} comes where frame {number} was expected")
            file.write(("\n" if number == 1 else ",\n") + frame.model_dump_json())
        if number != total_frames:
            raise BrokenOutput(f"{path}: {number} frames were to be written, expected {total_frames}")
        file.write("\n]")
        for key, value in whole.items():
            file.write(f",{json.dumps(key)}:{json.dumps(value, ensure_ascii=False, separators=(',', ':'))}")
        file.write("}\n")
    return path


def stream(path: Path, model: type[Frame]) -> Iterator[Frame]:
    """The frames of a file that `write` left, one at a time.

    Raises BrokenOutput where it is no such file, cut short, or a frame is missing.
    """
    with open(path, encoding="utf-8") as file:
        try:
            total = json.loads(file.readline() + "]}")["total_frames"]
            for number in range(1, total + 1):
                frame = model.model_validate_json(file.readline().rstrip(",\n"))
                if frame.frame != number:
                    raise BrokenOutput(f"{path}: frame {frame.frame} stands where frame {number} was expected")
                yield frame
            json.loads('{"frames_analysis":[' + file.read())
        except (ValueError, KeyError, TypeError) as error:
            raise BrokenOutput(f"{path} is cut short or damaged: {error}") from error


def read(path: Path, model: type[Whole]) -> Whole:
    """All of a file at once, in this layout or any other; raises BrokenOutput, saying where, if it does not fit."""
    try:
        return model.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise BrokenOutput(f"{path} is not what it should be: {error}") from error
