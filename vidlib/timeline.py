"""Time on one clip: frames, seconds and timecodes, and the spans, shots and turns that are cut out of it.

The only place that converts between frames and seconds. Frames are counted from 0 and spans are half-open, everywhere
inside vidlib; the files that leave it say themselves when they count from 1.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

FPS = Fraction(25)
"""Frame rate of every converted clip, in frames per second (design: the editors' time base)."""

Boundary = Literal["start", "cut", "dissolve", "fade"]


@dataclass(frozen=True, order=True)
class Span:
    """Frames ``start`` to ``stop``, ``stop`` not included."""

    start: int
    stop: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.stop:
            raise ValueError(f"a span needs 0 <= start < stop, not start={self.start}, stop={self.stop}")

    def __len__(self) -> int:
        return self.stop - self.start

    def __contains__(self, frame: object) -> bool:
        return isinstance(frame, int) and self.start <= frame < self.stop

    @property
    def middle(self) -> int:
        """The frame that stands for a shot: no transition reaches it."""
        return (self.start + self.stop) // 2


@dataclass(frozen=True)
class Shot:
    """One shot, and how it begins.

    ``boundary`` is the transition that leads into it (``start`` for the first), ``transition`` the frames of a gradual
    one (None for a cut), ``confidence`` in [0, 1] how sure its beginning is.
    """

    span: Span
    boundary: Boundary = "cut"
    confidence: float = 1.0
    transition: Span | None = None


@dataclass(frozen=True, order=True)
class Turn:
    """Somebody speaks from ``start_s`` to ``stop_s`` seconds; ``speaker`` is a label such as ``SPEAKER_00``."""

    start_s: float
    stop_s: float
    speaker: str
    confidence: float = 1.0


def speaker_label(number: int) -> str:
    """What the speaker is called who is the ``number``-th to speak, from 0."""
    return f"SPEAKER_{number:02}"


def spans_from_stops(stops: Iterable[int], n_frames: int) -> list[Span]:
    """Split ``[0, n_frames)`` after each stop: half-open spans, in order, no gap, no overlap.

    ``stops`` are the last frames of spans, in [0, n_frames), any order; ``n_frames`` is at least 1.

    >>> spans_from_stops([2], n_frames=4)
    [Span(start=0, stop=3), Span(start=3, stop=4)]
    """
    ends = sorted({stop + 1 for stop in stops} | {n_frames})
    return [Span(start, stop) for start, stop in zip([0, *ends], ends, strict=False)]


def tiles(spans: Sequence[Span], n_frames: int) -> bool:
    """Whether ``spans``, in order, cover ``[0, n_frames)`` once: no gap, no overlap.

    >>> tiles([Span(0, 3), Span(3, 4)], 4)
    True
    """
    edges = [0, *(span.stop for span in spans)]
    return bool(spans) and edges[-1] == n_frames and all(s.start == e for s, e in zip(spans, edges, strict=False))


def seconds(frame: int, fps: Fraction = FPS) -> Fraction:
    """When ``frame`` begins, in seconds.

    >>> seconds(30)
    Fraction(6, 5)
    """
    return frame / fps


def frame_at(time_s: float | Fraction, fps: Fraction = FPS) -> int:
    """The frame that is on screen at ``time_s`` seconds (0 or more).

    A time that a float brings within a microsecond of a frame's beginning belongs to that frame.

    >>> frame_at(0.04), frame_at(0.0399), frame_at(29 / 25)
    (1, 0, 29)
    """
    return int((Fraction(time_s) + Fraction(1, 1_000_000)) * fps)


def nearest_frame(time_s: float | Fraction, fps: Fraction = FPS) -> int:
    """The frame whose beginning is nearest to ``time_s`` seconds (0 or more), the later one in the middle.

    >>> nearest_frame(0.019), nearest_frame(0.02), nearest_frame(1.97)
    (0, 1, 49)
    """
    return int(Fraction(time_s) * fps + Fraction(1, 2))


def timecode(frame: int, fps: Fraction = FPS) -> str:
    """When ``frame`` begins, as ``HH:MM:SS.mmm``, milliseconds rounded down.

    >>> timecode(90_001)
    '01:00:00.040'
    """
    ms = int(seconds(frame, fps) * 1000)
    return f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02}.{ms % 1000:03}"


def relabel(timecode: str, fps: Fraction, to: Fraction = FPS) -> str:
    """The SMPTE ``HH:MM:SS:FF`` label, counted in frames of ``fps``, as one counted in frames of ``to``.

    The frames become the same part of the second; drop-frame labels, which follow the clock, keep their clock. What is
    no label becomes ``""``.

    >>> relabel("01:00:00;15", Fraction(30000, 1001))
    '01:00:00:12'
    """
    if not re.fullmatch(r"\d\d:[0-5]\d:[0-5]\d[:;.]\d\d", timecode) or not fps:
        return ""
    frame = int(timecode[9:]) * to // max(1, round(fps))
    return f"{timecode[:8]}:{min(frame, int(to) - 1):02}"
