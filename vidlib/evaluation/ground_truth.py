"""The ground truth of a video: shots, faces and speakers, from a truth file (JSON) and, for speakers, RTTM.

``{"fps", "frames", "size", "shots": [...]}``; frames count from 0. A shot has ``start``, the first frame that shows it,
and ``full``, the first frame that shows nothing else. Its ``parts`` list the visible faces from a frame on. Each face
has a ``panel`` (left, top, width, height in pixels); ``audible`` names the speaker. docs/use/evaluate.md has all keys.
"""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self

from pydantic import ConfigDict, Field, ValidationError, model_validator

from vidlib.errors import BrokenOutput, UsageError, did_you_mean
from vidlib.params import Frozen
from vidlib.results.exports import rttm
from vidlib.timeline import Boundary, Span, Turn, Turns

SUFFIX = ".truth.json"
"""The suffix of a truth file, after the stem of its video."""

BOUNDARIES: dict[str, Boundary] = {"start": "start", "cut": "cut", "dissolve": "dissolve", "black": "fade"}
"""Maps a transition of the truth to the boundary type of vidlib."""

FACE_OF_PANEL = 0.42
"""Default height of a face as a share of the width of its panel. A detector measured 0.37 to 0.51 on six people, head
and shoulders."""

FLASH = "flash"
"""An event that hides the picture: its frames show no face and belong to no shot."""


class TrueFace(Frozen):
    """One face: the person, the panel, whether the person is heard, and whether the lips move, even without sound."""

    speaker: str
    panel: tuple[int, int, int, int] = Field(description="left, top, width, height in pixels")
    speaking: bool
    lips_move: bool
    clip: str = ""
    face_px: float | None = Field(None, gt=0, description="height of the face itself, in pixels")

    @model_validator(mode="after")
    def _panel_has_a_size(self) -> Self:
        if min(self.panel[2:]) < 1:
            raise ValueError("a panel is [left, top, width, height], of at least one pixel each way")
        return self

    @property
    def height_px(self) -> float:
        """Height of the face in pixels; estimated from the width of the panel if the truth does not hold it."""
        return self.face_px or FACE_OF_PANEL * self.panel[2]

    def holds(self, x: float, y: float) -> bool:
        """Whether the point lies in the panel."""
        left, top, width, height = self.panel
        return left <= x <= left + width and top <= y <= top + height


class Part(Frozen):
    """The visible faces and the audible speaker from frame ``start`` on (``from`` in the file)."""

    model_config = ConfigDict(populate_by_name=True)

    start: int = Field(ge=0, alias="from")
    faces: tuple[TrueFace, ...]
    audible: str | None


