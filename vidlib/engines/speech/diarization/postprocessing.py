"""Postprocessing: from the raw turns of an engine to a diarization."""

from collections.abc import Iterable
from dataclasses import replace

from vidlib.protocols import Diarization
from vidlib.timeline import Segment, Turn, Turns, speaker_label, support


def postprocess(
    turns: Iterable[Turn],
    duration_s: float,
    *,
    min_gap_s: float,
    min_turn_s: float,
    max_speakers: int | None = None,
    unnamed: Iterable[Segment] = (),
) -> Diarization:
    """Clip, merge and label the raw ``turns`` of an engine: any order, any names, any overlap.

    Turns end with the sound, of ``duration_s`` seconds. Pauses of one speaker up to ``min_gap_s`` are closed. A turn
    below ``min_turn_s`` becomes unnamed speech. Where there are more than ``max_speakers``, so do all turns of those
    who speak least. ``unnamed`` is further speech of unknown speakers.

    >>> turns = [Turn(1.0, 2.0, "b"), Turn(0.0, 0.9, "a"), Turn(2.1, 9.0, "b")]
    >>> diarization = postprocess(turns, 3.0, min_gap_s=0.2, min_turn_s=0.1)
    >>> [(turn.speaker, turn.start_s, turn.stop_s) for turn in diarization.turns]
    [('SPEAKER_00', 0.0, 0.9), ('SPEAKER_01', 1.0, 3.0)]
    """
    clipped = Turns(
        replace(turn, start_s=part.start_s, stop_s=part.stop_s)
        for turn in turns
        if (part := clip(turn.segment, duration_s))
    )
    merged = clipped.support(min_gap_s)
    by_speaker = merged.by_speaker()
    named = set(sorted(by_speaker, key=lambda name: -by_speaker[name].duration_s)[:max_speakers])
    long = [turn for turn in merged if turn.speaker in named and turn.duration_s >= min_turn_s]
    others = [part for segment in unnamed if (part := clip(segment, duration_s))]
    return Diarization(label_speakers(long), support([*others, *merged.segments]))


def clip(segment: Segment, duration_s: float) -> Segment | None:
    """The part of a segment before ``duration_s``, in whole milliseconds; None where nothing is left.

    >>> clip(Segment(0.5, 2.0), 1.0), clip(Segment(1.5, 2.0), 1.0)
    (Segment(start_s=0.5, stop_s=1.0), None)
    """
    start_s, stop_s = round(segment.start_s, 3), round(min(segment.stop_s, duration_s), 3)
    return Segment(start_s, stop_s) if start_s < stop_s else None


def label_speakers(turns: Iterable[Turn]) -> Turns:
    """The ``turns``, in order of time, with SPEAKER_00, SPEAKER_01, ... by first appearance as speakers."""
    labels: dict[str, str] = {}
    named = [replace(turn, speaker=labels.setdefault(turn.speaker, speaker_label(len(labels)))) for turn in turns]
    return Turns(sorted(named))  # of turns at the same time, the lower label comes first
