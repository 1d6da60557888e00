"""Corrections of who speaks when."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count

from vidlib.corrections.actions import Action, Decision, JoinSpeakers, NameSpeaker, SetSpeaker
from vidlib.corrections.anchors import SpeakerAnchor, find_speaker
from vidlib.corrections.shots import DoesNotFit, Unfit
from vidlib.timeline import Segment, Turn, Turns, seconds, speaker_label

MIN_REST_S = 0.25
"""A part of a turn that sticks out of a corrected time by less, in seconds, belongs to it: a syllable."""

Names = dict[str, str]
"""``{label: name}``"""

FIRST_NEW_SPEAKER = 50
"""The number of the first speaker that a person adds. An engine finds fewer speakers, so that no label means two."""


def new_label(turns: Iterable[Turn]) -> str:
    """A label for a speaker who has none yet."""
    known = {turn.speaker for turn in turns}
    return next(label for label in map(speaker_label, count(FIRST_NEW_SPEAKER)) if label not in known)


def apply(turns: Iterable[Turn], decisions: Iterable[Decision]) -> tuple[Turns, Unfit]:
    """The turns, in order of time, with the speakers that people decided, and the decisions that do not fit.

    Later decisions win; other decisions, and names, are ignored. A turn of a person has confidence 1. No speech is
    added or lost.
    """
    changed, unfit = Turns(turns), Unfit()
    for one in decisions:
        try:
            if change := CHANGES.get(type(one.decision)):
                changed = change(changed, one.decision)
        except DoesNotFit as error:
            unfit[one.id] = str(error)
    return changed, unfit


def find_names(turns: Sequence[Turn], decisions: Iterable[Decision]) -> tuple[Names, Unfit]:
    """The names of speaker labels, and the decisions that do not fit; other decisions are ignored."""
    names, unfit = Names(), Unfit()
    for one in decisions:
        if isinstance(decision := one.decision, NameSpeaker):
            try:
                names[_label(turns, decision.speaker, decision.speaker_at)] = decision.name
            except DoesNotFit as error:
                unfit[one.id] = str(error)
    return names, unfit


def rename(turns: Iterable[Turn], names: Mapping[str, str]) -> Turns:
    """The turns with names in the place of labels."""
    return Turns(replace(turn, speaker=names.get(turn.speaker, turn.speaker)) for turn in turns)


def replaced_labels(before: Sequence[Turn], after: Sequence[Turn]) -> Names:
    """``{old: new}`` for each label of which no turn is left: the new one is heard in most of the time of the old."""
    kept, heard = set(Turns(after).speakers), Turns(after)
    longest = {
        label: heard.dominant_speaker(max(own.segments, key=lambda segment: segment.duration_s))
        for label, own in Turns(before).by_speaker().items()
        if label not in kept
    }
    return {old: new for old, new in longest.items() if new}


def _set_speaker(turns: Turns, decision: SetSpeaker) -> Turns:
    span = Segment(float(seconds(decision.start)), float(seconds(decision.stop)))
    if not any(_shared(turn, span) for turn in turns):
        raise DoesNotFit(f"nobody speaks between frames {decision.start} and {decision.stop}")
    speaker = _label(turns, decision.speaker, decision.speaker_at, new=True)
    parts = [part for turn in turns for part in _parts(turn, span, speaker)]
    return _without_overlap(Turns(sorted(parts)), speaker)


def _parts(turn: Turn, span: Segment, speaker: str) -> Iterator[Turn]:
    """A turn, or its parts before, in and after ``span``; the one in ``span`` is said by ``speaker``."""
    if (shared := _shared(turn, span)) is None:
        yield turn
        return
    start_s = turn.start_s if shared.start_s - turn.start_s < MIN_REST_S else shared.start_s
    stop_s = turn.stop_s if turn.stop_s - shared.stop_s < MIN_REST_S else shared.stop_s
    if turn.start_s < start_s:
        yield replace(turn, stop_s=start_s)
    yield Turn(start_s, stop_s, speaker, 1.0)
    if stop_s < turn.stop_s:
        yield replace(turn, start_s=stop_s)


def _shared(turn: Turn, span: Segment) -> Segment | None:
    """The part of a turn in ``span``; None where only an edge of a longer turn reaches into it."""
    shared = turn.segment & span
    return shared if shared and shared.duration_s >= min(MIN_REST_S, turn.duration_s / 2) else None


def _without_overlap(turns: Turns, speaker: str) -> Turns:
    """The turns, with those of ``speaker`` that are heard at once merged."""
    own = Turns(turn for turn in turns if turn.speaker == speaker)
    merged: list[Turn] = []
    for turn in own:
        if merged and merged[-1].overlaps(turn):
            confidence = min(merged[-1].confidence, turn.confidence)
            merged[-1] = Turn(*(merged[-1] | turn), speaker, confidence)
        else:
            merged.append(turn)
    return Turns(sorted([*merged, *(turn for turn in turns if turn.speaker != speaker)]))


def _join(turns: Turns, decision: JoinSpeakers) -> Turns:
    speaker = _label(turns, decision.speaker, decision.speaker_at)
    other = _label(turns, decision.other, decision.other_at)
    if other == speaker:
        return turns
    return _without_overlap(rename(turns, {other: speaker}), speaker)


def _label(turns: Sequence[Turn], speaker: str, anchor: SpeakerAnchor, *, new: bool = False) -> str:
    """The label of a speaker in these turns; a ``new`` speaker may have none yet."""
    if new and not anchor.spans:
        return speaker
    if (label := find_speaker(anchor, turns)) is None:
        raise DoesNotFit(f"no speaker is heard when {speaker} was heard")
    return label


CHANGES: Mapping[type[Action], Callable] = {SetSpeaker: _set_speaker, JoinSpeakers: _join}
