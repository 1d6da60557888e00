"""What is decided for a shot: the part of the picture that a window shows in each frame."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np

from vidlib.errors import UsageError
from vidlib.timeline import Shot

Kind = Literal["static", "switch", "pan", "fit"]
"""The window stands still, jumps from one speaker to another, glides, or shows the whole picture."""

MAX_ASPECT = 4
"""Most widths in one height, and most heights in one width."""


SHORT_SIDE = 1080
"""The shorter side of a finished picture in pixels, as platforms for vertical video take it."""


class Area(NamedTuple):
    """A part of the picture, in pixels of the video."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True)
class Segment:
    """Frames ``start`` to ``stop`` (not included), in which the window does not jump.

    ``keys`` are (frame, centre of the window in pixels from the left), the first at ``start``. The centre moves in a
    straight line from one to the next, and stays after the last.
    """

    start: int
    stop: int
    keys: tuple[tuple[int, int], ...]

    def centres(self) -> np.ndarray:
        """The centre of the window in each frame: (n,) float."""
        frames, centres = zip(*self.keys, strict=True)
        return np.interp(range(self.start, self.stop), frames, centres)


@dataclass(frozen=True)
class Framing:
    """What is shown of one shot.

    ``picture`` is the picture without black bars. ``window`` is (width, height) of the window, which begins ``top``
    pixels from the top of the video. ``why`` is the reason: speaker, faces, object, middle, too wide or person.
    """

    kind: Kind
    why: str
    picture: Area
    window: tuple[int, int]
    top: int
    segments: tuple[Segment, ...]

    @property
    def by_person(self) -> bool:
        """Whether a person decided."""
        return self.why == "person"

    def centres(self) -> np.ndarray:
        """The centre of the window in each frame of the shot, in pixels from the left: (n,) float."""
        return np.concatenate([segment.centres() for segment in self.segments])

    def areas(self) -> list[Area]:
        """What is shown in each frame of the shot: the window, or the whole picture for ``fit``."""
        if self.kind == "fit":
            return [self.picture] * sum(segment.stop - segment.start for segment in self.segments)
        (width, height), last = self.window, self.picture.left + self.picture.width - self.window[0]
        lefts = np.clip(np.rint(self.centres() - width / 2), self.picture.left, last).astype(int)
        return [Area(left, self.top, width, height) for left in lefts.tolist()]


@dataclass(frozen=True)
class Reframed:
    """A video of ``size`` (width, height) in the shape ``aspect``: a framing for each of its ``shots``."""

    aspect: tuple[int, int]
    size: tuple[int, int]
    shots: tuple[Shot, ...]
    framings: tuple[Framing, ...]

    @property
    def output(self) -> tuple[int, int]:
        """Width and height of the finished picture: the shorter side has `SHORT_SIDE` pixels, both are even."""
        scale = SHORT_SIDE / min(self.aspect)
        return 2 * round(self.aspect[0] * scale / 2), 2 * round(self.aspect[1] * scale / 2)

    @property
    def areas(self) -> Iterator[Area]:
        """What is shown in each frame of the video."""
        return (area for framing in self.framings for area in framing.areas())


def parse_aspect(text: str) -> tuple[int, int]:
    """Width and height of ``W:H``, such as ``9:16``; raises UsageError for other text and for extreme shapes.

    >>> parse_aspect("9:16")
    (9, 16)
    """
    width, _, height = text.partition(":")
    try:
        aspect = int(width), int(height)
    except ValueError:
        aspect = 0, 0
    if min(aspect) < 1 or max(aspect) > MAX_ASPECT * min(aspect):
        raise UsageError(
            f"the shape {text!r} is not possible; expected W:H, such as 9:16, 4:5 or 1:1, up to {MAX_ASPECT} times as "
            "long as wide"
        )
    return aspect


def window_size(picture: Area, aspect: tuple[int, int]) -> tuple[int, int]:
    """The largest window of the shape ``aspect`` in a picture: even width and height in pixels.

    >>> window_size(Area(0, 0, 1280, 720), (9, 16)), window_size(Area(0, 0, 320, 720), (1, 1))
    ((404, 720), (320, 320))
    """
    width = min(picture.width, picture.height * aspect[0] / aspect[1])
    height = min(picture.height, picture.width * aspect[1] / aspect[0])
    return min(picture.width & ~1, 2 * round(width / 2)), min(picture.height & ~1, 2 * round(height / 2))


def fastest(framings: Iterable[Framing]) -> float:
    """The highest speed of a window that glides, in pixels a frame."""
    steps = [
        abs(b[1] - a[1]) / (b[0] - a[0])
        for framing in framings
        for segment in framing.segments
        for a, b in pairwise(segment.keys)
    ]
    return max(steps, default=0.0)
