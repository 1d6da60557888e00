"""One figure that says how good something is, and the shares that most of them are."""

from typing import Literal

from vidlib.params import Frozen

Unit = Literal["share", "count", "s", "per 100 frames"]


class Score(Frozen):
    """One row of the table: ``measure`` of ``part`` (shots, faces, ...), of all or of a ``subset`` of what there is.

    ``value`` is in ``unit``, a share in [0, 1] but for the error rate of voices; None where there was nothing to judge.
    ``n`` is how many things (frames, boundaries, tracks, ...) it was judged by.
    """

    part: str
    measure: str
    subset: str = "all"
    value: float | None
    unit: Unit = "share"
    n: int


def share(part: str, measure: str, right: float, n: int, subset: str = "all") -> Score:
    """The share of ``n`` that is right; of nothing, nothing is known."""
    return Score(part=part, measure=measure, subset=subset, value=right / n if n else None, n=n)


def count(part: str, measure: str, value: int, n: int, subset: str = "all") -> Score:
    """How often something happened, among ``n``."""
    return Score(part=part, measure=measure, subset=subset, value=value, unit="count", n=n)
