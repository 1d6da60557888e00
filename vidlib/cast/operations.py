"""The decisions of people about the cast, and what the cast is after them.

The log of all decisions is the cast: it is only added to, and an undo is one more entry. A person of the cast, such as
P3, has the number of the entry that added the person. A person in one video is an appearance, such as A12.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from vidlib.corrections.actions import PersonName
from vidlib.errors import UsageError
from vidlib.params import Frozen

Number = Annotated[int, Field(ge=1, lt=2**53)]
Subject = Annotated[str, Field(pattern=r"^[AP][1-9][0-9]{0,15}$")]
"""An appearance or a person, such as A12 or P3."""


class Add(Frozen):
    """A new person, so far seen in ``appearance`` only."""

    action: Literal["add"] = "add"
    appearance: Number


class Confirm(Frozen):
    """``appearance`` shows ``person``."""

    action: Literal["confirm"] = "confirm"
    appearance: Number
    person: Number


class Name(Frozen):
    """``person`` is called ``name``."""

    action: Literal["name"] = "name"
    person: Number
    name: PersonName


class Merge(Frozen):
    """``other`` is the same person as ``person``, whose name stays."""

    action: Literal["merge"] = "merge"
    person: Number
    other: Number


class Split(Frozen):
    """``appearance`` shows another person than so far: a new one."""

    action: Literal["split"] = "split"
    appearance: Number


class NotSame(Frozen):
    """``first`` and ``second`` are two people, whatever any comparison says."""

    action: Literal["not-same"] = "not-same"
    first: Subject
    second: Subject


class Undo(Frozen):
    """The entry ``undoes`` no longer counts."""

    action: Literal["undo"] = "undo"
    undoes: Number


class Event(Frozen):
    """Something that was done with the data of people, and decides nothing.

    ``about`` names the appearances and people, ``note`` says more: a video, a folder, a picture, a receipt.
    """

    action: Literal["event"] = "event"
    event: Literal["collect", "look", "show", "export", "erase", "expire"]
    about: tuple[Subject, ...] = ()
    note: str = ""


Operation = Annotated[Add | Confirm | Name | Merge | Split | NotSame | Undo | Event, Field(discriminator="action")]
OPERATIONS: TypeAdapter[Operation] = TypeAdapter(Operation)


@dataclass(frozen=True)
class Entry:
    """One entry of the log: who did what, and when. ``operation`` is None where the person was erased."""

    number: int
    at: datetime
    by: str
    action: str
    operation: Operation | None

    def subjects(self) -> set[str]:
        """The appearances and people that it is about; none for an erased entry."""
        values = self.operation.model_dump() if self.operation else {}
        named = {f"{key[0].upper()}{values[key]}" for key in ("appearance", "person") if key in values}
        named |= {f"P{values['other']}"} if "other" in values else set()
        named |= {f"P{self.number}"} if isinstance(self.operation, Add | Split) else set()
        return named | set(values.get("about", ())) | {values[key] for key in ("first", "second") if key in values}

    def about(self) -> str:
        """What was done, for people, such as ``A12 P3``; nothing for an erased entry."""
        if isinstance(self.operation, Event):
            return " ".join(filter(None, (self.operation.event, *self.operation.about, self.operation.note)))
        prefix = {"appearance": "A", "person": "P", "other": "P"}
        fields = self.operation or ()
        return " ".join(f"{prefix.get(name, '')}{value}" for name, value in fields if name != "action")


@dataclass
class Cast:
    """Who is who: the person of each appearance, the names of people, and the pairs that are two people.

    ``merged`` maps people to the ones that they turned out to be.
    """

    person_of: dict[int, int] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    merged: dict[int, int] = field(default_factory=dict)
    different: list[tuple[str, str]] = field(default_factory=list)

    def resolve(self, person: int) -> int:
        """The person that ``person`` is after all merges."""
        while person in self.merged:
            person = self.merged[person]
        return person

    def numbers(self, person: int) -> list[int]:
        """The number of a person, and those of all who turned out to be this person."""
        return sorted(one for one in {*self.merged, person} if self.resolve(one) == person)

    def people(self) -> dict[int, list[int]]:
        """The appearances of each person who has any."""
        people: dict[int, list[int]] = {}
        for appearance, person in sorted(self.person_of.items()):
            people.setdefault(self.resolve(person), []).append(appearance)
        return people

    def shown(self, subject: str) -> list[int]:
        """The appearances of a person, or an appearance alone."""
        number = int(subject[1:])
        return [number] if subject.startswith("A") else self.people().get(self.resolve(number), [])

    def person(self, appearance: int) -> int | None:
        """The person whom an appearance shows, as far as it is known."""
        known = self.person_of.get(appearance)
        return None if known is None else self.resolve(known)

    def name(self, person: int) -> str | None:
        """The name of a person; that of a merged one, where the other has none."""
        named = [self.names[one] for one in self.names if self.resolve(one) == person]
        return self.names.get(person) or next(iter(named), None)

    def are_different(self, first: str, second: str) -> bool:
        """Whether somebody decided that two appearances or people, such as A12 and P3, are not the same."""
        side, other = self._side(first), self._side(second)
        return any((a in side and b in other) or (a in other and b in side) for a, b in self._walls())

    def rejected(self, person: int) -> list[int]:
        """The appearances of which somebody decided that they do not show ``person``."""
        side = self._side(f"P{person}")
        others = {b if a in side else a for a, b in self._walls() if (a in side) != (b in side)}
        return sorted(int(subject[1:]) for subject in others if subject.startswith("A"))

    def _side(self, subject: str) -> set[str]:
        """The person that a subject is or shows, with all appearances; an appearance of nobody alone."""
        number = int(subject[1:])
        person = self.person(number) if subject.startswith("A") else self.resolve(number)
        return {subject} if person is None else {f"P{person}", *(f"A{one}" for one in self.people().get(person, ()))}

    def _walls(self) -> list[tuple[str, str]]:
        """The pairs of `different`, with people as they are after all merges."""
        return [(self._resolved(first), self._resolved(second)) for first, second in self.different]

    def _resolved(self, subject: str) -> str:
        return f"P{self.resolve(int(subject[1:]))}" if subject.startswith("P") else subject


def undone(entries: Sequence[Entry]) -> set[int]:
    """The numbers of the entries that were taken back; an undo that was taken back itself does not count."""
    numbers: set[int] = set()
    for entry in reversed(entries):
        if isinstance(entry.operation, Undo) and entry.number not in numbers:
            numbers.add(entry.operation.undoes)
    return numbers


def active(entries: Sequence[Entry]) -> list[Entry]:
    """The decisions that count, in the order in which they were taken."""
    numbers = undone(entries)
    return [
        entry
        for entry in entries
        if entry.operation and entry.number not in numbers and not isinstance(entry.operation, Undo | Event)
    ]


def fold(entries: Sequence[Entry]) -> Cast:
    """The cast after all decisions that count; later ones win."""
    cast = Cast()
    for entry in active(entries):
        match entry.operation:
            case Add(appearance=appearance) | Split(appearance=appearance):
                cast.person_of[appearance] = entry.number
            case Confirm(appearance=appearance, person=person):
                cast.person_of[appearance] = person
            case Name(person=person, name=name):
                cast.names[cast.resolve(person)] = name
            case Merge(person=person, other=other) if cast.resolve(person) != cast.resolve(other):
                cast.merged[cast.resolve(other)] = cast.resolve(person)
            case NotSame():
                _tell_apart(cast, entry.operation)
    return cast


def _tell_apart(cast: Cast, decision: NotSame) -> None:
    """Record a pair of two people, and take an appearance away from the person whom it does not show."""
    cast.different.append((decision.first, decision.second))
    for subject, other in ((decision.first, decision.second), (decision.second, decision.first)):
        number, person = int(subject[1:]), int(other[1:])
        if (subject[0], other[0]) == ("A", "P") and cast.person(number) == cast.resolve(person):
            del cast.person_of[number]


def check(cast: Cast, operation: Operation, appearances: Mapping[int, object] | Iterable[int]) -> None:
    """Raise UsageError for a decision about somebody who is not there, or against an earlier *not the same*."""
    known = {f"A{number}" for number in appearances} | {f"P{number}" for number in cast.people()}
    probe = Entry(0, datetime.min, "", "", operation)
    for subject in sorted(probe.subjects()):
        if subject not in known and subject != "P0":  # P0 is the person that the decision adds
            what = "appearance" if subject.startswith("A") else "person"
            raise UsageError(f"{subject} is no {what} of the cast; vidlib cast list shows those that there are")
    match operation:
        case Confirm(appearance=appearance, person=person) if cast.are_different(f"A{appearance}", f"P{person}"):
            raise _refused(f"A{appearance}", f"P{person}")
        case Merge(person=person, other=other) if person == other:
            raise UsageError(f"P{person} is one person; expected two to merge")
        case Merge(person=person, other=other) if cast.are_different(f"P{person}", f"P{other}"):
            raise _refused(f"P{person}", f"P{other}")
        case NotSame(first=first, second=second) if first == second:
            raise UsageError(f"{first} is named twice; expected two")
        case Split(appearance=appearance) if appearance not in cast.person_of:
            raise UsageError(f"A{appearance} is nobody of the cast, so there is nothing to split")


def _refused(first: str, second: str) -> UsageError:
    return UsageError(
        f"somebody decided that {first} and {second} are not the same; vidlib cast log shows it, and vidlib cast undo "
        "takes it back"
    )
