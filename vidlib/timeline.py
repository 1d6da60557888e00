"""Time in one video: frames, seconds and timecodes, and the intervals of time that become shots and turns.

Only this module converts between frames and seconds. Inside vidlib, frames count from 0 and spans are half-open. File
formats that count from 1 say so in their own module.

`Span` (frames) and `Segment` (seconds) share one algebra, that of pyannote.core: ``a & b`` is the time in both, or
None; ``a | b`` is the shortest interval that covers both, with the gap between them if there is one; `support` merges
many intervals into the time that they cover.
"""

import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import Literal, NamedTuple, TypeVar

FPS = Fraction(25)
"""Frame rate of every converted video, in frames per second (the editors' time base)."""

DAY_FRAMES = 24 * 3600 * int(FPS)
"""Frames of a day: the length of the clock of a time code."""

Boundary = Literal["start", "cut", "dissolve", "fade"]


@dataclass(frozen=True, order=True)
class Span:
    """Frames ``start`` to ``stop``, ``stop`` not included; raises ValueError unless 0 <= start < stop.

    >>> Span(0, 3) & Span(2, 5), Span(0, 3) | Span(4, 5), Span(0, 3) & Span(3, 5)
    (Span(start=2, stop=3), Span(start=0, stop=5), None)
    """

    start: int
    stop: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.stop:
            raise ValueError(f"a span needs 0 <= start < stop, not start={self.start}, stop={self.stop}")

    def __len__(self) -> int:
        return self.stop - self.start

    def __contains__(self, frame: object) -> bool:
        return isinstance(frame, int) and self.start <= frame < self.stop

    def __and__(self, other: "Span") -> "Span | None":
        start, stop = max(self.start, other.start), min(self.stop, other.stop)
        return Span(start, stop) if start < stop else None

    def __or__(self, other: "Span") -> "Span":
        return Span(min(self.start, other.start), max(self.stop, other.stop))

    def overlaps(self, other: "Span") -> bool:
        """Whether both share at least one frame."""
        return self.start < other.stop and other.start < self.stop

    def gap_to(self, later: "Span") -> int:
        """Frames from the end of this span to the start of a ``later`` one; negative where both overlap."""
        return later.start - self.stop

    @property
    def duration_s(self) -> float:
        """Length in seconds at 25 frames per second."""
        return float(seconds(len(self)))

    @property
    def segment(self) -> "Segment":
        """The time of the span in seconds, at 25 frames per second."""
        return Segment(float(seconds(self.start)), float(seconds(self.stop)))

    @property
    def middle(self) -> int:
        """The key frame of a shot: the frame that is farthest from both of its transitions."""
        return (self.start + self.stop) // 2


class Segment(NamedTuple):
    """The time from ``start_s`` to ``stop_s``, in seconds; a plain tuple of both is equal to it.

    >>> Segment(0.0, 3.0) & Segment(2.0, 5.0)
    Segment(start_s=2.0, stop_s=3.0)
    """

    start_s: float
    stop_s: float

    def __and__(self, other: "Segment") -> "Segment | None":
        start_s, stop_s = max(self.start_s, other.start_s), min(self.stop_s, other.stop_s)
        return Segment(start_s, stop_s) if start_s < stop_s else None

    def __or__(self, other: "Segment") -> "Segment":
        return Segment(min(self.start_s, other.start_s), max(self.stop_s, other.stop_s))

    def overlaps(self, other: "Segment") -> bool:
        """Whether both share more than an instant."""
        return (self & other) is not None

    def gap_to(self, later: "Segment") -> float:
        """Seconds from the end of this segment to the start of a ``later`` one; negative where both overlap."""
        return later.start_s - self.stop_s

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.stop_s - self.start_s


