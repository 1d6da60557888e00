"""Corrections of the shots of a video."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from vidlib.corrections.actions import Action, AddCut, Decision, MoveCut, RemoveCut, SetKind
from vidlib.timeline import Boundary, Shot, Span

SAME_BOUNDARY_FRAMES = 2
"""Two boundaries within so many frames are the same one: nobody sees a shot of a tenth of a second."""

Unfit = dict[str, str]
"""The ids of decisions that do not fit these results, with the reason."""

Starts = dict[int, Shot]
"""The shots by their first frame; only how they begin counts."""


class DoesNotFit(Exception):
    """A decision is about something that these results do not have."""


def apply(shots: Sequence[Shot], decisions: Iterable[Decision]) -> tuple[list[Shot], Unfit]:
    """The shots, which tile the video as before, and the decisions that do not fit; other decisions are ignored.

    Later decisions win. A boundary of a person has confidence 1.
    """
    n_frames = shots[-1].span.stop
    starts = {shot.span.start: shot for shot in shots}
    unfit: Unfit = {}
    for one in decisions:
        try:
            if change := CHANGES.get(type(one.decision)):
                change(starts, one.decision, n_frames)
        except DoesNotFit as error:
            unfit[one.id] = str(error)
    edges = pairwise([*sorted(starts), n_frames])
    return [_shot(starts[start], Span(start, stop)) for start, stop in edges], unfit


def _shot(shot: Shot, span: Span) -> Shot:
    return shot if shot.span == span else replace(shot, span=span)


def nearest_boundary(starts: Iterable[int], frame: int) -> int | None:
    """The first frame of the shot that begins at ``frame`` or nearly so; the first shot of a video has no boundary."""
    near = [start for start in starts if start > 0 and abs(start - frame) <= SAME_BOUNDARY_FRAMES]
    return min(near, key=lambda start: (abs(start - frame), start), default=None)


def _add(starts: Starts, decision: AddCut, n_frames: int) -> None:
    _check_within(decision.frame, n_frames)
    if (known := nearest_boundary(starts, decision.frame)) is not None:
        del starts[known]
    starts[decision.frame] = _decided(decision.frame, n_frames, decision.kind)


def _remove(starts: Starts, decision: RemoveCut, n_frames: int) -> None:
    _check_within(decision.frame, n_frames)
    if (known := nearest_boundary(starts, decision.frame)) is not None:
        del starts[known]  # where there is none, the results agree with the person already


def _move(starts: Starts, decision: MoveCut, n_frames: int) -> None:
    _check_within(decision.to, n_frames)
    source, target = (nearest_boundary(starts, frame) for frame in (decision.frame, decision.to))
    if (known := target if source is None else source) is None:
        raise DoesNotFit(f"no shot begins near frame {decision.frame}")
    first, last = sorted((known, decision.to))
    if any(first < start <= last and start not in (known, target) for start in starts):
        raise DoesNotFit(f"another shot begins between frames {first} and {last}")
    kind = starts[known].boundary
    for start in (known, target):
        if start is not None:
            starts.pop(start, None)
    starts[decision.to] = _decided(decision.to, n_frames, kind)


def _set_kind(starts: Starts, decision: SetKind, n_frames: int) -> None:
    _check_within(decision.frame, n_frames)
    if (known := nearest_boundary(starts, decision.frame)) is None:
        raise DoesNotFit(f"no shot begins near frame {decision.frame}")
    transition = None if decision.kind == "cut" else starts[known].transition
    starts[known] = replace(starts[known], boundary=decision.kind, confidence=1.0, transition=transition)


def _check_within(frame: int, n_frames: int) -> None:
    if frame >= n_frames:
        raise DoesNotFit(f"frame {frame} does not exist: the video has {n_frames} frames")


def _decided(frame: int, n_frames: int, kind: Boundary) -> Shot:
    return Shot(Span(frame, n_frames), kind, 1.0)


CHANGES: Mapping[type[Action], Callable] = {AddCut: _add, RemoveCut: _remove, MoveCut: _move, SetKind: _set_kind}
