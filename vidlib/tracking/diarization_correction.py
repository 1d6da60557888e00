"""Voices put right by faces: whoever speaks for certain has one voice, and no other face has the same."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count

import numpy as np

from vidlib.timeline import Turn, nearest_frame, speaker_label

SURELY = 0.8
"""Confidence from which a face is taken to speak for certain."""

MOSTLY = 0.8
"""Share of a turn in which a face has to speak for certain, for the turn to be its own."""

TIMES = 2
"""While somebody speaks for certain, his or her own voice is heard at least so many times as long as one that nobody
else has, for that to be the same voice."""


@dataclass(frozen=True)
class TalkingFace:
    """A track of a face that has a voice, and how surely it speaks, (n,) in [0, 1], in each frame from ``start`` (from
    0) on.
    """

    track_id: int
    start: int
    sure: np.ndarray

    def certain_in(self, turns: Iterable[Turn]) -> int:
        """In how many frames of some turns, which do not overlap, it speaks for certain."""
        spans = ((nearest_frame(turn.start_s) - self.start, nearest_frame(turn.stop_s) - self.start) for turn in turns)
        return sum(int((self.sure[max(0, start) : max(0, stop)] > SURELY).sum()) for start, stop in spans)


@dataclass(frozen=True)
class Talker:
    """A person who is seen to speak, in one track or several, and the label of the ``voice``."""

    voice: str
    faces: Sequence[TalkingFace]

    def certain_in(self, turns: Sequence[Turn]) -> int:
        """In how many frames of some turns, which do not overlap, he or she speaks for certain."""
        return sum(face.certain_in(turns) for face in self.faces)

    def share_of(self, turn: Turn) -> float:
        """In which part of a turn he or she speaks for certain."""
        length = nearest_frame(turn.stop_s) - nearest_frame(turn.start_s)
        return self.certain_in([turn]) / max(1, length)

    def says(self, turn: Turn, turns: Iterable[Turn]) -> bool:
        """Whether a turn, of all ``turns``, is certainly his or hers: seen so, and nobody else is heard."""
        return self.share_of(turn) >= MOSTLY and not _is_overlapped(turn, turns)


@dataclass(frozen=True)
class Correction:
    """A turn heard as another ``voice`` than that of the ``face`` that speaks it, for certain in ``share`` of it."""

    turn: Turn
    voice: str
    face: TalkingFace
    share: float

    @property
    def corrected(self) -> Turn:
        """The turn, with the voice of the face; it is as sure as the face."""
        return replace(self.turn, speaker=self.voice, confidence=self.share)


def told_apart(turns: Sequence[Turn], talkers: Sequence[Talker]) -> list[Talker]:
    """The same people, each with a voice of its own.

    Of several who were heard as one voice, the one who speaks longest with it keeps it; the others get new ones, if
    some turn is certainly theirs.
    """
    labels = {turn.speaker for turn in turns}
    free = (label for label in map(speaker_label, count(len(labels))) if label not in labels)
    keeps = _owners(turns, talkers)
    return [
        replace(talker, voice=next(free))
        if keeps.get(talker.voice, talker) is not talker and any(talker.says(turn, turns) for turn in turns)
        else talker
        for talker in talkers
    ]


def corrections(turns: Sequence[Turn], talkers: Sequence[Talker]) -> Iterator[Correction]:
    """The turns that faces put right.

    That is a turn in which nobody else is heard, while somebody is seen to speak for certain, who has another voice;
    and the voice that was heard is somebody else's, or was heard for a moment only.
    """
    owners = _owners(turns, talkers)
    for talker in talkers:
        own = talker.certain_in([turn for turn in turns if turn.speaker == talker.voice])
        for turn in turns:
            if turn.speaker == talker.voice or not talker.says(turn, turns):
                continue
            heard_so = talker.certain_in([one for one in turns if one.speaker == turn.speaker])
            if owners.get(turn.speaker, talker) is not talker or own >= TIMES * heard_so:
                face = max(talker.faces, key=lambda face: face.certain_in([turn]))
                yield Correction(turn, talker.voice, face, talker.share_of(turn))


def _owners(turns: Sequence[Turn], talkers: Sequence[Talker]) -> dict[str, Talker]:
    """Whose voice each label is: of those who call it theirs, who speaks longest with it for certain."""
    owners: dict[str, Talker] = {}
    for label in {turn.speaker for turn in turns}:
        own = [turn for turn in turns if turn.speaker == label]
        named = [talker for talker in talkers if talker.voice == label]
        if named:
            owners[label] = max(named, key=lambda talker: talker.certain_in(own))
    return owners


def _is_overlapped(turn: Turn, turns: Iterable[Turn]) -> bool:
    return any(turn.start_s < one.stop_s and one.start_s < turn.stop_s for one in turns if one != turn)
