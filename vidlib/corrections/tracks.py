"""Corrections of the tracks of faces: which are faces, who is whose, and when they speak."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from vidlib.corrections.actions import (
    Action,
    Decision,
    DifferentTracks,
    MergeTracks,
    NotAFace,
    SetSpeaking,
    SplitTrack,
)
from vidlib.corrections.anchors import TrackAnchor, TrackBoxes, find_track
from vidlib.corrections.shots import DoesNotFit, Unfit


@dataclass
class FaceTracks:
    """The faces of one video while corrections are applied to them.

    ``boxes`` and ``person`` are by track id. ``splits`` has the tracks that each split track became, ``removed`` those
    that are no faces. ``speaking`` has the times in which a person decided whether a track speaks: track id, start,
    stop, yes or no; later ones win.
    """

    boxes: dict[int, TrackBoxes]
    person: dict[int, int]
    next_id: int
    splits: dict[int, list[int]] = field(default_factory=dict)
    removed: set[int] = field(default_factory=set)
    speaking: list[tuple[int, int, int, bool]] = field(default_factory=list)

    @classmethod
    def from_boxes(cls, boxes: Mapping[int, TrackBoxes], person: Mapping[int, int], next_id: int) -> "FaceTracks":
        """Faces without corrections; ``next_id`` is the id of the next new track, above those of objects too."""
        return cls(dict(boxes), dict(person), next_id)

    def copy(self) -> "FaceTracks":
        """The same faces, to try corrections on."""
        splits = {source: list(tracks) for source, tracks in self.splits.items()}
        values = dict(self.boxes), dict(self.person), self.next_id, splits
        return FaceTracks(*values, set(self.removed), list(self.speaking))

    def parts(self) -> dict[int, list[int]]:
        """The tracks that each split track became, in order of time; removed ones too."""
        return {source: sorted(tracks, key=self._first_frame) for source, tracks in self.splits.items()}

    def _first_frame(self, track: int) -> int:
        return int(self.boxes[track].frames[0])

    def new_person(self) -> int:
        """A number that no person has."""
        return 1 + max(self.person.values(), default=0)

    def people(self) -> dict[int, int]:
        """The person of each track that is a face, numbered from 1 by first appearance."""
        numbers: dict[int, int] = {}
        kept = sorted(self.person.keys() - self.removed, key=lambda track: (self._first_frame(track), track))
        for track in kept:
            numbers.setdefault(self.person[track], len(numbers) + 1)
        return {track: numbers[self.person[track]] for track in sorted(kept)}


def apply(faces: FaceTracks, decisions: Iterable[Decision]) -> Unfit:
    """Change ``faces`` by the decisions; returns those that do not fit. Later ones win, others are ignored."""
    unfit: Unfit = {}
    for one in decisions:
        try:
            if change := CHANGES.get(type(one.decision)):
                change(faces, one.decision)
        except DoesNotFit as error:
            unfit[one.id] = str(error)
    return unfit


def _find(faces: FaceTracks, track: int, anchor: TrackAnchor | None) -> int:
    present = {number: boxes for number, boxes in faces.boxes.items() if number not in faces.removed}
    if anchor is None or (number := find_track(anchor, present, track)) is None:
        where = f" between frames {anchor.start} and {anchor.stop}" if anchor else ""
        raise DoesNotFit(f"no face is where face {track} was{where}")
    return number


def _merge(faces: FaceTracks, decision: MergeTracks) -> None:
    kept, joined = _find_two(faces, decision)
    person, other = faces.person[kept], faces.person[joined]
    faces.person = {track: person if number == other else number for track, number in faces.person.items()}


def _tell_apart(faces: FaceTracks, decision: DifferentTracks) -> None:
    kept, moved = _find_two(faces, decision)
    if kept == moved:
        raise DoesNotFit(f"faces {decision.track} and {decision.other} are one track now; split it")
    if faces.person[kept] == faces.person[moved]:
        faces.person[moved] = faces.new_person()


def _find_two(faces: FaceTracks, decision: MergeTracks | DifferentTracks) -> tuple[int, int]:
    return (
        _find(faces, decision.track, decision.track_at),
        _find(faces, decision.other, decision.other_at),
    )


def _split(faces: FaceTracks, decision: SplitTrack) -> None:
    track = _find(faces, decision.track, decision.track_at)
    first, rest = faces.boxes[track].split(decision.frame)
    if not len(first) or not len(rest):
        raise DoesNotFit(f"face {decision.track} is not seen before and after frame {decision.frame}")
    new = faces.next_id
    faces.next_id += 1
    faces.boxes[track], faces.boxes[new] = first, rest
    source = next((source for source, tracks in faces.splits.items() if track in tracks), track)
    faces.splits.setdefault(source, [source]).append(new)
    faces.person[new] = faces.new_person()
    faces.speaking += [(new, *rule[1:]) for rule in faces.speaking if rule[0] == track]


def _remove(faces: FaceTracks, decision: NotAFace) -> None:
    faces.removed.add(_find(faces, decision.track, decision.track_at))


def _set_speaking(faces: FaceTracks, decision: SetSpeaking) -> None:
    track = _find(faces, decision.track, decision.track_at)
    frames = faces.boxes[track].frames
    if not np.any((frames >= decision.start) & (frames < decision.stop)):
        raise DoesNotFit(f"face {decision.track} is not seen between frames {decision.start} and {decision.stop}")
    faces.speaking.append((track, decision.start, decision.stop, decision.speaks))


CHANGES: Mapping[type[Action], Callable] = {
    MergeTracks: _merge,
    DifferentTracks: _tell_apart,
    SplitTrack: _split,
    NotAFace: _remove,
    SetSpeaking: _set_speaking,
}
