"""Which items to check a decision answers, and so how often each kind of item was really wrong."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from vidlib.corrections.actions import Action, CheckedItem, Correction

SAME_PLACE_FRAMES = 12
"""A decision and an item within so many frames (half a second) are about the same moment."""

BOUNDARY = frozenset({"add-cut", "remove-cut", "move-cut", "set-kind"})
SPEECH = frozenset({"set-speaker", "join-speakers"})
FACE = frozenset({"not-a-face", "split", "merge", "different"})

KINDS: Mapping[str, frozenset[str]] = {
    "boundary": BOUNDARY,
    "missed boundary": BOUNDARY,
    "missed cut": frozenset({"add-cut", "split"}),
    "speaker": SPEECH,
    "brief speaker": SPEECH,
    "overlap": SPEECH,
    "moved turn": SPEECH,
    "short face": FACE,
    "face": FACE,
    "landmarks": FACE,
    "lost face": FACE,
    "person": FACE,
    "face speaker": FACE | {"speaking"},
    "speaking": frozenset({"speaking"}),
    "unseen speech": frozenset({"speaking"}),
}
"""The kinds of items, and the decisions that answer each; ``confirm`` answers all at its frame."""


OTHER = "other"
"""The kind in counts of items that have none, in results of earlier versions."""


def answers(decision: Action, kind: str, frame: int, track: int | None = None) -> bool:
    """Whether a decision about some results answers an item to check of the same results."""
    if decision.action == "confirm":
        return getattr(decision, "frame", None) == frame
    if decision.action not in KINDS.get(kind, ()):
        return False
    if track is not None and hasattr(decision, "track"):
        return track in (decision.track, getattr(decision, "other", None))
    return any(start - SAME_PLACE_FRAMES <= frame < stop + SAME_PLACE_FRAMES for start, stop in _times(decision))


def _times(decision: Action) -> Iterable[tuple[int, int]]:
    """The frames that a decision is about, as start and stop."""
    if (start := getattr(decision, "start", None)) is not None:
        return [(start, getattr(decision, "stop", start))]
    if "scenes" in decision.steps:
        frames = [getattr(decision, name) for name in ("frame", "to") if hasattr(decision, name)]
        return [(frame, frame + 1) for frame in frames]
    if (track := getattr(decision, "track_at", None)) is not None:
        return [(track.start, track.stop)]
    return [*getattr(decision, "speaker_at").spans, *getattr(decision, "other_at").spans]  # noqa: B009


def checked_items(corrections: Iterable[Correction]) -> list[CheckedItem]:
    """The items that decisions answer, once each."""
    return list(dict.fromkeys(item for correction in corrections for item in correction.items))


def is_checked(checked: Collection[CheckedItem], kind: str, frame: int | None) -> bool:
    """Whether an item of any analysis is one that a person has looked at: the same question at the same moment."""
    return frame is not None and any(
        item.kind == kind and abs(item.frame - frame) <= SAME_PLACE_FRAMES for item in checked
    )


def how_often_wrong(corrections: Sequence[Correction]) -> list[dict[str, Any]]:
    """A row for each kind of item that people looked at: how many were wrong, beside what the confidences promised.

    ``expected`` is the mean of 1 - confidence. The last row counts the corrections that no item had asked for.
    """
    looks: dict[str, list[tuple[bool, float]]] = {}
    for correction in corrections:
        for item in correction.items:
            looks.setdefault(item.kind or OTHER, []).append((correction.action != "confirm", 1 - item.confidence))
    rows: list[dict[str, Any]] = [
        {
            "kind": kind,
            "checked": len(own),
            "wrong": sum(wrong for wrong, _ in own),
            "share": round(sum(wrong for wrong, _ in own) / len(own), 3),
            "expected": round(sum(doubt for _, doubt in own) / len(own), 3),
        }
        for kind, own in sorted(looks.items())
    ]
    unasked = sum(not correction.items and bool(correction.decision.steps) for correction in corrections)
    return [*rows, {"kind": "not asked", "checked": None, "wrong": unasked, "share": None, "expected": None}]
