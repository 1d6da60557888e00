"""How well shot boundaries are found.

A hard cut counts as found by a boundary within `TOLERANCE` frames, a gradual one by a boundary inside its span, the
fade-out before black included. Each is found once: a second boundary there is a wrong one. A cut at the wrong frame is
a miss and a wrong one, as in the TRECVID shot boundary task (Smeaton, Over, Doherty 2010), whose tolerance is five.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from vidlib.evaluation.ground_truth import TrueShot, Truth
from vidlib.evaluation.score import Score, count, share
from vidlib.timeline import Shot

PART = "shots"

TOLERANCE = 2
"""Frames that a hard cut may lie beside the truth: what one dropped or doubled frame before it may shift it by."""

KINDS = ("cut", "dissolve", "fade")


def scores(truth: Truth, found: Sequence[Shot], *, kinds_known: bool = True) -> Iterator[Score]:
    """Precision, recall and F1 of boundaries, recall of each kind, and how many have the right kind.

    ``found`` are the shots in order; how they begin is judged only if ``kinds_known`` (the editors' list does not say).
    """
    true, found = truth.shots[1:], found[1:]
    pairs = matched(true, found)
    right = len(pairs)
    yield share(PART, "precision", right, len(found))
    yield share(PART, "recall", right, len(true))
    yield share(PART, "F1", 2 * right, len(true) + len(found))
    for kind in KINDS:
        of_kind = [place for place, shot in enumerate(true) if shot.boundary == kind]
        if of_kind:
            yield share(PART, "recall", len(set(of_kind) & set(pairs)), len(of_kind), kind)
    if kinds_known:
        same = sum(true[a].boundary == found[b].boundary for a, b in pairs.items())
        yield share(PART, "right kind", same, right)
    yield from _fooled(truth, [shot for place, shot in enumerate(found) if place not in pairs.values()])


def matched(true: Sequence[TrueShot], found: Sequence[Shot]) -> dict[int, int]:
    """``{place in true: place in found}``: as many as possible, each once; of several, the nearest."""
    from scipy.optimize import linear_sum_assignment

    gain = np.array([[_gain(shot, other.span.start) for other in found] for shot in true]).reshape(
        len(true), len(found)
    )
    rows, columns = linear_sum_assignment(gain, maximize=True)
    return {int(a): int(b) for a, b in zip(rows, columns, strict=True) if gain[a, b] > 0}


def window(shot: TrueShot) -> tuple[int, int]:
    """First and last frame at which a boundary counts as the one that leads into ``shot``."""
    if shot.boundary == "cut":
        return shot.start - TOLERANCE, shot.start + TOLERANCE
    return shot.blended.start, shot.full


def _gain(shot: TrueShot, frame: int) -> float:
    """More than all distances together for one more pair, so that a pair is never given up for nearness."""
    first, last = window(shot)
    return 1e6 - abs(frame - (shot.start + shot.full) / 2) if first <= frame <= last else 0.0


def _fooled(truth: Truth, wrong: Sequence[Shot]) -> Iterator[Score]:
    """How many events of each kind that only look like boundaries were taken for one."""
    for kind in sorted({event.kind for event in truth.events}):
        events = [event for event in truth.events if event.kind == kind]
        taken = [
            any(event.start - TOLERANCE <= shot.span.start <= event.stop + TOLERANCE for shot in wrong)
            for event in events
        ]
        yield count(PART, "taken for a boundary", sum(taken), len(events), kind)
