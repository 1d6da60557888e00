"""A score: one figure for the quality of a result."""

from typing import Literal

from vidlib.params import Frozen

Unit = Literal["share", "count", "s", "per 100 frames"]


class Score(Frozen):
    """One row of the table: a ``measure`` of a ``part`` (shots, faces, ...), for everything or for a ``subset``.

    ``value`` is in ``unit``. Shares lie in [0, 1]; only the diarization error rate may be higher. It is None if there
    was nothing to evaluate. ``n`` counts the evaluated frames, boundaries, tracks, ...
    """

    part: str
    measure: str
    subset: str = "all"
    value: float | None
    unit: Unit = "share"
    n: int


def share(part: str, measure: str, right: float, n: int, subset: str = "all") -> Score:
    """The share of ``n`` that is right; None if ``n`` is 0."""
    return Score(part=part, measure=measure, subset=subset, value=right / n if n else None, n=n)


def count(part: str, measure: str, value: int, n: int, subset: str = "all") -> Score:
    """A number of events among ``n``."""
    return Score(part=part, measure=measure, subset=subset, value=value, unit="count", n=n)