class TrueShot(Frozen):
    """One shot and the transition of ``length`` frames into it. Before a fade from black, as many frames fade out."""

    start: int = Field(ge=0)
    full: int = Field(ge=0)
    transition: Literal["start", "cut", "dissolve", "black"]
    length: int = Field(ge=0)
    kind: str = Field(min_length=1)
    parts: tuple[Part, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        starts = [part.start for part in self.parts]
        if self.full < self.start:
            raise ValueError(f"'full' {self.full} comes before 'start' {self.start}")
        if starts[0] != self.start or any(a >= b for a, b in pairwise(starts)):
            raise ValueError(f"'from' of the parts is {starts}; expected to rise from the shot's 'start' {self.start}")
        return self

    @property
    def boundary(self) -> Boundary:
        return BOUNDARIES[self.transition]

    @property
    def blended(self) -> range:
        """The frames in which the shot is mixed with the one before, or dark; empty for a cut."""
        before = self.length if self.transition == "black" else 0
        return range(max(0, self.start - before), self.full)


class Event(Frozen):
    """Something in frames ``start`` to ``stop`` (not included) that is no boundary: flash, shake, pan, zoom."""

    kind: str
    start: int = Field(ge=0)
    stop: int = Field(ge=1)


class Moment(NamedTuple):
    """One frame: its number, the number of its shot, the shot, and the part of it."""

    frame: int
    number: int
    shot: TrueShot
    part: Part


class Truth(Frozen):
    """The ground truth of a video of ``frames`` frames of ``size`` (width, height) pixels."""

    fps: Literal[25]
    frames: int = Field(ge=1)
    size: tuple[int, int]
    shots: tuple[TrueShot, ...] = Field(min_length=1)
    events: tuple[Event, ...] = ()
    note: str = ""

    @model_validator(mode="after")
    def _shots_tile_the_video(self) -> Self:
        ends = [shot.start for shot in self.shots[1:]] + [self.frames]
        if self.shots[0].start:
            raise ValueError(f"the first shot starts at frame {self.shots[0].start}; expected 0")
        for number, (shot, end) in enumerate(zip(self.shots, ends, strict=True)):
            if not (shot.start < end and shot.full <= end and shot.parts[-1].start < end):
                raise ValueError(f"shot {number} (from 0) starts at {shot.start} and does not end before frame {end}")
        return self

    def moments(self) -> Iterator[Moment]:
        """Every frame, in order."""
        ends = [shot.start for shot in self.shots[1:]] + [self.frames]
        for number, (shot, end) in enumerate(zip(self.shots, ends, strict=True)):
            stops = [part.start for part in shot.parts[1:]] + [end]
            for part, stop in zip(shot.parts, stops, strict=True):
                yield from (Moment(frame, number, shot, part) for frame in range(part.start, stop))

    def unclear(self) -> set[int]:
        """Frames that show two shots, almost black, or a flash: results there count neither as right nor as wrong."""
        flashes = [range(event.start, event.stop) for event in self.events if event.kind == FLASH]
        return {frame for span in (*(shot.blended for shot in self.shots), *flashes) for frame in span}

    def turns(self) -> Turns:
        """The turns in which each speaker is audible: whole clips, including their pauses."""
        frames: dict[str, list[int]] = {}
        for moment in self.moments():
            if moment.part.audible:
                frames.setdefault(moment.part.audible, []).append(moment.frame)
        return Turns.from_frames(frames)

    def spans(self) -> list[Span]:
        """The shots; a gradual transition ends the one before in its middle."""
        starts = [(shot.start + shot.full) // 2 for shot in self.shots]
        return [Span(start, stop) for start, stop in zip(starts, [*starts[1:], self.frames], strict=True)]


def read(path: Path) -> Truth:
    """The truth in the file ``path``; raises UsageError naming file, key and what was expected."""
    try:
        return Truth.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UsageError(f"truth {str(path)!r}: {error.strerror}; expected a file such as film{SUFFIX}") from error
    except ValidationError as error:
        raise UsageError(f"{path}: {_explain(error)}; the form is in docs/use/evaluate.md") from error


def read_turns(path: Path, stem: str) -> list[Turn]:
    """Read the turns of the video ``stem`` from RTTM, which may hold several files.

    Raises UsageError where the file is missing, is no RTTM, or holds several files but not ``stem``.
    """
    try:
        turns = rttm.read(path)
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise UsageError(f"voices {str(path)!r}: {error.strerror}; expected an RTTM file") from error
    except (BrokenOutput, UnicodeDecodeError) as error:
        raise UsageError(f"{error}; expected RTTM: SPEAKER <file> 1 <start> <duration> ...") from error
    files = [line.split()[1] for line in lines if line.startswith("SPEAKER ")]
    if len(set(files)) > 1 and stem not in files:
        raise UsageError(f"{path} has no turns of {stem!r}, only of {', '.join(sorted(set(files)))}")
    return [turn for turn, file in zip(turns, files, strict=True) if len(set(files)) == 1 or file == stem]


def stem_of(path: Path) -> str:
    """The stem of the video that a truth file describes.

    >>> stem_of(Path("a/film.truth.json"))
    'film'
    """
    return path.name.removesuffix(SUFFIX) if path.name.endswith(SUFFIX) else path.stem


def _explain(error: ValidationError) -> str:
    """The first thing that is wrong, with its key, its value and what was expected; and how many more there are."""
    first, *others = error.errors(include_url=False)
    key = ".".join(str(part) for part in first["loc"])
    more = f" (and {len(others)} more)" if others else ""
    if first["type"] == "extra_forbidden":
        name = str(first["loc"][-1])
        return f"{key} is no key of a truth file;{did_you_mean(name, _keys())}{more}".removesuffix(";")
    about = f"{key}{_format_value(first)}: " if key else ""
    return f"{about}{first['msg'].removeprefix('Value error, ')}{more}"


def _format_value(problem: Mapping[str, Any]) -> str:
    value = problem["input"]
    return "" if isinstance(value, dict | list | bytes) else f" = {value!r}"


def _keys() -> set[str]:
    models = (Truth, TrueShot, Part, TrueFace, Event)
    return {field.alias or name for model in models for name, field in model.model_fields.items()}
