"""Voices put right by faces: whoever speaks for certain has one voice, also where another was heard for a moment."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from vidlib.timeline import Turn, nearest_frame

SURELY = 0.8
"""Confidence from which a face is taken to speak for certain."""

MOSTLY = 0.8
"""Share of a turn in which a face has to speak for certain, for the turn to be its own."""

TIMES = 2
"""While a face speaks for certain, its own voice is heard at least so many times as long as the one put right."""


@dataclass(frozen=True)
class TalkingFace:
    """A face with a voice: its track, the voice's label, and how surely it speaks, (n,) in [0, 1], in each frame from
    ``start`` (0-based) on.
    """

    track_id: int
    voice: str
    start: int
    sure: np.ndarray

    def certain_in(self, turns: Iterable[Turn]) -> int:
        """In how many frames of some turns, which do not overlap, it speaks for certain."""
        spans = ((nearest_frame(turn.start_s) - self.start, nearest_frame(turn.stop_s) - self.start) for turn in turns)
        return sum(int((self.sure[max(0, start) : max(0, stop)] > SURELY).sum()) for start, stop in spans)


@dataclass(frozen=True)
class Correction:
    """A turn that was heard as another voice than that of the face that speaks it: in ``share`` of it, for certain."""

    turn: Turn
    face: TalkingFace
    share: float

    @property
    def corrected(self) -> Turn:
        """The turn, with the voice of the face; it is as sure as the face."""
        return replace(self.turn, speaker=self.face.voice, confidence=self.share)


def corrections(turns: Sequence[Turn], faces: Iterable[TalkingFace]) -> Iterator[Correction]:
    """The turns that faces put right.

    That is a turn in which nobody else is heard, while one face speaks for certain that has another voice, and has had
    it for much longer.
    """
    for face in faces:
        own = face.certain_in(turn for turn in turns if turn.speaker == face.voice)
        for turn in turns:
            length = nearest_frame(turn.stop_s) - nearest_frame(turn.start_s)
            share = face.certain_in([turn]) / max(1, length)
            if share < MOSTLY or turn.speaker == face.voice or _is_overlapped(turn, turns):
                continue
            other = face.certain_in(one for one in turns if one.speaker == turn.speaker)
            if own >= TIMES * other:
                yield Correction(turn, face, share)


def _is_overlapped(turn: Turn, turns: Iterable[Turn]) -> bool:
    return any(turn.start_s < one.stop_s and one.start_s < turn.stop_s for one in turns if one != turn)
