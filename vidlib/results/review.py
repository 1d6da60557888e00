"""What a person should check in a video: one list for all steps, in the order of the expected harm.

The expected harm of an item is the probability that the result is wrong, times the frames that would then be wrong,
times the weight of its kind. docs/how/confidence.md explains how the weights were chosen.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import nlargest

from pydantic import Field

from vidlib.params import Frozen
from vidlib.timeline import FPS

FIRST = 10
"""Items that a page shows at first; the others are behind *more*."""

MAX_ITEMS = 1000
"""The most items that one step keeps, about 0.2 MB, so that a day of video has a list too. An hour may have 3,000."""

WORTH_A_LOOK = 0.9
"""Results below this confidence are items to check: those above are wrong too rarely to fill a list with them."""

POWER = 0.5
"""Power of the seconds that would be wrong: a look at an error of nine seconds takes no longer than at one of a second.
Powers from 0 to 1 name as many errors of the composed films; see docs/how/confidence.md."""

WEIGHTS: Mapping[str, float] = {"short face": 0.25, "landmarks": 0.25}
"""Weights of the kinds that are hardly ever an error, so that they do not fill the beginning of the list. All others
have 1: on the composed films, other weights named no more errors."""

SAME_QUESTION: Mapping[str, str] = {
    "face speaker": "speaking",
    "short face": "face",
    "landmarks": "face",
    "missed cut": "missed boundary",
}
"""Kinds that ask the same as another one: does this person speak, are these faces, does this shot lack a cut?"""


class ReviewItem(Frozen):
    """Something that a person should check; ``frame`` counts from 0.

    ``confidence`` is the machine's, in [0, 1]; 0 where there is no estimate. ``kind`` is one of
    `vidlib.corrections.review.KINDS`, ``frames`` are those in question (0: unknown), ``track`` is the face in question.
    Items that ask the same ``about`` the same thing, such as ``person 3``, are one in the list of a page.
    """

    message: str
    frame: int | None = None
    confidence: float = Field(0.0, ge=0, le=1)
    kind: str = Field("", exclude_if=lambda kind: not kind)
    frames: int = Field(0, ge=0, exclude_if=lambda frames: not frames)
    track: int | None = Field(None, exclude_if=lambda track: track is None)
    about: str = Field("", exclude_if=lambda about: not about)

    def harm(self, n_frames: int) -> float:
        """The expected harm, to compare items by; an item without a ``frame`` is about all ``n_frames``."""
        frames = self.frames or (n_frames if self.frame is None else 1)
        return WEIGHTS.get(self.kind, 1.0) * (1 - self.confidence) * (frames / FPS) ** POWER


def about_shot(start: int) -> str:
    """What an item is about that concerns the shot from frame ``start`` on: the same for all steps."""
    return f"shot from frame {start}"


def is_worth_a_look(confidence: float) -> bool:
    """Whether a result of this confidence is an item to check."""
    return confidence < WORTH_A_LOOK


Asked = tuple[str, ReviewItem]
"""An item, after the step that asks."""


@dataclass(frozen=True)
class Question:
    """One entry of the list: items that ask the same about the same thing, that of most harm first."""

    asked: tuple[Asked, ...]
    harm: float

    @property
    def step(self) -> str:
        """The step that asks first."""
        return self.asked[0][0]

    @property
    def items(self) -> tuple[ReviewItem, ...]:
        """The items, that of most harm first."""
        return tuple(item for _, item in self.asked)


def most_harmful(items: Sequence[ReviewItem], n_frames: int, n_dropped: int = 0) -> tuple[ReviewItem, ...]:
    """The `MAX_ITEMS` items of most harm, in this order, and a note how many more there are, with ``n_dropped``."""
    kept = tuple(nlargest(MAX_ITEMS, items, key=lambda item: item.harm(n_frames)))
    if n := n_dropped + len(items) - len(kept):
        message = f"{n} more results of low confidence are not listed; each matters less than those that are"
        return *kept, ReviewItem(message=message, confidence=1)
    return kept


def questions(asked: Iterable[Asked], n_frames: int) -> list[Question]:
    """The list for the items of all steps of a video of ``n_frames``."""
    groups: dict[tuple[str, str | int], list[Asked]] = defaultdict(list)
    for number, (step, item) in enumerate(asked):
        groups[SAME_QUESTION.get(item.kind, item.kind), item.about or number].append((step, item))
    return sorted((_question(group, n_frames) for group in groups.values()), key=_order)


def _question(asked: list[Asked], n_frames: int) -> Question:
    ranked = sorted(asked, key=lambda one: -one[1].harm(n_frames))
    return Question(tuple(ranked), sum(item.harm(n_frames) for _, item in asked))


def _order(question: Question) -> tuple[float, int]:
    frame = question.items[0].frame
    return -question.harm, -1 if frame is None else frame