@dataclass(frozen=True)
class Shot:
    """One shot, and how it begins.

    ``boundary`` is the transition that leads into the shot (``start`` for the first shot). ``transition`` has the
    frames of a gradual one; it is None for a cut. ``confidence``, in [0, 1], rates the boundary.
    """

    span: Span
    boundary: Boundary = "cut"
    confidence: float = 1.0
    transition: Span | None = None


@dataclass(frozen=True, order=True)
class Turn:
    """One speaker talks from ``start_s`` to ``stop_s`` seconds; ``speaker`` is a label such as ``SPEAKER_00``.

    ``confidence``, in [0, 1], rates the speaker. ``&`` and ``|`` combine the times of two turns, whose speakers may
    differ, so that their result is a `Segment`.
    """

    start_s: float
    stop_s: float
    speaker: str
    confidence: float = 1.0

    def __and__(self, other: "Turn") -> Segment | None:
        return self.segment & other.segment

    def __or__(self, other: "Turn") -> Segment:
        return self.segment | other.segment

    def overlaps(self, other: "Turn") -> bool:
        """Whether both are heard at once for more than an instant."""
        return self.segment.overlaps(other.segment)

    def shifted(self, by_s: float) -> "Turn":
        """The same turn, so many seconds later."""
        return replace(self, start_s=self.start_s + by_s, stop_s=self.stop_s + by_s) if by_s else self

    @property
    def segment(self) -> Segment:
        """The time of the turn, without its speaker."""
        return Segment(self.start_s, self.stop_s)

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.segment.duration_s


@dataclass(frozen=True)
class Word:
    """A word that is heard from ``start_s`` to ``stop_s`` seconds, with the signs around it; never empty.

    ``speaker`` is None where nobody is known to speak. ``confidence``, in [0, 1], rates the text; None: no estimate.
    """

    start_s: float
    stop_s: float
    text: str
    speaker: str | None = None
    confidence: float | None = None


class Turns(list[Turn]):
    """Turns of one video, of any speakers; those of different speakers may overlap."""

    @classmethod
    def from_frames(cls, frames: Mapping[str, Iterable[int]]) -> "Turns":
        """A turn for each run of consecutive frames of a speaker, in order of time; ``frames`` is by label.

        >>> [(turn.speaker, turn.start_s, turn.stop_s) for turn in Turns.from_frames({"A": [0, 1, 5]})]
        [('A', 0.0, 0.08), ('A', 0.2, 0.24)]
        """
        runs = {speaker: spans_from_frames(numbers) for speaker, numbers in frames.items()}
        return cls(sorted(Turn(*span.segment, speaker) for speaker, spans in runs.items() for span in spans))

    @property
    def speakers(self) -> list[str]:
        """The label of each speaker, in alphabetical order."""
        return sorted({turn.speaker for turn in self})

    @property
    def duration_s(self) -> float:
        """Seconds of all turns together; a second with two speakers counts twice."""
        return sum(turn.duration_s for turn in self)

    @property
    def segments(self) -> list[Segment]:
        """The time of each turn."""
        return [turn.segment for turn in self]

    def by_speaker(self) -> dict[str, "Turns"]:
        """The turns of each speaker, in their order here; speakers in alphabetical order."""
        turns = {speaker: Turns() for speaker in self.speakers}
        for turn in self:
            turns[turn.speaker].append(turn)
        return turns

    def dominant_speaker(self, segment: Segment) -> str | None:
        """The speaker with the most speech within ``segment``; None where nobody speaks."""
        shared_s: dict[str, float] = {}
        for turn in self:
            duration_s = min(turn.stop_s, segment.stop_s) - max(turn.start_s, segment.start_s)
            if duration_s > 0:
                shared_s[turn.speaker] = shared_s.get(turn.speaker, 0.0) + duration_s
        return max(shared_s, key=shared_s.__getitem__, default=None)

    def support(self, gap_s: float = 0.0) -> "Turns":
        """The turns in order of time, with those of one speaker merged over gaps up to ``gap_s`` seconds.

        A merged turn has the lowest confidence of its parts.

        >>> turns = Turns([Turn(0.0, 1.0, "A"), Turn(0.5, 3.0, "B"), Turn(1.1, 2.0, "A", 0.5)])
        >>> [(turn.speaker, turn.stop_s, turn.confidence) for turn in turns.support(0.2)]
        [('A', 2.0, 0.5), ('B', 3.0, 1.0)]
        """
        merged: list[Turn] = []
        for turn in sorted(self, key=lambda turn: (turn.speaker, turn)):
            last = merged[-1] if merged else None
            if last and last.speaker == turn.speaker and last.segment.gap_to(turn.segment) <= gap_s:
                merged[-1] = Turn(*(last | turn), turn.speaker, min(last.confidence, turn.confidence))
            else:
                merged.append(turn)
        return Turns(sorted(merged))


