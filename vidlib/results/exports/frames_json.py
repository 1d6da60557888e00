"""The common layout of the JSON files for After Effects: one line for each frame, so that files of any length stream.

The first line is ``{"fps", "total_frames", "frames_analysis": [``. A line for each frame follows, from 1 and without
gaps. The last line has the values of the whole video.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from vidlib.errors import BrokenOutput
from vidlib.files import atomic_write
from vidlib.timeline import FPS


class NumberedFrame(BaseModel):
    """The base of all models of one frame; ``frame`` counts from 1."""

    frame: int


Frame = TypeVar("Frame", bound=NumberedFrame)

Whole = TypeVar("Whole", bound=BaseModel)
"""A model of a whole file."""


def write(path: Path, frames: Iterable[Frame], total_frames: int, **whole: Any) -> Path:
    """Write ``frames``, one at a time, then the values of the ``whole`` video; equal values give equal bytes.

    Raises BrokenOutput unless the frames are 1 to ``total_frames``, in order.
    """
    with atomic_write(path, newline="") as file:
        file.write(f'{{"fps":{int(FPS)},"total_frames":{total_frames},"frames_analysis":[')
        number = 0
        for number, frame in enumerate(frames, 1):
            if frame.frame != number:
                raise BrokenOutput(f"{path}: expected frame {number}, not frame {frame.frame}")
            file.write(("\n" if number == 1 else ",\n") + frame.model_dump_json())
        if number != total_frames:
            raise BrokenOutput(f"{path}: expected {total_frames} frames, not {number}")
        file.write("\n]")
        for key, value in whole.items():
            file.write(f",{json.dumps(key)}:{json.dumps(value, ensure_ascii=False, separators=(',', ':'))}")
        file.write("}\n")
    return path


def stream(path: Path, model: type[Frame]) -> Iterator[Frame]:
    """The frames of a file by `write`, one at a time.

    Raises BrokenOutput if the file is truncated, of another form, or lacks a frame.
    """
    with open(path, encoding="utf-8") as file:
        try:
            total = json.loads(file.readline() + "]}")["total_frames"]
            for number in range(1, total + 1):
                frame = model.model_validate_json(file.readline().rstrip(",\n"))
                if frame.frame != number:
                    raise BrokenOutput(f"{path}: expected frame {number}, not frame {frame.frame}")
                yield frame
            json.loads('{"frames_analysis":[' + file.read())
        except (ValueError, KeyError, TypeError) as error:
            raise BrokenOutput(f"{path} is truncated or damaged: {error}") from error


def read(path: Path, model: type[Whole]) -> Whole:
    """The whole file at once, in any JSON layout; raises BrokenOutput with the place that does not fit ``model``."""
    try:
        return model.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise BrokenOutput(f"{path} has an unexpected form: {error}") from error
