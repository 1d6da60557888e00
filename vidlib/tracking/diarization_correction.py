"""Corrections of the diarization by faces: a person who certainly speaks has one label, which nobody else has."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count

import numpy as np

from vidlib.timeline import Turn, Turns, nearest_frame, speaker_label

CERTAIN_CONFIDENCE = 0.8
"""Confidence above which a face certainly speaks in a frame."""

MIN_CERTAIN_SHARE = 0.8
"""Share of a turn in which a person must certainly speak for the turn to be the person's."""

MIN_OWN_RATIO = 2
"""A label that no other person has is merged into a person's own one if, while the person certainly speaks, the own one
is heard at least so many times as long."""


@dataclass(frozen=True)
class SpeakingFace:
    """A track of a face; ``confidence`` (n,) in [0, 1] says how surely it speaks in each frame from ``start`` on."""

    track_id: int
    start: int
    confidence: np.ndarray

    def certain_frames(self, turns: Iterable[Turn]) -> int:
        """The number of frames of ``turns``, which do not overlap, in which the face certainly speaks."""
        spans = ((nearest_frame(turn.start_s) - self.start, nearest_frame(turn.stop_s) - self.start) for turn in turns)
        is_certain = self.confidence > CERTAIN_CONFIDENCE
        return sum(int(is_certain[max(0, start) : max(0, stop)].sum()) for start, stop in spans)


@dataclass(frozen=True)
class SpeakingPerson:
    """A person who is seen to speak: the speaker ``label`` and the ``faces``, one for each track of the person."""

    label: str
    faces: Sequence[SpeakingFace]

    def certain_frames(self, turns: Sequence[Turn]) -> int:
        """The number of frames of ``turns``, which do not overlap, in which the person certainly speaks."""
        return sum(face.certain_frames(turns) for face in self.faces)

    def certain_share(self, turn: Turn) -> float:
        """The share of a turn in which the person certainly speaks."""
        length = nearest_frame(turn.stop_s) - nearest_frame(turn.start_s)
        return self.certain_frames([turn]) / max(1, length)

    def certainly_speaks(self, turn: Turn, turns: Iterable[Turn]) -> bool:
        """Whether the person speaks ``turn`` alone: the share is high enough, and none of ``turns`` overlaps it."""
        return self.certain_share(turn) >= MIN_CERTAIN_SHARE and not _is_overlapped(turn, turns)


@dataclass(frozen=True)
class Correction:
    """A turn that gets the ``speaker`` label of the ``face`` that certainly speaks in ``share`` of it."""

    turn: Turn
    speaker: str
    face: SpeakingFace
    share: float

    @property
    def corrected(self) -> Turn:
        """The turn with the new label; its confidence is the share."""
        return replace(self.turn, speaker=self.speaker, confidence=self.share)


def split_shared_labels(turns: Sequence[Turn], people: Sequence[SpeakingPerson]) -> list[SpeakingPerson]:
    """The same people, in order, each with a label of its own.

    Of several people with one label, the one who certainly speaks longest keeps it. Each of the others gets a new label
    if some turn is certainly that person's.
    """
    labels = {turn.speaker for turn in turns}
    new_labels = (label for label in map(speaker_label, count(len(labels))) if label not in labels)
    owners = _owners(turns, people)
    return [
        replace(person, label=next(new_labels))
        if owners.get(person.label, person) is not person
        and any(person.certainly_speaks(turn, turns) for turn in turns)
        else person
        for person in people
    ]


def find_corrections(turns: Sequence[Turn], people: Sequence[SpeakingPerson]) -> Iterator[Correction]:
    """The turns whose label the faces correct.

    One person certainly speaks such a turn, nobody else is heard in it, and it has the label of another person, or a
    label that is heard for a moment only while the person speaks.
    """
    owners = _owners(turns, people)
    for person in people:
        own_frames = person.certain_frames(_turns_of(turns, person.label))
        for turn in turns:
            if turn.speaker == person.label or not person.certainly_speaks(turn, turns):
                continue
            is_others = owners.get(turn.speaker, person) is not person
            if is_others or own_frames >= MIN_OWN_RATIO * person.certain_frames(_turns_of(turns, turn.speaker)):
                face = max(person.faces, key=lambda face: face.certain_frames([turn]))
                yield Correction(turn, person.label, face, person.certain_share(turn))


def _owners(turns: Sequence[Turn], people: Sequence[SpeakingPerson]) -> dict[str, SpeakingPerson]:
    """The owner of each label: of the people who have it, the one who certainly speaks longest in its turns."""
    owners: dict[str, SpeakingPerson] = {}
    for label, own_turns in Turns(turns).by_speaker().items():
        candidates = [person for person in people if person.label == label]
        if candidates:
            owners[label] = max(candidates, key=lambda person: person.certain_frames(own_turns))
    return owners


def _turns_of(turns: Iterable[Turn], label: str) -> list[Turn]:
    return [turn for turn in turns if turn.speaker == label]


def _is_overlapped(turn: Turn, turns: Iterable[Turn]) -> bool:
    return any(turn.overlaps(other) for other in turns if other != turn)