def nearby(segments: Iterable[Segment], turns: Iterable[Turn], margin_s: float = 0.0) -> Iterator[Turns]:
    """For each segment, in order of their starts, the turns that are less than ``margin_s`` away or overlap it.

    >>> [found.speakers for found in nearby([Segment(0, 1), Segment(5, 6)], [Turn(0.5, 4, "A"), Turn(3, 9, "B")])]
    [['A'], ['B']]
    """
    waiting = deque(sorted(turns))
    active = Turns()
    for segment in segments:
        while waiting and waiting[0].start_s < segment.stop_s + margin_s:
            active.append(waiting.popleft())
        active = Turns(turn for turn in active if turn.stop_s > segment.start_s - margin_s)
        yield Turns(turn for turn in active if turn.start_s < segment.stop_s + margin_s)


Interval = TypeVar("Interval", Span, Segment)


def support(intervals: Iterable[Interval], gap: float = 0) -> list[Interval]:
    """The time that ``intervals`` cover, in order and without overlap; gaps up to ``gap`` (in their unit) are closed.

    >>> support([Span(6, 8), Span(0, 3), Span(2, 4)], gap=1)
    [Span(start=0, stop=4), Span(start=6, stop=8)]
    """
    covered: list[Interval] = []
    for interval in sorted(intervals):
        if covered and covered[-1].gap_to(interval) <= gap:
            covered[-1] |= interval
        else:
            covered.append(interval)
    return covered


def speaker_label(number: int) -> str:
    """The label of the ``number``-th speaker, from 0, in order of first appearance.

    >>> speaker_label(0)
    'SPEAKER_00'
    """
    return f"SPEAKER_{number:02}"


def spans_from_stops(stops: Iterable[int], n_frames: int) -> list[Span]:
    """Split ``[0, n_frames)`` after each stop: spans in order, without gap or overlap.

    ``stops`` are last frames of spans, in [0, n_frames), in any order; ``n_frames`` is at least 1.

    >>> spans_from_stops([2], n_frames=4)
    [Span(start=0, stop=3), Span(start=3, stop=4)]
    """
    edges = [0, *sorted({stop + 1 for stop in stops} | {n_frames})]
    return [Span(start, stop) for start, stop in pairwise(edges)]


def spans_from_frames(frames: Iterable[int], gap: int = 0) -> list[Span]:
    """The runs of consecutive frames; gaps up to ``gap`` frames are closed. ``frames`` may come in any order.

    >>> spans_from_frames([1, 2, 5, 9], gap=2)
    [Span(start=1, stop=6), Span(start=9, stop=10)]
    """
    numbers = sorted(set(frames))
    starts = [n for n in range(len(numbers)) if n == 0 or numbers[n] - numbers[n - 1] > gap + 1]
    return [Span(numbers[start], numbers[stop - 1] + 1) for start, stop in pairwise([*starts, len(numbers)])]


