"""The decisions that a person can take about a result, as values. Frames count from 0; ``stop`` is not included."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, Self, get_args

from pydantic import AfterValidator, Field, ValidationError, model_validator

from vidlib.corrections.anchors import Frame, SpeakerAnchor, TrackAnchor
from vidlib.errors import UnknownName, UsageError, expectation
from vidlib.params import Frozen

Kind = Literal["cut", "dissolve", "fade"]
"""The kinds of a boundary."""

MAX_NAME_CHARS = 80

MAX_ITEMS = 100
"""Items to check that one decision answers, at most."""


def _plain_name(text: str) -> str:
    """A name as exports can write it: printable, on one line, not like a speaker label."""
    name = " ".join(text.replace("_", " ").split())
    if not name or len(name) > MAX_NAME_CHARS or not name.isprintable() or any(char in name for char in "<>"):
        raise ValueError(f"expected 1 to {MAX_NAME_CHARS} printable characters on one line, without < and >")
    if name.casefold().startswith("speaker ") and name[8:].isdigit():
        raise ValueError("expected the name of a person, not a speaker label")
    return name


PersonName = Annotated[str, Field(max_length=4 * MAX_NAME_CHARS), AfterValidator(_plain_name)]
Speaker = Annotated[str, Field(min_length=1, max_length=MAX_NAME_CHARS)]
Track = Annotated[int, Field(ge=0, lt=2**31)]


class Action(Frozen):
    """A decision. ``steps`` are the steps whose results it changes."""

    steps: ClassVar[tuple[str, ...]] = ()
    action: str

    def as_text(self) -> str:
        """The fields for people, as ``frame=100 kind=cut``."""
        hidden = {"action", *(name for name in type(self).model_fields if name.endswith("_at"))}
        return " ".join(f"{name}={value}" for name, value in self if name not in hidden and value is not None)


class _Boundary(Action):
    steps: ClassVar[tuple[str, ...]] = ("scenes",)
    frame: Annotated[int, Field(ge=1, lt=2**31)]


class AddCut(_Boundary):
    """A shot begins at ``frame``."""

    action: Literal["add-cut"] = "add-cut"
    kind: Kind = "cut"


class RemoveCut(_Boundary):
    """No shot begins at ``frame``."""

    action: Literal["remove-cut"] = "remove-cut"


class MoveCut(_Boundary):
    """The shot that begins at ``frame`` begins at ``to`` instead."""

    action: Literal["move-cut"] = "move-cut"
    to: Annotated[int, Field(ge=1, lt=2**31)]


class SetKind(_Boundary):
    """The shot that begins at ``frame`` begins with a cut, a dissolve or a fade."""

    action: Literal["set-kind"] = "set-kind"
    kind: Kind


class _Range(Action):
    start: Frame
    stop: Frame

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if self.start >= self.stop:
            raise ValueError(f"expected start {self.start} to lie before stop {self.stop}")
        return self


class SetSpeaker(_Range):
    """What is heard from ``start`` to ``stop`` is said by ``speaker``; a speaker without an anchor is a new one."""

    steps: ClassVar[tuple[str, ...]] = ("audio", "tracking")
    action: Literal["set-speaker"] = "set-speaker"
    speaker: Speaker
    speaker_at: SpeakerAnchor = SpeakerAnchor()


class JoinSpeakers(Action):
    """``other`` is the same speaker as ``speaker``, whose label stays."""

    steps: ClassVar[tuple[str, ...]] = ("audio", "tracking")
    action: Literal["join-speakers"] = "join-speakers"
    speaker: Speaker
    other: Speaker
    speaker_at: SpeakerAnchor = SpeakerAnchor()
    other_at: SpeakerAnchor = SpeakerAnchor()


class NameSpeaker(Action):
    """``speaker`` is the person ``name``."""

    steps: ClassVar[tuple[str, ...]] = ("tracking",)
    action: Literal["name"] = "name"
    speaker: Speaker
    name: PersonName
    speaker_at: SpeakerAnchor = SpeakerAnchor()


class _OfTrack(Action):
    steps: ClassVar[tuple[str, ...]] = ("tracking",)
    track: Track
    track_at: TrackAnchor | None = None


class _OfTwoTracks(_OfTrack):
    other: Track
    other_at: TrackAnchor | None = None

    @model_validator(mode="after")
    def _two(self) -> Self:
        if self.track == self.other:
            raise ValueError(f"expected two tracks, not {self.track} twice")
        return self


class MergeTracks(_OfTwoTracks):
    """The faces ``track`` and ``other`` are one person."""

    action: Literal["merge"] = "merge"


class DifferentTracks(_OfTwoTracks):
    """The faces ``track`` and ``other`` are two people; ``other`` becomes a person of its own."""

    action: Literal["different"] = "different"


class SplitTrack(_OfTrack):
    """From ``frame`` on, the face ``track`` is another person."""

    action: Literal["split"] = "split"
    frame: Frame


class NotAFace(_OfTrack):
    """What ``track`` shows is no face."""

    action: Literal["not-a-face"] = "not-a-face"


class SetSpeaking(_OfTrack, _Range):
    """The face ``track`` speaks, or does not, from ``start`` to ``stop``."""

    action: Literal["speaking"] = "speaking"
    speaks: bool


class SetFraming(Action):
    """In another shape, such as 9:16, the shot at ``frame`` is shown around ``centre``; without it, as a whole.

    ``centre`` is in pixels from the left of the delivered video. No step is concerned: exports apply it.
    """

    action: Literal["framing"] = "framing"
    frame: Frame
    centre: Annotated[int, Field(ge=0, le=2**20)] | None = None

    def as_text(self) -> str:
        return super().as_text() if self.centre is not None else f"{super().as_text()} fit"


class Confirm(Action):
    """What there is to check at ``frame`` is right as it is."""

    action: Literal["confirm"] = "confirm"
    frame: Frame


class Undo(Action):
    """The correction with the id ``undoes`` no longer counts."""

    action: Literal["undo"] = "undo"
    undoes: str


AnyAction = Annotated[
    AddCut
    | RemoveCut
    | MoveCut
    | SetKind
    | SetSpeaker
    | JoinSpeakers
    | NameSpeaker
    | MergeTracks
    | DifferentTracks
    | SplitTrack
    | NotAFace
    | SetSpeaking
    | SetFraming
    | Confirm
    | Undo,
    Field(discriminator="action"),
]

ACTIONS: Mapping[str, type[Action]] = {
    model.model_fields["action"].default: model for model in get_args(get_args(AnyAction)[0])
}
"""The kinds of decisions, by name."""


class CheckedItem(Frozen):
    """An item to check that a decision answers: the question, its frame, and how sure the machine was, in [0, 1]."""

    kind: Annotated[str, Field(max_length=40)]
    frame: Frame
    confidence: Annotated[float, Field(ge=0, le=1)]


class Correction(Frozen):
    """One decision: its ``id``, what was decided, by whom, when (UTC), and the ``items`` to check that it answers."""

    id: Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")]
    decision: AnyAction
    by: Annotated[str, Field(max_length=200)] = ""
    at: datetime
    items: Annotated[tuple[CheckedItem, ...], Field(max_length=MAX_ITEMS)] = ()

    @property
    def action(self) -> str:
        return self.decision.action


class Decision(Frozen):
    """A correction as an input of a step: who decided it, and when, changes no byte of the results."""

    id: str
    decision: AnyAction


def parse(action: str, fields: Mapping[str, Any]) -> Action:
    """The decision ``action`` (``add-cut`` or ``add_cut``) with its ``fields``.

    Raises UnknownName for another action, UsageError for a field that is missing, unknown or out of range.
    """
    name = action.replace("_", "-")
    if name not in ACTIONS or name == "undo":
        raise UnknownName("a correction", action, [known for known in ACTIONS if known != "undo"])
    try:
        return ACTIONS[name].model_validate({**fields, "action": name})
    except ValidationError as error:
        raise UsageError(f"{name}: {_problems(error)}") from error


def _problems(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(map(str, problem['loc'])) or 'value'} = {problem['input']!r}: {expectation(problem['msg'])}"
        for problem in error.errors()
    )


def undone(corrections: Sequence[Correction]) -> set[str]:
    """The ids of the corrections that were taken back; an undo that was taken back itself does not count."""
    ids: set[str] = set()
    for correction in reversed(corrections):
        if isinstance(correction.decision, Undo) and correction.id not in ids:
            ids.add(correction.decision.undoes)
    return ids


def active(corrections: Sequence[Correction]) -> list[Correction]:
    """The decisions that count, in the order in which they were taken: without those that were undone."""
    ids = undone(corrections)
    return [one for one in corrections if one.id not in ids and not isinstance(one.decision, Undo)]


def for_step(corrections: Iterable[Correction], step: str) -> tuple[Decision, ...]:
    """The decisions of `active` that ``step`` applies."""
    return tuple(Decision(id=one.id, decision=one.decision) for one in corrections if step in one.decision.steps)
