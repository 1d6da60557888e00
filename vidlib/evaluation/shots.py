"""Scores of shot boundaries.

A boundary within `TOLERANCE` frames matches a hard cut. A boundary inside a gradual transition matches it, including
the fade-out before black. Each true boundary matches once; a second boundary there is a false one. A cut at the wrong
frame is a miss and a false boundary, as in the TRECVID task (Smeaton, Over, Doherty 2010), whose tolerance is five.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from vidlib.evaluation.ground_truth import TrueShot, Truth
from vidlib.evaluation.score import Score, count, share
from vidlib.timeline import Shot

PART = "shots"

TOLERANCE = 2
"""Tolerance in frames of a hard cut: one dropped or doubled frame before it shifts it by this much."""

KINDS = ("cut", "dissolve", "fade")


def scores(truth: Truth, shots: Sequence[Shot], *, kinds_known: bool = True) -> Iterator[Score]:
    """Precision, recall and F1 of boundaries, recall of each type, and the share with the right type.

    ``shots`` are in order. The types are evaluated only if ``kinds_known``; the editors' list does not hold them.
    """
    true, detected = truth.shots[1:], shots[1:]
    pairs = match_boundaries(true, detected)
    right = len(pairs)
    yield share(PART, "precision", right, len(detected))
    yield share(PART, "recall", right, len(true))
    yield share(PART, "F1", 2 * right, len(true) + len(detected))
    for kind in KINDS:
        of_kind = [index for index, shot in enumerate(true) if shot.boundary == kind]
        if of_kind:
            yield share(PART, "recall", len(set(of_kind) & set(pairs)), len(of_kind), kind)
    if kinds_known:
        same = sum(true[a].boundary == detected[b].boundary for a, b in pairs.items())
        yield share(PART, "right kind", same, right)
    yield from _false_boundaries_at_events(
        truth, [shot for index, shot in enumerate(detected) if index not in pairs.values()]
    )


def match_boundaries(true: Sequence[TrueShot], detected: Sequence[Shot]) -> dict[int, int]:
    """``{index in true: index in detected}``: as many pairs as possible, and the nearest among several."""
    from scipy.optimize import linear_sum_assignment

    gain = np.array([[_gain(shot, other.span.start) for other in detected] for shot in true]).reshape(
        len(true), len(detected)
    )
    rows, columns = linear_sum_assignment(gain, maximize=True)
    return {int(a): int(b) for a, b in zip(rows, columns, strict=True) if gain[a, b] > 0}


def window(shot: TrueShot) -> tuple[int, int]:
    """The first and the last frame at which a boundary matches the one before ``shot``."""
    if shot.boundary == "cut":
        return shot.start - TOLERANCE, shot.start + TOLERANCE
    return shot.blended.start, shot.full


def _gain(shot: TrueShot, frame: int) -> float:
    """The gain of a pair exceeds all distances together, so that the assignment never drops a pair for nearness."""
    first, last = window(shot)
    return 1e6 - abs(frame - (shot.start + shot.full) / 2) if first <= frame <= last else 0.0


def _false_boundaries_at_events(truth: Truth, wrong: Sequence[Shot]) -> Iterator[Score]:
    """The number of events of each kind, such as flashes, that led to a false boundary."""
    for kind in sorted({event.kind for event in truth.events}):
        events = [event for event in truth.events if event.kind == kind]
        taken = [
            any(event.start - TOLERANCE <= shot.span.start <= event.stop + TOLERANCE for shot in wrong)
            for event in events
        ]
        yield count(PART, "taken for a boundary", sum(taken), len(events), kind)