def tiles(spans: Sequence[Span], n_frames: int) -> bool:
    """Whether ``spans``, in order, cover ``[0, n_frames)`` without gap or overlap.

    >>> tiles([Span(0, 3), Span(3, 4)], 4)
    True
    """
    edges = [0, *(span.stop for span in spans)]
    return bool(spans) and edges[-1] == n_frames and all(s.start == e for s, e in zip(spans, edges, strict=False))


def seconds(frame: int, fps: Fraction = FPS) -> Fraction:
    """The time in seconds at which ``frame`` begins.

    >>> seconds(30)
    Fraction(6, 5)
    """
    return frame / fps


def frame_at(time_s: float | Fraction, fps: Fraction = FPS) -> int:
    """The frame on screen at ``time_s`` seconds (0 or more).

    A time less than a microsecond before a frame belongs to that frame, because floats are not exact.

    >>> frame_at(0.04), frame_at(0.0399), frame_at(29 / 25)
    (1, 0, 29)
    """
    return int((Fraction(time_s) + Fraction(1, 1_000_000)) * fps)


def nearest_frame(time_s: float | Fraction, fps: Fraction = FPS) -> int:
    """The frame that begins nearest to ``time_s`` seconds (0 or more); halfway between two, the later one.

    >>> nearest_frame(0.019), nearest_frame(0.02), nearest_frame(1.97)
    (0, 1, 49)
    """
    numerator, denominator = time_s.as_integer_ratio()  # exact, in a tenth of the time of fractions
    numerator, denominator = numerator * fps.numerator, denominator * fps.denominator
    return (2 * numerator + denominator) // (2 * denominator)


def timecode(frame: int, fps: Fraction = FPS) -> str:
    """The time at which ``frame`` begins, as ``HH:MM:SS.mmm`` with milliseconds rounded down.

    >>> timecode(90_001)
    '01:00:00.040'
    """
    ms = int(seconds(frame, fps) * 1000)
    return f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02}.{ms % 1000:03}"


def relabel(timecode: str, fps: Fraction, to: Fraction = FPS) -> str:
    """Convert the SMPTE time code ``HH:MM:SS:FF`` from ``fps`` to ``to`` frames per second; ``""`` for other text.

    The clock stays, also that of a drop-frame time code; the frame number becomes the same part of the second. Above
    99 frames per second the frame number has three digits.

    >>> relabel("01:00:00;15", Fraction(30000, 1001)), relabel("10:00:00:49", Fraction(50))
    ('01:00:00:12', '10:00:00:24')
    """
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d[:;.]\d\d\d?", timecode, re.ASCII) or not fps:
        return ""
    frame = int(timecode[9:]) * to // max(1, round(fps))
    return f"{timecode[:8]}:{min(frame, int(to) - 1):02}"


def smpte(frame: int) -> str:
    """The SMPTE time code ``HH:MM:SS:FF`` that is ``frame`` frames after 00:00:00:00, at 25 frames per second.

    The clock starts again at midnight.

    >>> smpte(90_001), smpte(DAY_FRAMES + 1)
    ('01:00:00:01', '00:00:00:01')
    """
    whole_s, ff = divmod(frame % DAY_FRAMES, int(FPS))
    return f"{whole_s // 3600:02}:{whole_s // 60 % 60:02}:{whole_s % 60:02}:{ff:02}"


def smpte_frame(timecode: str) -> int:
    """The frames from 00:00:00:00 to a SMPTE time code; raises ValueError for text that is none at 25 frames a second.

    >>> smpte_frame("01:00:00:01"), smpte_frame(smpte(2_159_999))
    (90001, 2159999)
    """
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d:([01]\d|2[0-4])", timecode, re.ASCII):
        raise ValueError(f"{timecode!r} is no time code; expected HH:MM:SS:FF, from 00:00:00:00 to 23:59:59:24")
    hours, minutes, whole_s, ff = map(int, timecode.split(":"))
    return ((hours * 60 + minutes) * 60 + whole_s) * int(FPS) + ff
